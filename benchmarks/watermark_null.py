"""How often chance alone gives a score: the presence test's null distribution, on images that bear no mark.

    python benchmarks/watermark_null.py --effort upright --reads 100000 --out null-upright.jsonl
    python benchmarks/watermark_null.py --effort full --reads 5000 --processes 16 --minutes 40 --out null-full.jsonl

Each crop (of scikit-image's pictures where that is installed, and of noises made here; cut, scaled, mirrored, inverted,
recolored, noisy, compressed) is read with five keys that marked nothing in it, by the reader's own procedure, and the
best score after each stage of the search is kept. Gumbel's law is fitted to the maxima of blocks of 100 reads; the
interval is a bootstrap's. Every block is drawn from its own number, and a block that is in the file is not made
again: the run may be stopped and taken up, or divided among processes (`--processes`) and machines (`--first`), and
gives the same lines. NumPy, SciPy, Pillow and scikit-image are all it needs.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.stats import gumbel_r, kstest

from safelight.provenance.watermark.engine import Effort
from safelight.provenance.watermark.pattern import Pattern
from safelight.provenance.watermark.search import Scene, climbs
from safelight.provenance.watermark.spectrum import maps_of

BLOCK = 100
KEYS = 5
STAGES = {"upright": ("whole",), "full": ("whole", "line", "grid")}
SIDES = {"upright": (192, 224, 256), "full": (224, 256, 320)}


@cache
def base_pictures() -> list[Image.Image]:
    """Photographs of scikit-image, and noise of several colors."""
    rng = np.random.default_rng(0)
    pictures = []
    for slope in (0.0, 0.5, 1.0, 1.5):
        frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None]) + 1 / 512
        planes = [np.fft.irfft2(np.fft.rfft2(rng.standard_normal((512, 512))) / frequency**slope) for _ in range(3)]
        noise = np.stack([128 + 40 * plane / plane.std() for plane in planes], -1)
        pictures.append(Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)))
    try:
        import skimage.data
    except ImportError:
        return pictures
    names = "astronaut brick camera cat cell chelsea clock coffee coins colorwheel grass gravel horse "
    names += "hubble_deep_field immunohistochemistry logo microaneurysms moon page retina rocket text"
    for name in names.split():
        try:
            pixels = getattr(skimage.data, name)()
        except Exception:  # noqa: S112 (some pictures are fetched over the network, others renamed)
            continue
        if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and min(pixels.shape[:2]) >= 190:
            pictures.append(Image.fromarray(pixels).convert("RGB"))
    return pictures


def crop(base: Image.Image, rng: np.random.Generator, sides: tuple[int, ...]) -> Image.Image:
    """A part of a picture, scaled and treated."""
    width, height = (max(96, int(side * rng.uniform(0.25, 1))) for side in base.size)
    width, height = min(width, base.width), min(height, base.height)
    left, top = int(rng.integers(base.width - width + 1)), int(rng.integers(base.height - height + 1))
    scale = int(rng.choice(sides)) / max(width, height)
    size = (max(64, round(width * scale)), max(64, round(height * scale)))
    image = base.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(image, np.float32)
    if rng.random() < 0.5:
        pixels = (pixels - 128) * rng.uniform(0.6, 1.4) + 128 + rng.uniform(-30, 30)
    if rng.random() < 0.3:
        pixels = pixels + rng.normal(0, rng.uniform(1, 12), pixels.shape)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    if rng.random() < 0.2:
        pixels = 255 - pixels
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=int(rng.integers(40, 95)))
        image = Image.open(out).convert("RGB")
    return image


def block_of(number: int, effort: Effort) -> dict[str, Any]:
    """The best scores of one block's reads after each stage, (reads, stages)."""
    pictures = base_pictures()
    rng = np.random.default_rng([number, len(STAGES[effort])])
    rows = []
    for _ in range(BLOCK // KEYS):
        maps = maps_of(crop(pictures[int(rng.integers(len(pictures)))], rng, SIDES[effort]))
        scene = Scene(pattern_of(0), maps)
        for key in rng.choice(256, KEYS, replace=False):
            best = dict.fromkeys(STAGES[effort], 0.0)
            for stage, hit in climbs(scene.under(pattern_of(int(key))), effort):
                best[stage] = max(best[stage], hit.score)
            rows.append([round(float(each), 3) for each in np.maximum.accumulate(list(best.values()))])
    return {"block": number, "effort": effort, "scores": rows}


def blocks_of(numbers: Iterable[int], effort: Effort, processes: int) -> Iterator[dict[str, Any]]:
    """The blocks, as they are finished."""
    if processes == 1:
        yield from (block_of(number, effort) for number in numbers)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(partial(block_of, effort=effort), numbers)


@cache
def pattern_of(key: int) -> Pattern:
    return Pattern.of(b"a key that has marked nothing, no. %d" % key)


def fit(scores: Any) -> dict[str, Any]:
    """Gumbel's law of one read's score, from the maxima of blocks; how well it fits, and where 1e-6 lies."""
    maxima = scores.reshape(-1, BLOCK).max(1)
    if len(maxima) < 10:
        return {"reads": len(scores), "highest": round(float(scores.max()), 2)}
    location, scale = gumbel_r.fit(maxima)
    rng = np.random.default_rng(0)
    again = [gumbel_r.fit(rng.choice(maxima, len(maxima))) for _ in range(200)]
    levels = [one - width * np.log(BLOCK) + width * np.log(1e6) for one, width in again]
    return {
        "reads": len(scores),
        "highest": round(float(scores.max()), 2),
        "location": round(float(location - scale * np.log(BLOCK)), 3),
        "scale": round(float(scale), 3),
        "score at 1e-6": round(float(location + scale * np.log(1e6 / BLOCK)), 2),
        "95 %": [round(float(each), 2) for each in np.quantile(levels, [0.025, 0.975])],
        "fits (Kolmogorov-Smirnov p)": round(float(kstest(maxima, gumbel_r(location, scale).cdf).pvalue), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=1000)
    parser.add_argument("--effort", choices=list(STAGES), default="upright")
    parser.add_argument("--first", type=int, default=0, help="the number of the first block")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this long")
    parser.add_argument("--out", type=Path, required=True, help="a JSON line a block; read first, then added to")
    options = parser.parse_args()
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    blocks = {each["block"]: each["scores"] for each in map(json.loads, lines) if each["effort"] == options.effort}
    started, wanted = time.monotonic(), range(options.first, options.first + -(-options.reads // BLOCK))
    missing = [number for number in wanted if number not in blocks]
    with options.out.open("a") as file:
        for made in blocks_of(missing, options.effort, options.processes) if missing else ():
            blocks[made["block"]] = made["scores"]
            file.write(json.dumps(made) + "\n")
            file.flush()
            if time.monotonic() - started > 60 * options.minutes:
                break
    scores = np.array([row for block in blocks.values() for row in block])
    for index, stage in enumerate(STAGES[options.effort]):
        print(json.dumps({"stage": stage, **fit(scores[:, index])}))


if __name__ == "__main__":
    main()
