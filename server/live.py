"""One run that is under way here, and whoever listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ..events import Event
from .told import Told

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
        self._events: list[Told] = []
        self._changed = asyncio.Event()

    def add(self, event: Event) -> None:
        """One more event, for all listeners."""
        self._events.append(Told.of(event))
        self._wake()

    def close(self) -> None:
        """No event follows here."""
        self.ended = True
        self._wake()

    def reaches(self, after: int) -> bool:
        """Whether every event after number `after` is, or will be, among those of here."""
        return bool(self._events) and self._events[0].seq <= after + 1

    async def follow(self, after: int) -> AsyncGenerator[list[Told], None]:
        """The events after number `after`, as many at a time as there are, until the run ends here."""
        position = 0
        while True:
            changed, ended = self._changed, self.ended
            batch = [told for told in self._events[position:] if told.seq > after]
            position = len(self._events)
            if batch:
                yield batch
            elif ended:
                return
            else:
                await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
