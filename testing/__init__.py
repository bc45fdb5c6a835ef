"""Scripted parts, for tests of whatever is built with Safelight: public, deterministic, offline.

One for each plug point, and equal to the real ones in what they promise: moderators that allow, block on a word, follow
a script, fail in every known way or hang; a recorder that remembers; a clock that stands until it is told to move; a
reasoner, a generator and a search that answer from a script and remember what they were asked.

    guard = fake_guard(BlockOn("dragon", "shocking"))
    effect = safelight.safety.guard(draw, guard=guard, ...)
"""

from __future__ import annotations

from .guards import FakeClock, FakeEntropy, MemoryRecorder, fake_guard, fake_office
from .moderators import (
    AllowAll,
    BlockOn,
    FailingModerator,
    Failure,
    HangingModerator,
    ScriptedModerator,
    every_pair,
)
from .scripted import ScriptedGenerator, ScriptedReasoner, ScriptedSearch

__all__ = [
    "AllowAll",
    "BlockOn",
    "FailingModerator",
    "Failure",
    "FakeClock",
    "FakeEntropy",
    "HangingModerator",
    "MemoryRecorder",
    "ScriptedGenerator",
    "ScriptedModerator",
    "ScriptedReasoner",
    "ScriptedSearch",
    "every_pair",
    "fake_guard",
    "fake_office",
]
