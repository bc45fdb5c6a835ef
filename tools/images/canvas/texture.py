"""Surfaces, drawn pixel by pixel: paper, fiber, film, slate. All deterministic for a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["VIGNETTES", "apply", "chalk_alpha", "falloff", "noise"]

Pixels = NDArray[Any]
# How much each surface darkens at the corners, 0..1.
VIGNETTES = {"film": 0.42, "slate": 0.16, "aged": 0.10}


def noise(rng: np.random.Generator, w: int, h: int, cell: float) -> Pixels:
    """Smooth noise in -1..1 of shape (h, w), features about `cell` px wide."""
    gw, gh = max(2, int(w / cell) + 2), max(2, int(h / cell) + 2)
    small = Image.fromarray((rng.random((gh, gw), dtype=np.float32) * 255).astype(np.uint8))
    big = np.asarray(small.resize((w, h), Image.Resampling.BICUBIC), dtype=np.float32)
    return big / 127.5 - 1.0


def apply(image: Pixels, name: str, rng: np.random.Generator, unit: float) -> Pixels:
    """`image` (h, w, 3) in 0..255 with the surface laid over it, same shape. `unit` is px per 1/1000 of the page."""
    h, w = image.shape[:2]
    if name == "paper":
        grain = (
            rng.standard_normal((h, w), dtype=np.float32) * 2.6
            + noise(rng, w, h, 5 * unit) * 1.6
            + noise(rng, w, h, 180 * unit) * 2.2
        )
        return image + grain[..., None]
    if name == "fiber":
        grain = (
            noise(rng, w, h, max(1.5, 2.2 * unit)) * 2.4
            + noise(rng, w, h, max(2, 9 * unit)) * 2.0
            + rng.standard_normal((h, w), dtype=np.float32) * 1.3
        )
        return image + grain[..., None]
    if name == "film":
        luma = image.mean(axis=2, keepdims=True) / 255
        grain = rng.standard_normal((h, w), dtype=np.float32) * 0.6 + noise(rng, w, h, max(1.2, 1.7 * unit)) * 0.8
        strength = 5.0 + 13.0 * np.sqrt(luma * (1.05 - luma).clip(0))
        return np.asarray(_vignette(image, VIGNETTES[name]) + grain[..., None] * strength)
    if name == "slate":
        smear = noise(rng, w, h, 90 * unit) * 3.0 + noise(rng, w, h, 300 * unit) * 3.6
        fine = (rng.random((max(2, h // 3), max(2, w // 60)), dtype=np.float32) * 255).astype(np.uint8)
        wiped = Image.fromarray(fine).resize((w, h), Image.Resampling.BICUBIC)
        streak = np.asarray(wiped, dtype=np.float32) / 127.5 - 1
        dust = rng.standard_normal((h, w), dtype=np.float32) * 1.8
        return np.asarray(_vignette(image, VIGNETTES[name]) + (smear + streak * 1.6 + dust)[..., None])
    if name == "aged":
        stain = (
            noise(rng, w, h, 260 * unit) * 3.2
            + noise(rng, w, h, 70 * unit) * 1.4
            + rng.standard_normal((h, w), dtype=np.float32) * 1.7
        )
        warm = np.array([0.6, 0.85, 1.35], dtype=np.float32)
        return np.asarray(_vignette(image, VIGNETTES[name]) + stain[..., None] * warm)
    if name == "grid":
        return (
            image
            + (noise(rng, w, h, 240 * unit) * 3.0 + rng.standard_normal((h, w), dtype=np.float32) * 1.0)[..., None]
        )
    return image


def _vignette(image: Pixels, strength: float) -> Pixels:
    h, w = image.shape[:2]
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    return image * falloff((x * x + y * y) / 2, strength)[..., None]


def falloff(distance: Any, strength: float) -> Pixels:
    """What is left of the light at a squared distance from the middle, 1 at the corners."""
    return np.asarray(1 - strength * np.clip(distance - 0.12, 0, 1) ** 1.3)


def chalk_alpha(rng: np.random.Generator, w: int, h: int, unit: float) -> Pixels:
    """How much chalk sticks, 0..1, shape (h, w): dense, with pores of the slate's grain."""
    grain = noise(rng, w, h, max(1.3, 1.6 * unit)) * 0.5 + rng.standard_normal((h, w), dtype=np.float32) * 0.22
    patch = noise(rng, w, h, 40 * unit) * 0.12
    return np.clip(1.05 + grain * 0.28 + patch, 0.62, 1.0)
