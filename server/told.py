"""An event on its way to listeners."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Self

from ..events import Event, parse_event
from .sse import sse

__all__ = ["Told"]


class Told:
    """One event, as an object and as the line of a stream: each is made when first asked for, once for all listeners.

    What comes from the store and goes on to a stream is never parsed in between.
    """

    def __init__(self, seq: int, text: str = "") -> None:
        self.seq = seq
        self._text = text

    @classmethod
    def of(cls, event: Event) -> Self:
        """The event that has just happened."""
        told = cls(event.seq)
        told.event = event
        return told

    @cached_property
    def event(self) -> Event:
        """The event itself."""
        return parse_event(json.loads(self._text))

    @cached_property
    def line(self) -> bytes:
        """The event as a server-sent one, its number as id and its type as name."""
        if not self._text:
            return sse(self.event.model_dump_json(), event=self.event.type, id=self.seq)
        return sse(self._text, event=json.loads(self._text)["type"], id=self.seq)
