"""A guard to try things with, and what it works with: time and randomness that repeat, a record that is looked into."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import StoreError
from ..safety.clearance import Clearance, ClearanceOffice
from ..safety.content import Content, Stage
from ..safety.guard import Guard
from ..safety.moderator import Moderator
from ..safety.policy import PolicySet
from ..safety.stack import SafetyStack
from ..safety.verdict import Verdict
from .moderators import AllowAll, every_pair

__all__ = ["FakeClock", "FakeEntropy", "MemoryRecorder", "fake_guard", "fake_office"]


class FakeClock:
    """A clock in seconds that stands still until `advance`."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeEntropy:
    """Bytes that look random, differ each time, and are the same in every test run."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(f"{self._seed}:{self._count}".encode()).digest(size)


@dataclass
class MemoryRecorder:
    """Remembers what guards record, as `(kind, details)`. `broken` names the kinds that it fails to record."""

    broken: frozenset[str] = frozenset()
    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def verdict(
        self, *, run_id: str, content: Content, verdict: Verdict, clearance: Clearance | None = None
    ) -> None:
        self._add("verdict", run_id=run_id, content=content, verdict=verdict)
        if clearance is not None:
            self._add("clearance", run_id=run_id, clearance=clearance)

    async def effect(self, *, run_id: str, name: str, digest: bytes) -> None:
        self._add("effect", run_id=run_id, name=name, digest=digest)

    def kinds(self) -> list[str]:
        """What was recorded, in order."""
        return [kind for kind, _ in self.entries]

    def _add(self, kind: str, **details: Any) -> None:
        if kind in self.broken:
            raise StoreError(f"The {kind} cannot be written: this recorder is broken on purpose.")
        self.entries.append((kind, details))


def fake_office(
    clock: Callable[[], float] | None = None,
    entropy: Callable[[int], bytes] | None = None,
    *,
    policy_version: str = "test",
    lifetime: float = 60.0,
) -> ClearanceOffice:
    """An office with a fixed key and, unless given, a standing clock and repeatable entropy."""
    return ClearanceOffice(
        {"test": b"0123456789abcdef0123456789abcdef"},
        "test",
        policy_version,
        lifetime,
        clock or FakeClock(),
        entropy or FakeEntropy(),
    )


def fake_guard(
    moderator: Moderator | Mapping[Stage, Moderator] | None = None,
    *,
    policies: PolicySet | None = None,
    recorder: MemoryRecorder | None = None,
    clock: Callable[[], float] | None = None,
    entropy: Callable[[int], bytes] | None = None,
    seconds: float = 5.0,
    human_review: bool = False,
) -> Guard:
    """A guard under the shipped policies, with one moderator at every stage (default: `AllowAll`), or one a stage."""
    policies = policies or _shipped()
    given = AllowAll(every_pair(policies)) if moderator is None else moderator
    stages = given if isinstance(given, Mapping) else dict.fromkeys(Stage, given)
    stack = SafetyStack(policies, stages, seconds, human_review=human_review)
    return Guard(stack, fake_office(clock, entropy, policy_version=policies.version), recorder)


@functools.cache
def _shipped() -> PolicySet:
    return PolicySet.load()
