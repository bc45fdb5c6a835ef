"""What a stamp and a verification take, beside what the same picture takes that nobody stamps.

    python benchmarks/stamp.py                          # CPU time, the least of 7, for three pictures of 1024 x 1024
    python benchmarks/stamp.py --at-once 8 --only page  # and the wall time of 8 stamps, one by one and at once

The pictures are those of `watermark.py`: a photograph (scikit-image's), a flat graphic, and a page of text. A stamp
decodes a PNG, marks, encodes, reads what was encoded, signs, and registers; its reference decodes the same PNG and
encodes it with Pillow, in the same format and quality and otherwise with Pillow's defaults.

A verification is asked about the file as it was delivered; about its pixels as a JPEG 80, without the manifest; about a
part of them that was turned by 7 degrees, for which every geometry is searched; and about the picture that was never
stamped, which is searched to the end. Its reference decodes the same file.

How much faster stamps are made at once depends on what the machine has to spare, so hashing of a buffer, which takes as
long and holds no lock of Python's, is the reference.

Figures are the least of several, taken in turns, because others may be using the processor, too. As in the `safelight`
command, NumPy's linear algebra gets one thread: a team of them turns in circles for as long again.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from watermark_images import graphics, photographs

from safelight.processes import Processes
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamp import StampFacts
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

FORMATS = ("png", "jpeg", "webp", "avif")
FACTS = StampFacts(run_id="run", model="benchmark", algorithmic=True)
QUALITY = 92


def new_stamper(identity: SigningIdentity, processes: Processes | None = None) -> ImageStamper:
    engine = SpreadSpectrum(b"a benchmark's secret of 32 bytes")
    return ImageStamper(identity, engine, MemoryRegistry(), quality=QUALITY, processes=processes)


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB")


async def plainly(data: bytes, format_: str) -> bytes:
    """The reference of a stamp."""
    options = {} if format_ == "png" else {"quality": QUALITY}
    return await asyncio.to_thread(lambda: encoded(decoded(data), format_.upper(), **options))


async def least(works: dict[str, Callable[[], Awaitable[Any]]], tries: int) -> dict[str, float]:
    """The least CPU time of each, in ms, taken in turns; the first turn warms up and does not count."""
    found = dict.fromkeys(works, float("inf"))
    for turn in range(tries + 1):
        for name, work in works.items():
            started = time.process_time()
            await work()
            if turn:
                found[name] = min(found[name], 1e3 * (time.process_time() - started))
    return found


def row(picture: str, what: str, took: float, plain: float) -> None:
    print(f"| {picture} | {what} | {took:.0f} | {plain:.0f} | {took / plain:.1f} |", flush=True)


async def stamps(stamper: ImageStamper, pictures: dict[str, bytes], tries: int) -> None:
    print("| picture | stamped as | CPU ms | decoding and encoding alone | ratio |\n|---|---|---|---|---|")
    for name, data in pictures.items():
        works: dict[str, Callable[[], Awaitable[Any]]] = {}
        for each in FORMATS:
            works[each] = lambda each=each, data=data: stamper.stamp(data, f"image/{each}", FACTS)
            works[f"plain {each}"] = lambda each=each, data=data: plainly(data, each)
        took = await least(works, tries)
        for each in FORMATS:
            row(name, each.upper(), took[each], took[f"plain {each}"])


async def verifications(stamper: ImageStamper, pictures: dict[str, bytes], tries: int) -> None:
    print("\n| picture | verified | CPU ms | decoding alone | ratio |\n|---|---|---|---|---|")
    for name, data in pictures.items():
        stamped, stamp = await stamper.stamp(data, "image/png", FACTS)
        marked = decoded(stamped)
        part = marked.rotate(7, Image.Resampling.BICUBIC).crop((130, 130, 890, 850))
        cases = {
            "as delivered": (stamped, "ours"),
            "its pixels, as JPEG": (encoded(marked, "JPEG", quality=80), "ours"),
            "a turned part, as JPEG": (encoded(part, "JPEG", quality=80), "ours"),
            "never stamped, as JPEG": (encoded(decoded(data), "JPEG", quality=80), None),
        }
        # What was never stamped must be unknown: the same picture, stamped, would be found by its looks.
        strangers = new_stamper(stamper.identity)
        works: dict[str, Callable[[], Awaitable[Any]]] = {}
        for case, (seen, verdict) in cases.items():
            asked = stamper if verdict else strangers
            said = (await asked.assess(seen)).verdict
            assert said == (verdict or "no_evidence"), f"{name}, {case} ({stamp.image_id}): {said}"
            works[case] = lambda asked=asked, seen=seen: asked.assess(seen)
            works[f"plain {case}"] = lambda seen=seen: asyncio.to_thread(decoded, seen)
        took = await least(works, tries)
        for case in cases:
            row(name, case, took[case], took[f"plain {case}"])


def hashed(seconds: float = 0.17) -> None:
    """Work that needs nothing but a core."""
    buffer, until = bytes(1 << 20), time.thread_time() + seconds
    while time.thread_time() < until:
        hashlib.sha256(buffer)


async def at_once(identity: SigningIdentity, pictures: dict[str, bytes], count: int, tries: int) -> None:
    """The wall time of so many stamps as PNG, one after the other and all at once, in threads and in processes."""
    cores = len(os.sched_getaffinity(0))
    print(f"{count} stamps as PNG on {cores} cores (load {os.getloadavg()[0]:.1f}), wall seconds:\n")
    print("| work | one by one | at once, threads | ratio | at once, a process a core | ratio |")
    print("|---|---|---|---|---|---|")
    threads, spread = Processes(), Processes(cores)
    stampers = {processes: new_stamper(identity, processes) for processes in (threads, spread)}
    works: dict[str, Callable[[Processes], Awaitable[Any]]] = {"hashing": lambda processes: processes.run(hashed)}
    for name, data in pictures.items():
        works[name] = lambda processes, data=data: stampers[processes].stamp(data, "image/png", FACTS)
    try:
        for name, work in works.items():
            took = dict.fromkeys(("one by one", "threads", "processes"), float("inf"))
            for turn in range(tries + 1):
                for how, processes in zip(took, (threads, threads, spread), strict=True):
                    started = time.perf_counter()
                    if how == "one by one":
                        for _ in range(count):
                            await work(processes)
                    else:
                        await asyncio.gather(*(work(processes) for _ in range(count)))
                    if turn:
                        took[how] = min(took[how], time.perf_counter() - started)
            alone, together, apart = took.values()
            print(
                f"| {name} | {alone:.2f} | {together:.2f} | {alone / together:.2f} "
                f"| {apart:.2f} | {alone / apart:.2f} |",
                flush=True,
            )
    finally:
        spread.close()


async def measure(only: list[str], tries: int, count: int) -> None:
    found = {**photographs(["astronaut"], is_square=True), **graphics(1)}
    chosen = [name for name in found if name in ("photo astronaut", "graphic bars", "graphic page")]
    pictures = {name: encoded(found[name]) for name in chosen if any(each in name for each in only)}
    with tempfile.TemporaryDirectory() as keys:
        identity = SigningIdentity.development(Path(keys))
        if count:
            await at_once(identity, pictures, count, min(tries, 3))
            return
        stamper = new_stamper(identity)
        await stamps(stamper, pictures, tries)
        await verifications(stamper, pictures, tries)


def main() -> None:
    if "OPENBLAS_NUM_THREADS" not in os.environ:  # read when NumPy is imported, so that all begins again
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OPENBLAS_NUM_THREADS": "1"})  # noqa: S606  ourselves
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=7)
    parser.add_argument("--only", default="", help="names of pictures that contain one of these, divided by commas")
    parser.add_argument("--at-once", type=int, default=0, help="instead: so many stamps at once, beside one by one")
    options = parser.parse_args()
    asyncio.run(measure(options.only.split(","), options.tries, options.at_once))


if __name__ == "__main__":
    main()
