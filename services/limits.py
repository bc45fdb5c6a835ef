"""How much one process asks of a service at once, and a minute, over all its runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

__all__ = ["Limits"]


class Limits:
    """At most `concurrency` calls in flight, and `per_minute` begun a minute, evenly spaced after a burst.

    The rate is a leaky bucket by virtual time (GCRA, ITU-T I.371): `burst` calls may begin together. `pause` holds
    everybody back after a service has told one caller to wait.
    """

    def __init__(
        self,
        concurrency: int = 8,
        per_minute: float | None = None,
        *,
        burst: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._burst = burst if burst is not None else concurrency
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Begin nothing for this long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Around one attempt: waits for its turn."""
        async with self._slots:
            wait = self._turn()
            if wait > 0:
                await self._sleep(wait)
            yield

    def _turn(self) -> float:
        """Seconds until this call may begin; its turn is taken now, so that the order is kept."""
        now = self._clock()
        if not self._interval:
            return max(0.0, self._paused_until - now)
        theirs = max(self._next, now)
        self._next = theirs + self._interval
        return max(0.0, self._paused_until - now, theirs - (self._burst - 1) * self._interval - now)
