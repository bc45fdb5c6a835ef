"""How often chance alone gives a score: the presence test's null distribution, on images that bear no mark.

    python benchmarks/watermark_null.py --pairs 100000 --stage whole
    python benchmarks/watermark_null.py --pairs 1000 --stage full

Each pair is an unmarked crop (of scikit-image's pictures where that is installed, and of pictures made here; scaled,
mirrored, recolored, noisy, compressed) and a key that never saw it; a crop is used with 25 keys. The reader's own
procedure gives each pair's best score. Gumbel's law is fitted to the maxima of blocks of 100 pairs.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import gumbel_r

from safelight.provenance.watermark import spread
from safelight.provenance.watermark.pattern import Pattern
from safelight.provenance.watermark.search import Scene
from safelight.provenance.watermark.spectrum import maps_of

KEYS = 25
BLOCK = 100


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
    names = "astronaut brick camera cat cell chelsea clock coffee coins colorwheel eagle grass gravel horse "
    names += "hubble_deep_field immunohistochemistry logo microaneurysms moon page retina rocket text"
    for name in names.split():
        try:
            pixels = getattr(skimage.data, name)()
        except Exception:  # noqa: S112 (some pictures are fetched over the network, others renamed)
            continue
        if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and min(pixels.shape[:2]) >= 190:
            pictures.append(Image.fromarray(pixels).convert("RGB"))
    return pictures


def crop(base: Image.Image, rng: np.random.Generator, sides: list[int]) -> Image.Image:
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


def scores(pairs: int, stage: str, seed: int) -> np.ndarray:
    """The best score of each pair."""
    rng = np.random.default_rng(seed)
    pictures = base_pictures()
    patterns = [Pattern.of(rng.bytes(32)) for _ in range(KEYS)]
    sides, effort = ([192, 224, 256], "upright") if stage == "whole" else ([256, 320], "full")
    found: list[float] = []
    started = time.process_time()
    while len(found) < pairs:
        maps = maps_of(crop(pictures[int(rng.integers(len(pictures)))], rng, sides))
        scene = Scene(patterns[0], maps)
        for pattern in patterns:
            # The spectra do not depend on the key.
            scene.pattern = pattern
            scene.parts = tuple(
                replace(part, channel=channel)
                for part, channel in zip(scene.parts, (pattern.luma, pattern.blue), strict=True)
            )
            found.append(max((hit.score for _, hit in spread._climbs(scene, effort)), default=0.0))  # type: ignore[arg-type]
        if len(found) % 5000 < KEYS:
            print(f"{len(found)} pairs, highest {max(found):.2f}, {time.process_time() - started:.0f} s", flush=True)
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--stage", choices=["whole", "full"], default="whole")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    values = scores(options.pairs, options.stage, options.seed)
    if options.out:
        np.save(options.out, values)
    maxima = values[: len(values) // BLOCK * BLOCK].reshape(-1, BLOCK).max(1)
    location, scale = gumbel_r.fit(maxima)
    single = location - scale * np.log(BLOCK)  # of one pair, from the law of the highest of 100
    print(json.dumps({
        "pairs": len(values), "highest": round(float(values.max()), 2), "location": round(float(single), 3),
        "scale": round(float(scale), 3), "score at 1e-6": round(float(single + scale * np.log(1e6)), 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
