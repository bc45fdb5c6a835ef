"""Numbers, times, keeps and hands out a run's events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ..events import Event, Thinking

__all__ = ["Emitter"]

Keep = Callable[[Event], Awaitable[None]]


class Emitter:
    """The one way in which a run speaks.

    An event is stored before anyone sees it, so that whoever reconnects misses none. Thoughts are held back until the
    prompt has cleared (`release`), and dropped if it has not (`drop`): reasoning runs beside its guard, and what it
    says may quote what should not be shown.
    """

    def __init__(self, run_id: str, *, first: int, clock: Callable[[], datetime], keep: Keep) -> None:
        self._run_id = run_id
        self._next = first
        self._clock = clock
        self._keep = keep
        self._lock = asyncio.Lock()
        self._held: list[str] | None = []
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    async def emit(self, kind: type[Any], **fields: Any) -> None:
        """Make an event of this kind, keep it, hand it out."""
        async with self._lock:
            event: Event = kind(run_id=self._run_id, seq=self._next, at=self._clock(), **fields)
            await self._keep(event)
            self._next += 1
            self.queue.put_nowait(event)

    async def think(self, text: str) -> None:
        """A thinking summary: shown now, or once the prompt has cleared."""
        if self._held is not None:
            self._held.append(text)
        else:
            await self.emit(Thinking, text=text)

    async def release(self) -> None:
        """The prompt has cleared: show what was held, and hold no more."""
        held, self._held = self._held or [], None
        for text in held:
            await self.emit(Thinking, text=text)

    def drop(self) -> None:
        """The prompt has not cleared: forget what was held."""
        self._held = []

    def close(self) -> None:
        """No event will follow."""
        self.queue.put_nowait(None)
