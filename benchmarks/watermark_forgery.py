"""Marks lifted from our images and laid on others: how many pass as ours, and do genuine images still?

    python benchmarks/watermark_forgery.py                          # 200 forgeries, pictures of 512 pixels
    python benchmarks/watermark_forgery.py --size 1024 --neural

Every forger has one marked image, and estimates the mark in it: by the original itself (more than any forger has), by a
median, by two blurs, or by a Wiener filter; adds it once or one and a half times to a picture of another's; and encodes
the result as PNG or JPEG. The genuine images go through the benchmark's attacks, and so do the same pictures without
a mark, as somebody who makes one of ours anew would have them. "Ours" is the verdict of the stamper with its registry,
in which the marks of some thousand other images are as well; of them a damaged mark must be told. `read` and
`recognized` say how often the watermark was found, whatever the picture.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy.signal import wiener
from watermark import ATTACKS, FRESH, PHOTOS, graphics, photographs, scaled

from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry, Registered
from safelight.provenance.stamp import Assessment, StampFacts
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark.choice import open_watermark

OTHERS = [name for name in FRESH if name != "cat"]  # scikit-image's cat is its Chelsea
ESTIMATES: dict[str, Callable[[Image.Image, Image.Image], np.ndarray]] = {
    "the original": lambda _, original: np.asarray(original, np.float32),
    "median 5": lambda marked, _: np.asarray(marked.filter(ImageFilter.MedianFilter(5)), np.float32),
    "blur 1.5": lambda marked, _: np.asarray(marked.filter(ImageFilter.GaussianBlur(1.5)), np.float32),
    "blur 2.5": lambda marked, _: np.asarray(marked.filter(ImageFilter.GaussianBlur(2.5)), np.float32),
    "Wiener 7": lambda marked, _: np.stack(
        [wiener(plane, 7, 9.0) for plane in np.moveaxis(np.asarray(marked, np.float32), -1, 0)], -1
    ),
}
VERDICTS = ("ours", "probably_ours", "no_evidence")
PARTS = ("genuine", "forged", "unmarked")
READ = 2.0**-26  # the false alarm of a payload that was read
GENUINE = [
    "none", "JPEG 30", "WebP 50", "resize 0.25", "crop 75 %", "crop 50 %", "crop 80 %, off center", "rotate 10",
    "rotate 90", "mirror", "brightness +30 %", "gray", "noise 20", "screenshot", "crop 75 %, resize 0.6, JPEG 60",
]  # fmt: skip


def encoded(image: Image.Image, format_: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **({"quality": 85} if format_ == "JPEG" else {}))
    return out.getvalue()


def forged(estimate: str, gain: float, marked: Image.Image, original: Image.Image, target: Image.Image) -> Image.Image:
    residual = np.asarray(marked, np.float32) - ESTIMATES[estimate](marked, original)
    pixels = np.asarray(target, np.float32) + gain * np.clip(residual, -12, 12)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


async def registry_of(others: int) -> MemoryRegistry:
    """A registry in which so many other images are."""
    registry, rng = MemoryRegistry(), np.random.default_rng(1)
    for number in range(others):
        facts = {"watermark": rng.bytes(12).hex()}
        await registry.add(Registered(f"img_other{number}", "other", 0, "", rng.bytes(32), facts=facts))
    return registry


def mark_of(found: Assessment) -> str:
    """How the mark was found: read, recognized, present or absent."""
    leg = found.legs["watermark"]
    if "payload" not in leg.detail:
        return "present" if leg.state == "match" else "absent"
    return "read" if leg.detail["false_alarm"] == READ else "recognized"


async def measure(options: argparse.Namespace) -> None:
    engine = open_watermark("neural" if options.neural else "classical", None, b"a benchmark's secret of 32 bytes")
    with tempfile.TemporaryDirectory() as keys:
        identity, registry = SigningIdentity.development(Path(keys)), await registry_of(options.others)
        draws = random.Random(2024).getrandbits  # what a mark bears depends a little on what it says
        stamper = ImageStamper(identity, engine, registry, entropy=draws)
        pictures = {
            **photographs(PHOTOS, is_square=True),
            **{f"{name}, fresh": image for name, image in photographs(OTHERS, is_square=True).items()},
            **graphics(1),
            **graphics(77),
        }
        originals = [scaled(image, options.size / max(image.size)) for image in pictures.values()]
        half = len(originals) // 2
        facts = StampFacts(run_id="run", model="benchmark", algorithmic=True)
        marked = []
        for image in originals[:half]:
            data, _ = await stamper.stamp(encoded(image), "image/png", facts)
            marked.append(Image.open(io.BytesIO(data)).convert("RGB"))
        if "genuine" in options.parts:
            await genuine(stamper, marked)
        if "forged" in options.parts:
            await forgeries(stamper, marked, originals, options.forgeries)
        if "unmarked" in options.parts:
            await unmarked(stamper, originals[:half])


async def forgeries(stamper: ImageStamper, marked: list[Image.Image], originals: list[Image.Image], count: int) -> None:
    """Prints what is said of forgeries: marks of the first pictures, which are ours, laid on the others."""
    rng, half = np.random.default_rng(0), len(marked)
    verdicts: Counter[tuple[str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        estimate = list(ESTIMATES)[number % len(ESTIMATES)]
        source = int(rng.integers(half))
        target = originals[int(rng.integers(half, len(originals)))]
        fake = forged(estimate, float(rng.choice([1.0, 1.5])), marked[source], originals[source], target)
        found = await stamper.assess(encoded(fake, str(rng.choice(["PNG", "JPEG"]))))
        verdicts[estimate, found.verdict] += 1
        seen[estimate, mark_of(found)] += 1
    print("| estimate | forgeries | mark read, recognized | ours | probably ours | no evidence |")
    print("|---|---|---|---|---|---|")
    for estimate in ESTIMATES:
        said = [verdicts[estimate, verdict] for verdict in VERDICTS]
        marks = f"{seen[estimate, 'read']}, {seen[estimate, 'recognized']}"
        print(f"| {estimate} | {sum(said)} | {marks} | {' | '.join(map(str, said))} |")
    passed = sum(number for (_, verdict), number in verdicts.items() if verdict == "ours")
    print(f"{passed} of {count} pass\n", flush=True)


async def genuine(stamper: ImageStamper, marked: list[Image.Image]) -> None:
    """Prints what becomes of our images under each distortion."""
    kept = 0
    print(
        "| genuine images after | ours | probably ours | no evidence | mark read, recognized |\n|---|---|---|---|---|"
    )
    for attack in GENUINE:
        found = [await stamper.assess(encoded(ATTACKS[attack](image))) for image in marked]
        said, marks = Counter(each.verdict for each in found), Counter(map(mark_of, found))
        kept += said["ours"]
        counts = " | ".join(str(said[verdict]) for verdict in VERDICTS)
        print(f"| {attack} | {counts} | {marks['read']}, {marks['recognized']} |", flush=True)
    print(f"{kept} of {len(GENUINE) * len(marked)} genuine images are ours\n", flush=True)


async def unmarked(stamper: ImageStamper, originals: list[Image.Image]) -> None:
    """Prints what is said of pictures that look like ours and bear no mark."""
    said = Counter(
        [(await stamper.assess(encoded(ATTACKS[attack](image)))).verdict for attack in GENUINE for image in originals]
    )
    print(
        f"{said['ours']} of {said.total()} pictures without our mark that look like ours are ours: {dict(said)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forgeries", type=int, default=200)
    parser.add_argument("--size", type=int, default=512, help="pixels of the longest side")
    parser.add_argument("--others", type=int, default=10_000, help="other images in the registry")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--neural", action="store_true", help="mark with the neural engine")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
