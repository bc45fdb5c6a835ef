"""Puts the pattern into pixels, as strong as it must be and no stronger."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image, ImageEnhance

from .masking import BLUE, LUMA, activity, enlarge
from .pattern import CANONICAL, Pattern, render
from .search import Hit, Scene
from .spectrum import LUMA_WEIGHTS, maps_of, reduced

__all__ = ["Strength", "Trial", "coefficients_of", "fitting_strength", "margin", "mark_pixels"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

_HEADROOM: Final = 0.8  # of the amplitude: white and black give way so that both half waves have room
_BLUE_LUMA: Final = float(LUMA_WEIGHTS[2])
_FIRST: Final = 0.9
_MOST: Final = 1.5
_MOST_DIM: Final = 1.0
_ROUNDS: Final = 4
_ENOUGH: Final = 0.85  # see `margin`; decoding begins to fail below 0.65
_BRIGHTER: Final = 1.3


@dataclass(frozen=True)
class Strength:
    """`overall` multiplies the allowance everywhere; `dim` adds to it where brightening will not clip."""

    overall: float = _FIRST
    dim: float = 0.0


@dataclass(frozen=True)
class Trial:
    """The strength that was found, and the margins that it leaves when the image is compressed, cropped, brightened."""

    strength: Strength
    margins: dict[str, float]

    @property
    def is_robust(self) -> bool:
        return min(self.margins.values()) >= 0.95 * _ENOUGH


def mark_pixels(
    pixels: Any, coefficients: tuple[Any, Any], pattern: Pattern, strength: Strength, *, peak: int = 255
) -> Any:
    """A marked copy of (height, width, 3) pixels, of the same type, whose white is `peak`."""
    height, width = pixels.shape[:2]
    scale = CANONICAL / max(width, height)
    x, y = (np.arange(width) + 0.5) * scale, (np.arange(height) + 0.5) * scale
    levels = pixels.astype(np.float32)
    if peak != 255:
        levels *= np.float32(255 / peak)
    luma_room, blue_room = _allowances(levels, strength)
    luma = render(pattern.luma, coefficients[0], x, y)
    luma *= luma_room
    blue = render(pattern.blue, coefficients[1], x, y)
    blue *= blue_room
    luma -= _BLUE_LUMA * blue  # so that the blue mark leaves luma as it is
    luma_room *= _HEADROOM
    blue_room *= 0.7 * _HEADROOM
    blue_room += luma_room
    for index in range(3):
        room = blue_room if index == 2 else luma_room
        plane = np.minimum(np.maximum(levels[..., index], room), 255 - room)
        plane += luma
        if index == 2:
            plane += blue
        levels[..., index] = plane
    if peak != 255:
        levels *= np.float32(peak / 255)
    np.rint(levels, out=levels)
    return np.clip(levels, 0, peak, out=levels).astype(pixels.dtype)


def fitting_strength(image: Image.Image, coefficients: tuple[Any, Any], coded: Any, pattern: Pattern) -> Trial:
    """The least strength at which an RGB image stays readable with a margin, or the most that is allowed."""
    small = reduced(image, CANONICAL / max(image.size))
    pixels = np.asarray(small)
    is_bright = float((pixels.min(2) > 255 / _BRIGHTER).mean()) > 0.1
    strength = Strength()
    for remaining in range(_ROUNDS, 0, -1):
        marked = Image.fromarray(mark_pixels(pixels, coefficients, pattern, strength))
        margins = {name: margin(tried, scale, coded, pattern) for name, tried, scale in _trials(marked, is_bright)}
        stronger = _stronger(strength, margins)
        if stronger == strength or remaining == 1:
            break
        strength = stronger
    return Trial(strength, margins)


def margin(image: Image.Image, scale: float, coded: Any, pattern: Pattern) -> float:
    """How surely the coded bits are read from a centered part of the frame: the mean of the soft bits that should be
    positive over their deviation."""
    scene = Scene(pattern, maps_of(image))
    hit: Hit = scene.score(scale * np.eye(2))
    soft = scene.soft_bits(hit, len(coded)) * (1 - 2.0 * coded)
    return float(soft.mean() / (soft.std() + 1e-12))


def _stronger(strength: Strength, margins: dict[str, float]) -> Strength:
    bright = margins.get("brightened", _ENOUGH)
    others = min(value for name, value in margins.items() if name != "brightened")
    if others < _ENOUGH:
        factor = float(np.clip(_ENOUGH / max(others, 0.1), 1.08, 1.4))
        return Strength(min(_MOST, strength.overall * factor), strength.dim)
    if bright < _ENOUGH:
        return Strength(strength.overall, min(_MOST_DIM, strength.dim + 0.5))
    return strength


def _trials(image: Image.Image, is_bright: bool) -> Iterator[tuple[str, Image.Image, float]]:
    yield "compressed", _jpeg(image, 50), 1.0
    width, height = image.size
    part = image.crop((width // 4, height // 4, width // 4 + width // 2, height // 4 + height // 2))
    yield "cropped", part, 0.5
    if is_bright:
        yield "brightened", _jpeg(ImageEnhance.Brightness(image).enhance(_BRIGHTER), 75), 1.0


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    with Image.open(out) as opened:
        return opened.convert("RGB")


def _allowances(levels: Floats, strength: Strength) -> tuple[Floats, Floats]:
    """The amplitudes of luma and blue at every pixel, worked out on a reduced copy."""
    height, width = levels.shape[:2]
    step = max(1, max(width, height) // CANONICAL)
    # Means over blocks: cheaper than a resize, and good for a mask.
    rows, columns = height // step, width // step
    blocks = levels[: rows * step, : columns * step].reshape(rows, step, columns, step, 3).mean((1, 3))
    luma = blocks @ LUMA_WEIGHTS
    texture = activity(luma)
    factor = np.full(luma.shape, np.float32(strength.overall))
    if strength.dim:
        factor *= 1 + strength.dim * np.clip((255 / _BRIGHTER - luma) / 20, 0, 1)
    size = (width, height)
    return enlarge(LUMA.at(texture) * factor, size), enlarge(BLUE.at(texture) * factor, size)


def coefficients_of(pattern: Pattern, coded: Any) -> tuple[Any, Any]:
    """The waves of both channels for these coded bits."""
    return pattern.luma.coefficients(coded), pattern.blue.coefficients(coded)
