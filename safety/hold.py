"""Speculation, held and cancelled: work may begin beside its check, and nothing of it leaves before the verdict.

    outcome, found = await beside(guard.check(content, run_id=run_id), lambda: reason(content), passed=is_cleared)

A `Hold` is what such work runs in. It reaches everything that the work calls (by context, so tasks and threads that it
starts are held, too): an effect that is called in there waits for the verdict, and what would be shown is shown after
it. On a no the work is cancelled, and not waited for: whoever asked has the refusal as soon as the check has said so.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from enum import Enum
from typing import Any, TypeVar

__all__ = ["Hold", "beside", "current_hold"]

T = TypeVar("T")
V = TypeVar("V")

_HOLD: ContextVar[Hold | None] = ContextVar("safelight_hold", default=None)
# Work that ignores its cancellation is left behind; the event loop holds tasks only weakly.
_left_behind: set[asyncio.Task[Any]] = set()


class _Verdict(Enum):
    AWAITED, YES, NO = range(3)


class Hold:
    """Holds back what a piece of work would do to the world, until the verdict on what it works from."""

    def __init__(self, outer: Hold | None = None) -> None:
        self._outer = outer
        self._verdict = _Verdict.AWAITED
        self._decided = asyncio.Event()
        self._deferred: list[Callable[[], Awaitable[None] | None]] = []

    async def passed(self) -> None:
        """Returns once the verdict is a yes (and that of the hold around this one, if there is one).

        Raises:
            asyncio.CancelledError: it was a no. The work has been cancelled already; this holds where it did not obey.
        """
        await self._decided.wait()
        if self._verdict is _Verdict.NO:
            raise asyncio.CancelledError("The verdict on what this works from was a no.")
        if self._outer is not None:
            await self._outer.passed()

    def defer(self, call: Callable[[], Awaitable[None] | None]) -> bool:
        """Keep a call for after the verdict, in order; False where that was a yes, and the caller may go ahead.

        After a no the call is dropped.
        """
        if self._verdict is _Verdict.YES:
            return self._outer is not None and self._outer.defer(call)
        if self._verdict is _Verdict.AWAITED:
            self._deferred.append(call)
        return True

    async def _release(self) -> None:
        """The verdict is a yes: do what was deferred, and hold no more."""
        while self._deferred:  # what comes meanwhile goes to the end, so that the order stays
            call = self._deferred.pop(0)
            if self._outer is None or not self._outer.defer(call):
                done = call()
                if inspect.isawaitable(done):
                    await done
        self._verdict = _Verdict.YES
        self._decided.set()

    def _drop(self) -> None:
        """There is no yes, and there will be none: forget what was deferred."""
        if self._verdict is _Verdict.AWAITED:
            self._verdict = _Verdict.NO
            self._deferred.clear()
            self._decided.set()


def current_hold() -> Hold | None:
    """The hold that the caller runs in; None where nothing is held, and after a yes."""
    hold = _HOLD.get()
    return None if hold is None or (hold._verdict is _Verdict.YES and hold._outer is None) else hold


async def beside(
    check: Awaitable[V], work: Callable[[], Awaitable[T]], *, passed: Callable[[V], bool]
) -> tuple[V, T | None]:
    """The outcome of a check, and what the work that ran beside it gave; None for that where the check said no.

    The work begins with the check and is held until the check's outcome has `passed`. On a no, on a failure of the
    check and on the caller's cancellation the work is cancelled and left to end by itself. Its own exceptions wait for
    the verdict like all else.
    """
    hold = Hold(current_hold())

    async def held() -> T:
        _HOLD.set(hold)  # in a task of its own, and so in a context of its own
        return await work()

    working = asyncio.create_task(held())
    try:
        outcome = await check
        if passed(outcome) is not True:
            return outcome, None
        await hold._release()
        return outcome, await working
    finally:
        hold._drop()
        if not working.done():
            working.cancel()
            _left_behind.add(working)
        working.add_done_callback(_let_go)


def _let_go(task: asyncio.Task[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # nobody will ask for it, and that is no reason for a warning
