# ruff: noqa: E501 (one request a line)
"""What an image of the embedded illustrator costs: CPU seconds by role and direction, and memory over many images.

    python benchmarks/illustrator.py [--size 1024] [--images 200]

Reach: at most 1.0 s of CPU for an image at 1024 x 1024 after warm-up, PNG encoding included, and no growth of memory.
CPU time of the whole process is counted, all threads; wall time says little on a busy machine.
"""

import argparse
import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import get_args

from safelight.tools.images.canvas import Canvas
from safelight.tools.images.generator import ImageRequest
from safelight.tools.images.spec import Chart, Direction, ImageSpec, Item, Role, Size, StyleSheet

DIRECTIONS = get_args(Direction)
ROLES = get_args(Role)
ITEMS = tuple(
    Item(label=label, detail=detail, icon=icon, value=value)
    for label, detail, icon, value in (
        ("Rain falls", "Water returns from the clouds to land and sea.", "cloud-rain", "505,000"),
        ("Rivers run", "Streams gather it and carry it to the ocean.", "waves", "45,500"),
        ("The sun lifts it", "Warmth turns the surface into vapor.", "sun", "434,000"),
    )
)


def spec(role: str, index: int, side: int) -> ImageSpec:
    chart = (
        Chart(categories=("Sea", "Ice", "Ground", "Lakes"), series={"Share": (96.5, 1.74, 1.69, 0.013)})
        if role == "chart"
        else None
    )
    return ImageSpec(
        index=index % 8, of=8, role=role, prompt="the water cycle", title="Where the rain comes from", subtitle="The water cycle in eight pictures",
        subject="rain cloud river", items=ITEMS if role not in {"cover", "scene", "quote"} else (), chart=chart,
        quote="Water is the driving force of all nature." if role == "quote" else "", size=Size(width=side, height=side),
    )  # fmt: skip


def resident_mb() -> float:
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if status.exists() else float("nan")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--images", type=int, default=200)
    asked = parser.parse_args()
    canvas = Canvas()
    began = time.process_time()
    await canvas.generate(ImageRequest(spec=spec("cover", 0, asked.size), style=StyleSheet()))
    print(f"first image, fonts included: {time.process_time() - began:.2f} s CPU\n")
    print(f"{'CPU s':>12} " + " ".join(f"{d[:9]:>9}" for d in DIRECTIONS))
    every: list[float] = []
    for i, role in enumerate(ROLES):
        row = []
        for direction in DIRECTIONS:
            began = time.process_time()
            await canvas.generate(
                ImageRequest(spec=spec(role, i, asked.size), style=StyleSheet(direction=direction, seed=i))
            )
            row.append(time.process_time() - began)
        every += row
        print(f"{role:>12} " + " ".join(f"{seconds:9.2f}" for seconds in row), flush=True)
    print(
        f"\nmedian {statistics.median(every):.2f} s, largest {max(every):.2f} s CPU an image at {asked.size} x {asked.size}"
    )
    print(f"\nresident memory, MB: {resident_mb():.0f} after {len(every)} images", end="", flush=True)
    for i in range(asked.images):
        request = ImageRequest(
            spec=spec(ROLES[i % 12], i, asked.size), style=StyleSheet(direction=DIRECTIONS[i % 8], seed=i), seed=i
        )
        await canvas.generate(request)
        if (i + 1) % max(1, asked.images // 8) == 0:
            print(f", {resident_mb():.0f} after {len(every) + i + 1}", end="", flush=True)
    print()
    canvas.close()


if __name__ == "__main__":
    asyncio.run(main())
