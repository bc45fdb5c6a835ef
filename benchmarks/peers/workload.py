"""The turn that every peer runs: one request that is thought about, and four images that come of it.

    prompt guard 30 ms → planner 100 ms → 4 × (input guard 30 → generator 200 → output guard 30), images in parallel

Every part sleeps and counts, so that what is left of a turn beside its critical path is the framework's own cost.
Adapters call these five coroutines and nothing else. Text that holds `FORBIDDEN` is what guards say no to.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from dataclasses import dataclass

GUARD, PLANNER, GENERATOR = 0.030, 0.100, 0.200  # seconds
IMAGES = 4
FORBIDDEN = "forbidden"

# Seconds of the critical path, by what may run beside what:
STRICT = GUARD + PLANNER + GUARD + GENERATOR + GUARD  # a guard ends before the thing it guards starts
PLANNER_HELD = PLANNER + GUARD + GENERATOR + GUARD  # the planner runs beside the prompt guard, its plan is held
ALL_HELD = PLANNER + GENERATOR + GUARD  # the generators run beside their input guards, too, their images are held

calls: Counter[str] = Counter()


@dataclass
class Pace:
    """Seconds of the two parts that race each other in a turn, for the probe that lets the guard lose."""

    prompt_guard: float = GUARD
    planner: float = PLANNER


pace = Pace()


class Refused(Exception):
    """How an adapter says that a guard said no."""


async def prompt_guard(text: str) -> bool:
    return await _guard("prompt_guard", text, pace.prompt_guard)


async def input_guard(text: str) -> bool:
    return await _guard("input_guard", text)


async def output_guard(image: str) -> bool:
    return await _guard("output_guard", image)


async def plan(text: str) -> list[str]:
    """The prompts of the images. Nothing in them gives a forbidden request away: only its own guard can tell."""
    calls["plan"] += 1
    await asyncio.sleep(pace.planner)
    return [f"{text.replace(FORBIDDEN, 'harmless')}, view {number}" for number in range(IMAGES)]


async def generate(text: str) -> str:
    """A handle: pixels lie in a store, and never travel through a framework's state."""
    calls["generate"] += 1
    await asyncio.sleep(GENERATOR)
    return f"image:{zlib.crc32(text.encode()):08x}"


def expected(turns: int) -> dict[str, int]:
    """How often each part is called in so many turns that go through."""
    each = dict.fromkeys(("input_guard", "generate", "output_guard"), IMAGES * turns)
    return {"prompt_guard": turns, "plan": turns, **each}


async def _guard(name: str, text: str, seconds: float = GUARD) -> bool:
    calls[name] += 1
    await asyncio.sleep(seconds)
    return FORBIDDEN not in text
