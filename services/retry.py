"""Which calls are made again, when, and until when."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from .faults import ServiceFault

__all__ = ["Retry"]

T = TypeVar("T")


class Retry:
    """Makes a call up to `attempts` times within `deadline` seconds.

    Waits as long as the service asks (Retry-After), otherwise `backoff`·2ⁿ seconds up to `longest`, with full jitter on
    half of it. A wait that would pass the deadline is not begun: the fault is raised at once.
    """

    def __init__(
        self,
        *,
        attempts: int = 4,
        deadline: float = 300.0,
        backoff: float = 0.5,
        longest: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._deadline = deadline
        self._backoff = backoff
        self._longest = longest
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    async def call(self, send: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """The first answer. `repeatable` says that doing it twice is harmless: only then is a call whose end is
        unknown (a timeout, a dropped connection, an answer that cannot be read) made again.

        Raises:
            ServiceFault: the last one, where no attempt succeeded or none more is worth it.
        """
        begun = self._clock()

        def again(error: BaseException) -> bool:
            if not isinstance(error, ServiceFault) or not error.retryable or error.kind == "busy":
                return False
            return repeatable or not error.unknown_end

        def enough(state: RetryCallState) -> bool:
            too_late = self._clock() - begun + state.upcoming_sleep > self._deadline
            return too_late or state.attempt_number >= self._attempts

        retrying = AsyncRetrying(
            retry=retry_if_exception(again),
            wait=self._wait,
            stop=enough,
            sleep=self._sleep,
            reraise=True,
        )

        async def attempt() -> T:  # tenacity awaits only what it can tell to be a coroutine function
            return await send()

        return await retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        own = min(self._longest, self._backoff * 2.0 ** (state.attempt_number - 1)) * (0.5 + 0.5 * self._jitter())
        asked = error.retry_after if isinstance(error, ServiceFault) else None
        # Never before the service said; a little after, so that those who were told the same do not return together.
        return own if asked is None else asked + 0.1 * own
