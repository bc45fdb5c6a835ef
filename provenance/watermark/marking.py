"""Puts the pattern into pixels, as strong as it must be and no stronger."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from PIL import Image, ImageEnhance

from .masking import BLUE, LUMA, activity, enlarge
from .pattern import CANONICAL, Pattern, render
from .search import Scene
from .spectrum import LUMA_WEIGHTS, maps_of, reduced

__all__ = ["Sketch", "Strength", "Trial", "coefficients_of", "fitting_strength", "margin", "mark_pixels"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

_HEADROOM: Final = 0.8  # of the amplitude: white and black give way so that both half waves have room
_BLUE_HEADROOM: Final = 0.56
_BLUE_LUMA: Final = float(LUMA_WEIGHTS[2])
_FIRST: Final = 0.9
_MOST: Final = 1.7
_MOST_FOR_BRIGHT: Final = 1.25
_MOST_DIM: Final = 1.0
_FOUND: Final = 7.0
_LEAST_PSNR: Final = 42.6
_ENOUGH: Final = {
    "compressed": 1.0,
    "cropped": 0.8,
    "brightened": 0.8,
}  # see `margin`; decoding begins to fail below 0.65
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
        return all(value >= 0.95 * _ENOUGH[name] for name, value in self.margins.items())


@dataclass(frozen=True, eq=False)
class Sketch:
    """A reduced copy of an image, its luma, and how much texture hides a mark at each place."""

    pixels: Any
    luma: Floats
    texture: Floats

    @classmethod
    def of(cls, image: Image.Image) -> Sketch:
        """The sketch of an RGB image, its longest side at 512 or less."""
        pixels = np.asarray(reduced(image, CANONICAL / max(image.size)))
        luma = pixels.astype(np.float32) @ LUMA_WEIGHTS
        return cls(pixels, luma, activity(luma))

    @property
    def is_bright(self) -> bool:
        """A good part of it would be clipped if it were brightened."""
        return float((self.luma > 255 / _BRIGHTER).mean()) > 0.1

    def allowances(self, strength: Strength, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """The amplitudes of luma and blue at every pixel of an image of that size."""
        factor = np.full(self.luma.shape, np.float32(strength.overall))
        if strength.dim:
            factor *= 1 + np.float32(strength.dim) * np.clip((255 / _BRIGHTER - self.luma) / 20, 0, 1)
        return enlarge(LUMA.at(self.texture) * factor, size), enlarge(BLUE.at(self.texture) * factor, size)


def mark_pixels(
    pixels: Any, coefficients: tuple[Any, Any], pattern: Pattern, strength: Strength, sketch: Sketch, *, peak: int = 255
) -> Any:
    """A marked copy of (height, width, 3) pixels, of the same type, whose white is `peak`."""
    height, width = pixels.shape[:2]
    scale = CANONICAL / max(width, height)
    x, y = (np.arange(width) + 0.5) * scale, (np.arange(height) + 0.5) * scale
    luma_room, blue_room = sketch.allowances(strength, (width, height))
    luma = render(pattern.luma, coefficients[0], x, y)
    luma *= luma_room
    blue = render(pattern.blue, coefficients[1], x, y)
    blue *= blue_room
    luma -= _BLUE_LUMA * blue  # so that the blue mark leaves luma as it is
    blue += luma
    luma_room *= _HEADROOM
    blue_room *= _BLUE_HEADROOM
    blue_room += luma_room
    unit = np.float32(peak / 255)
    marked = np.empty_like(pixels)
    for index, (wave, room) in enumerate(((luma, luma_room), (luma, luma_room), (blue, blue_room))):
        plane = pixels[..., index].astype(np.float32)
        if peak != 255:
            plane /= unit
        np.maximum(plane, room, out=plane)
        np.minimum(plane, 255 - room, out=plane)
        plane += wave
        if peak != 255:
            plane *= unit
        np.rint(plane, out=plane)
        np.clip(plane, 0, peak, out=plane)
        marked[..., index] = plane
    return marked


def fitting_strength(sketch: Sketch, coefficients: tuple[Any, Any], coded: Any, pattern: Pattern) -> Trial:
    """The least strength at which an image stays readable with a margin, or the most that is allowed."""
    strength = Strength()
    while True:
        pixels = mark_pixels(sketch.pixels, coefficients, pattern, strength, sketch)
        trials = _trials(Image.fromarray(pixels), sketch.is_bright)
        found = Trial(
            strength, {name: margin(tried, scale, center, coded, pattern) for name, tried, scale, center in trials}
        )
        room = 10 ** ((_psnr(sketch.pixels, pixels) - _LEAST_PSNR) / 20)
        if room < 1:  # the last step was too long: a little back, and the margins with it
            return Trial(
                replace(strength, overall=strength.overall * room),
                {name: value * room for name, value in found.margins.items()},
            )
        stronger = _stronger(found)
        strength = replace(stronger, overall=min(stronger.overall, found.strength.overall * room))
        if strength.overall < 1.03 * found.strength.overall and strength.dim == found.strength.dim:
            return found


def margin(image: Image.Image, scale: float, center: Any, coded: Any, pattern: Pattern) -> float:
    """How surely the coded bits are read from a part of the frame: `scale` of its longest side around a `center`.

    It is the mean of the soft bits that should be positive over their deviation, less where the pilots are too weak to
    find the mark by.
    """
    scene = Scene(pattern, maps_of(image))
    hit = replace(scene.score(scale * np.eye(2)), shift=center, sign=1)
    soft = scene.soft_bits(hit, len(coded)) * (1 - 2.0 * coded)
    return float(soft.mean() / (soft.std() + 1e-12)) * min(1.0, hit.score / _FOUND)


def _stronger(trial: Trial) -> Strength:
    """What to try next; the same where the trial was good enough or no more is allowed."""
    strength = trial.strength
    met = {name: value / _ENOUGH[name] for name, value in trial.margins.items()}
    bright = met.pop("brightened", 1.0)
    least = min(met.values())
    if least < 1:
        factor = float(np.clip(1 / max(least, 0.1), 1.08, 1.4))
        return replace(strength, overall=min(_MOST, strength.overall * factor))
    if bright < 1:
        grown = strength.overall if strength.dim < _MOST_DIM else max(strength.overall, _MOST_FOR_BRIGHT)
        return Strength(grown, _MOST_DIM)
    return strength


def _trials(image: Image.Image, is_bright: bool) -> Iterator[tuple[str, Image.Image, float, Any]]:
    width, height = image.size
    pitch = CANONICAL / max(width, height)
    center = np.array([width, height]) / 2 * pitch
    yield "compressed", _jpeg(image, 65), 1.0, center
    left, top, wide, high = width // 4, height // 4, width // 2, height // 2
    part = image.crop((left, top, left + wide, top + high))
    scale = max(wide, high) / max(width, height)
    yield "cropped", part, scale, np.array([left + wide / 2, top + high / 2]) * pitch
    if is_bright:
        yield "brightened", _jpeg(ImageEnhance.Brightness(image).enhance(_BRIGHTER), 75), 1.0, center


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    with Image.open(out) as opened:
        return opened.convert("RGB")


def coefficients_of(pattern: Pattern, coded: Any) -> tuple[Any, Any]:
    """The waves of both channels for these coded bits."""
    return pattern.luma.coefficients(coded), pattern.blue.coefficients(coded)


def _psnr(before: Any, after: Any) -> float:
    difference = before.astype(np.float32) - after
    return float(10 * np.log10(255**2 / max(1e-9, float(np.mean(difference * difference)))))
