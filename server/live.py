"""One run that is under way here, and whoever listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ..events import Event

__all__ = ["Live"]


class Live:
    """The events of a run since it was taken up here. Listeners read them at their own pace; nobody has a queue that
    could fill."""

    def __init__(self, run_id: str, caller: str) -> None:
        self.run_id = run_id
        self.caller = caller
        self.task: asyncio.Task[None] | None = None
        self.cancelling = False
        self.ended = False
        self._events: list[Event] = []
        self._changed = asyncio.Event()

    def add(self, event: Event) -> None:
        """One more event, for all listeners."""
        self._events.append(event)
        self._wake()

    def close(self) -> None:
        """No event follows here."""
        self.ended = True
        self._wake()

    def reaches(self, after: int) -> bool:
        """Whether every event after number `after` is, or will be, among those of here."""
        return bool(self._events) and self._events[0].seq <= after + 1

    async def follow(self, after: int) -> AsyncGenerator[Event, None]:
        """The events after number `after`, until the run ends here."""
        position = 0
        while True:
            changed = self._changed
            while position < len(self._events):
                event = self._events[position]
                position += 1
                if event.seq > after:
                    yield event
            if self.ended and position == len(self._events):
                return
            if position == len(self._events):
                await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
