"""What the registry of stamped images costs: the first load, what came since, memory, and the searches.

    python benchmarks/registry.py --images 1000000
    python benchmarks/registry.py --images 1000000 --database postgresql://USER@HOST/NAME

The database must be a new one. Rows of images are made without thumbnail and manifest, which no search reads.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import numpy as np
import sqlalchemy as sa

from safelight.provenance.registry import Registered, StoreRegistry
from safelight.store import Store
from safelight.store.tables import ImageRow, IndexHeadRow, IndexRow

TRACES = 15  # what a full search of a picture without a mark leaves
NEW = 1000
TRIES = 9
BATCH = 20_000
KEY = b"a ledger key of thirty-two bytes"


def registered(number: int, rng: np.random.Generator) -> Registered:
    facts = {"watermark": rng.bytes(12).hex()}
    return Registered(f"img_{number:011x}", "run", 0, f"{number:064x}", rng.bytes(32), b"", b"", facts)


async def fill(store: Store, count: int) -> None:
    """That many images, as registering one after another would leave them."""
    rng = np.random.default_rng(0)
    row = {"run_id": "run", "image": 0, "algorithm": "pdq", "created_at": datetime.now(UTC)}
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        made = [registered(number, rng) for number in numbers]
        images = [
            {**row, "image_id": each.image_id, "sha256": each.sha256, "bits": each.fingerprint, "stamp": each.facts}
            for each in made
        ]
        index = [
            {"changed": n + 1, "number": n, "image_id": each.image_id, "bits": each.fingerprint, "mark": each.mark}
            for n, each in zip(numbers, made, strict=True)
        ]
        head = {"changed": numbers.stop, "slots": numbers.stop}

        def work(connection: sa.Connection, images: Any = images, index: Any = index, head: Any = head) -> None:
            connection.execute(sa.insert(ImageRow), images)
            connection.execute(sa.insert(IndexRow), index)
            connection.execute(sa.update(IndexHeadRow).values(**head))

        await store.db.write(work)


async def timed(work: Callable[[], Awaitable[object]]) -> tuple[float, float, float]:
    """Seconds, seconds of CPU of this process, and the longest time in which the event loop did nothing else."""
    longest, last, done = 0.0, time.perf_counter(), False

    async def tick() -> None:
        nonlocal longest, last
        while not done:
            await asyncio.sleep(0.0005)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    begun, cpu = time.perf_counter(), time.process_time()
    await work()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    done = True
    await ticking
    return seconds, cpu, longest


async def median(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of CPU that it takes."""
    times = []
    for _ in range(TRIES):
        begun = time.process_time()
        await work()
        times.append(time.process_time() - begun)
    return float(np.median(times)) * 1e3


def peak() -> float:
    """MB of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


async def measure(store: Store, count: int, rng: np.random.Generator) -> None:
    registry, before = StoreRegistry(store.images), peak()
    seconds, cpu, longest = await timed(registry.refresh)
    print(f"first load: {seconds:.2f} s, {cpu:.2f} s of CPU, the event loop held for {longest * 1e3:.0f} ms at most")
    print(f"memory: {registry.nbytes / count:.0f} bytes an image, {peak() - before:.0f} MB more at the peak")

    traces = rng.standard_normal((TRACES, 384))
    seconds, cpu, longest = await timed(lambda: registry.match(traces))
    print(f"first search for a mark: {cpu:.2f} s of CPU, the event loop held for {longest * 1e3:.0f} ms at most")
    print(f"memory then: {registry.nbytes / count:.0f} bytes an image, {peak() - before:.0f} MB more at the peak")

    empty = await median(registry.refresh)
    for number in range(NEW):
        await StoreRegistry(store.images).add(registered(count + number, rng))
    _, some, _ = await timed(registry.refresh)
    print(f"a refresh: {empty:.2f} ms of CPU where nothing is new, {some * 1e3:.1f} ms for {NEW:,} new images")
    for forms in (1, 8):
        queries = [rng.bytes(32) for _ in range(forms)]
        took = await median(lambda queries=queries: registry.near(queries, 60))  # type: ignore[misc]
        print(f"a search in {forms} orientation(s): {took:.0f} ms of CPU")
    print(f"a search for {TRACES} traces of a mark: {await median(lambda: registry.match(traces)):.0f} ms of CPU")

    before = peak()
    query = sa.select(IndexRow.number, IndexRow.bits, IndexRow.mark)
    rows: list[Any] = []
    plain = await timed(lambda: store.db.read(lambda connection: rows.extend(connection.execute(query))))
    print(
        f"for comparison, SELECT of the same three columns into rows: {plain[0]:.2f} s, {plain[1]:.2f} s of CPU, "
        f"the event loop held for {plain[2] * 1e3:.0f} ms, {peak() - before:.0f} MB more at the peak"
    )


def filled(url: str, count: int) -> None:
    async def work() -> None:
        async with Store.open(url, "memory://", KEY) as store:
            await fill(store, count)

    asyncio.run(work())


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--database", help="the URL of a new database, instead of a file of SQLite's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/safelight.db"
        # By a process of its own, which leaves none of its memory to be measured.
        process = get_context("spawn").Process(target=filled, args=(url, options.images))
        process.start()
        await asyncio.to_thread(process.join)
        async with Store.open(url, "memory://", KEY) as store:
            print(f"{options.images:,} images in {store.db.dialect}")
            await measure(store, options.images, np.random.default_rng(1))


if __name__ == "__main__":
    asyncio.run(main())
