"""Marks lifted from our images and laid on others: how many pass as ours, and do genuine images still?

    python benchmarks/watermark_forgery.py --forgeries 200

Every forger has one marked image, and estimates the mark in it: by the original itself (more than any forger has), by a
median, by two blurs, or by a Wiener filter; adds it once or one and a half times to a picture of another's; and encodes
the result as PNG or JPEG. The genuine images go through the benchmark's attacks. "Ours" is the verdict of the stamper
with its registry; `read` says how many forgeries bear the mark as far as the watermark alone can tell.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy.signal import wiener
from watermark import ATTACKS, FRESH, PHOTOS, graphics, photographs, scaled

from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamp import StampFacts
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

SIDE = 512
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


async def measure(forgeries: int) -> None:
    engine = SpreadSpectrum(b"a benchmark's secret of 32 bytes")
    with tempfile.TemporaryDirectory() as keys:
        stamper = ImageStamper(SigningIdentity.development(Path(keys)), engine, MemoryRegistry())
        pictures = {
            **photographs(PHOTOS, is_square=True),
            **{f"{name}, fresh": image for name, image in photographs(OTHERS, is_square=True).items()},
            **graphics(1),
            **graphics(77),
        }
        originals = [scaled(image, SIDE / max(image.size)) for image in pictures.values()]
        half = len(originals) // 2
        facts = StampFacts(run_id="run", model="benchmark", algorithmic=True)
        marked = []
        for image in originals[:half]:
            data, _ = await stamper.stamp(encoded(image), "image/png", facts)
            marked.append(Image.open(io.BytesIO(data)).convert("RGB"))
        await genuine(stamper, marked)
        rng = np.random.default_rng(0)
        verdicts: Counter[tuple[str, str]] = Counter()
        read: Counter[str] = Counter()
        for number in range(forgeries):
            estimate = list(ESTIMATES)[number % len(ESTIMATES)]
            source = int(rng.integers(half))
            target = originals[int(rng.integers(half, len(originals)))]
            fake = forged(estimate, float(rng.choice([1.0, 1.5])), marked[source], originals[source], target)
            found = await stamper.assess(encoded(fake, str(rng.choice(["PNG", "JPEG"]))))
            verdicts[estimate, found.verdict] += 1
            read[estimate] += "payload" in found.legs["watermark"].detail
        for estimate in ESTIMATES:
            said = {verdict: count for (of, verdict), count in sorted(verdicts.items()) if of == estimate}
            print(f"| {estimate} | {sum(said.values())} | {read[estimate]} | {said.get('ours', 0)} | {said} |")
        print(f"{sum(count for (_, verdict), count in verdicts.items() if verdict == 'ours')} of {forgeries} pass")


async def genuine(stamper: ImageStamper, marked: list[Image.Image]) -> None:
    kept = 0
    for attack in GENUINE:
        found = [(await stamper.assess(encoded(ATTACKS[attack](image)))).verdict for image in marked]
        kept += found.count("ours")
        if found.count("ours") < len(found):
            print(f"genuine, {attack}: {dict(Counter(found))}", flush=True)
    print(f"{kept} of {len(GENUINE) * len(marked)} genuine images are ours", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forgeries", type=int, default=200)
    asyncio.run(measure(parser.parse_args().forgeries))


if __name__ == "__main__":
    main()
