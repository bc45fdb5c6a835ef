"""Numbers, times, keeps and hands out a run's events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from ..events import Event, Thinking
from ..safety.hold import current_hold

__all__ = ["Emitter"]

Keep = Callable[[Event], Awaitable[None]]


class Emitter:
    """The one way in which a run speaks.

    An event is stored before anyone sees it, so that whoever reconnects misses none. What work that runs ahead of a
    verdict says (it may quote what should not be shown) is held until the verdict is a yes, and else dropped.
    """

    def __init__(self, run_id: str, *, first: int, clock: Callable[[], datetime], keep: Keep) -> None:
        self.spoke = first > 0  # in an earlier start of the run
        self._run_id = run_id
        self._next = first
        self._clock = clock
        self._keep = keep
        self._lock = asyncio.Lock()
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    async def emit(self, kind: type[Any], **fields: Any) -> None:
        """Make an event of this kind, keep it, hand it out: now, or after the verdict that the caller is ahead of."""
        hold = current_hold()
        if hold is None or not hold.defer(partial(self._emit, kind, fields)):
            await self._emit(kind, fields)

    async def think(self, text: str) -> None:
        """A thinking summary."""
        await self.emit(Thinking, text=text)

    def close(self) -> None:
        """No event will follow."""
        self.queue.put_nowait(None)

    async def _emit(self, kind: type[Any], fields: dict[str, Any]) -> None:
        async with self._lock:
            event: Event = kind(run_id=self._run_id, seq=self._next, at=self._clock(), **fields)
            keeping = asyncio.ensure_future(self._keep(event))
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:
                # It will be stored all the same: its number must not be given out again.
                await asyncio.wait([keeping])
                self._next += keeping.exception() is None
                raise
            self._next += 1
            self.queue.put_nowait(event)
