"""Measures one adapter, in the environment that it is run in, and prints one line of JSON.

python benchmarks/peers/drive.py ours:strict [--turns 30] [--in-flight 100] [--total 300]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import logging
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import workload

Turn = Callable[[str], Awaitable[list[str]]]
_WARM = 5


async def one_at_a_time(turn: Turn, count: int) -> dict[str, float]:
    """Latency and CPU of turns that have the process to themselves."""
    for _ in range(_WARM):
        await turn("a red fox in snow")
    gc.collect()
    taken = []
    busy = time.process_time()
    for number in range(count):
        begun = time.perf_counter()
        images = await turn(f"a red fox in snow {number}")
        taken.append(time.perf_counter() - begun)
        assert len(images) == workload.IMAGES, images
    busy = time.process_time() - busy
    return {
        "p50_ms": 1e3 * statistics.median(taken),
        "p95_ms": 1e3 * sorted(taken)[round(0.95 * (count - 1))],
        "cpu_ms": 1e3 * busy / count,
    }


async def in_flight(turn: Turn, width: int, total: int) -> dict[str, float]:
    """Throughput and CPU with `width` turns at once."""
    places = asyncio.Semaphore(width)

    async def one(number: int) -> None:
        async with places:
            assert len(await turn(f"a red fox in snow {number}")) == workload.IMAGES

    gc.collect()
    busy, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(total)))
    wall, busy = time.perf_counter() - begun, time.process_time() - busy
    return {"turns_s": total / wall, "cpu_ms_in_flight": 1e3 * busy / total}


async def refusals(turn: Turn, count: int) -> dict[str, float]:
    """How soon a refusal is back, and how often the generator was called although the prompt guard said no: with a
    guard that is quicker than the planner, and then with a slower one."""
    before = workload.calls["generate"]
    taken = await _refused(turn, count)
    workload.pace = workload.Pace(prompt_guard=0.150, planner=0.030)
    await _refused(turn, count)
    workload.pace = workload.Pace()
    await asyncio.sleep(workload.STRICT)  # whatever was left running would call the generator by now
    return {"refusal_ms": 1e3 * statistics.median(taken), "calls_though_refused": workload.calls["generate"] - before}


async def _refused(turn: Turn, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        try:
            images: Any = await turn(f"a {workload.FORBIDDEN} thing")
        except Exception:  # each framework has its own; what counts is when it comes
            images = []
        taken.append(time.perf_counter() - begun)
        assert len(images) < workload.IMAGES, "the forbidden turn was delivered"
    return taken


async def measure(name: str, turns: int, width: int, total: int) -> dict[str, Any]:
    adapter, _, variant = name.partition(":")
    module = importlib.import_module(f"adapters.{adapter}")
    async with AsyncExitStack() as exits:
        turn: Turn = await module.open_turn(variant, exits)
        found: dict[str, Any] = await one_at_a_time(turn, turns)
        wanted = workload.expected(turns + _WARM)
        assert {part: workload.calls[part] for part in wanted} == wanted, (workload.calls, wanted)
        found |= await in_flight(turn, width, total)
        found |= await refusals(turn, 10)
    floor = 1e3 * module.FLOORS[variant]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rounded = {key: round(value, 2) for key, value in found.items()}
    return {"name": name, "version": module.VERSION, "floor_ms": round(floor), "rss_mb": round(peak), **rounded}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="adapter:variant")
    parser.add_argument("--turns", type=int, default=30, help="turns one at a time")
    parser.add_argument("--in-flight", type=int, default=100, help="turns at once")
    parser.add_argument("--total", type=int, default=300, help="turns in all, so many at once")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(given.name, given.turns, given.in_flight, given.total))))


if __name__ == "__main__":
    main()
