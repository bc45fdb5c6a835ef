"""Stops calling a service that is down, and tries it again with one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from .faults import ServiceFault

__all__ = ["Breaker"]


class Breaker:
    """Opens after `threshold` faults of the service in a row, for `cooldown` seconds; then one call tries.

    What speaks about a request rather than about the service (a block, a bad size, a rate limit) does not count, and
    neither does a caller who went away.
    """

    def __init__(
        self, *, threshold: int = 5, cooldown: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock
        self._faults = 0
        self._opened: float | None = None
        self._trying = False

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        if self._opened is None:
            return "closed"
        return "half_open" if self._clock() - self._opened >= self._cooldown else "open"

    @contextmanager
    def watching(self, role: str) -> Iterator[None]:
        """Around one attempt. Raises ServiceFault (busy), sending nothing, while the breaker is open."""
        probe = self._admit(role)
        try:
            yield
        except ServiceFault as fault:
            self._note(fault.of_the_service)
            raise
        else:
            self._note(False)
        finally:
            if probe:
                self._trying = False

    def _admit(self, role: str) -> bool:
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._trying:
            wait = max(0.0, self._cooldown - (self._clock() - (self._opened or 0.0)))
            raise ServiceFault(
                f"The {role} failed {self._faults} times in a row and is being left alone for {wait:.0f} s more.",
                kind="busy",
                sent=False,
                retry_after=wait,
            )
        self._trying = True
        return True

    def _note(self, failed: bool) -> None:
        if not failed:
            self._faults, self._opened = 0, None
            return
        self._faults += 1
        if self._faults >= self._threshold:
            self._opened = self._clock()
