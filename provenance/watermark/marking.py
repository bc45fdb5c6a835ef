"""Puts the pattern into pixels, as strong as it must be and no stronger."""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from PIL import Image, ImageEnhance

from .dither import dither
from .masking import BLUE, LUMA, activity, enlarge
from .pattern import CANONICAL, RINGS, Pattern, Wavefield, reach_of
from .search import Scene
from .sliding import strips
from .spectrum import LUMA_WEIGHTS, maps_of, reduced

__all__ = ["Sketch", "Strength", "Trial", "coefficients_of", "fitted", "mark_pixels"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

_HEADROOM: Final = 0.8  # of the amplitude: white and black give way so that both half waves have room
_BLUE_HEADROOM: Final = 0.56
_BLUE_LUMA: Final = float(LUMA_WEIGHTS[2])
_FIRST: Final = 1.0
_MOST: Final = 1.7
_MOST_IN_FLATS: Final = 1.5  # beyond it, a mottling shows there
_MOST_FOR_BRIGHT: Final = 1.25
_MOST_DIM: Final = 1.0
_MOST_WHERE_DIM: Final = 3.0
_FOUND: Final = 7.0
_LEAST_PSNR: Final = 42.3
_ENOUGH: Final = {"compressed": 0.75, "cropped": 0.85, "brightened": 0.8}  # decoding begins to fail below 0.65
_QUALITY: Final = 20  # of the trial's JPEG, from _LARGE pixels upwards
_QUALITY_OF_SMALL: Final = 25  # at CANONICAL pixels and below
_LARGE: Final = 2 * CANONICAL
_SHARPNESS: Final = 0.8
_WEIGHTS: Final = (0.5, 1.7)
_SHAPING_GAIN: Final = 1.15  # what shaping may be expected to do for a margin
_FLAT: Final = (np.ones(RINGS, np.float32), np.ones(RINGS, np.float32))
_SURE: Final = 1.4  # times enough: not tried again when the mark is made stronger
_CLOSE: Final = 0.96
_MOST_TRIALS: Final = 2
_SLOWNESS: Final = 1.5  # under compression a margin grows by the power 1 / 1.5 of the strength
_FAR: Final = 2.1  # times as strong: the next trial goes all the way
_FAR_FROM_BRIGHT: Final = 0.4  # of enough: more where it is dim will not do
_PREDICTABLE: Final = 0.9  # of the picture's own noise in luma
_HOPELESS: Final = 0.1
_LEAST_EMPHASIS: Final = 0.1
_BRIGHTER: Final = 1.3


@dataclass(frozen=True)
class Strength:
    """`overall` multiplies the allowance everywhere; `dim` adds to it where brightening will not clip."""

    overall: float = _FIRST
    dim: float = 0.0


@dataclass(frozen=True, eq=False)
class Trial:
    """The strength, the shapes (a weight a ring, for luma and blue) and the emphasis (a weight a coded bit, for luma)
    that were found, and the margins that they leave when the image is compressed, cropped, brightened."""

    strength: Strength
    shapes: tuple[Any, Any]
    emphasis: Any
    margins: dict[str, float]

    @property
    def relative(self) -> dict[str, float]:
        """The margins beside what is enough."""
        return {name: value / _ENOUGH[name] for name, value in self.margins.items()}

    @property
    def is_robust(self) -> bool:
        return min(self.relative.values()) >= 0.95


@dataclass(frozen=True, eq=False)
class Sketch:
    """A reduced copy of an image whose longest side is `longest` pixels, its luma, and how much texture hides a mark at
    each place."""

    pixels: Any
    luma: Floats
    texture: Floats
    longest: int

    @classmethod
    def of(cls, image: Image.Image) -> Sketch:
        """The sketch of an RGB image, its longest side at 512 or less."""
        pixels = np.asarray(reduced(image, CANONICAL / max(image.size)))
        luma = pixels.astype(np.float32) @ LUMA_WEIGHTS
        return cls(pixels, luma, activity(luma), max(image.size))

    @property
    def reach(self) -> float:
        """A bound on the pattern's frequencies, in cycles a pixel of the sketch."""
        return reach_of(self.luma.shape)

    @property
    def leeway(self) -> float:
        """By how much the most may be exceeded: in a small image the waves are finer, and show less."""
        return min(1.5, max(1.0, CANONICAL / self.longest))

    @property
    def is_bright(self) -> bool:
        """A good part of it would be clipped if it were brightened."""
        return float((self.luma > 255 / _BRIGHTER).mean()) > 0.1

    def allowances(self, strength: Strength, size: tuple[int, int]) -> Callable[[slice], tuple[Floats, Floats]]:
        """What gives the amplitudes of luma and blue in some rows of an image of that size."""
        texture, flat = enlarge(self.texture, size), min(1.0, _MOST_IN_FLATS * self.leeway / strength.overall)
        clipped: Any = np.clip((255 / _BRIGHTER - self.luma) / 20, 0, 1) if strength.dim else None
        dim = None if clipped is None else enlarge(np.float32(strength.dim) * clipped, size)

        def amplitudes(rows: slice) -> tuple[Floats, Floats]:
            luma, blue = LUMA.at(texture[rows], flat), BLUE.at(texture[rows], flat)
            factor = np.float32(strength.overall) if dim is None else np.float32(strength.overall) * (1 + dim[rows])
            luma *= factor
            blue *= factor
            return luma, blue

        return amplitudes


def mark_pixels(
    pixels: Any, coefficients: tuple[Any, Any], pattern: Pattern, strength: Strength, sketch: Sketch, *, peak: int = 255
) -> Any:
    """A marked copy of (height, width, 3) pixels, of the same type, whose white is `peak`."""
    height, width = pixels.shape[:2]
    scale = CANONICAL / max(width, height)
    x, y = (np.arange(width) + 0.5) * scale, (np.arange(height) + 0.5) * scale
    luma_waves, blue_waves = (
        Wavefield(channel, waves, x, y)
        for channel, waves in zip((pattern.luma, pattern.blue), coefficients, strict=True)
    )
    allowances = sketch.allowances(strength, (width, height))
    slow = dither(sketch.texture, (width, height))
    unit = np.float32(peak / 255)
    marked = np.empty_like(pixels)
    for rows in strips(height, width):
        luma_room, blue_room = allowances(rows)
        luma = luma_waves.rows(rows)
        luma *= luma_room
        blue = blue_waves.rows(rows)
        blue *= blue_room
        luma -= _BLUE_LUMA * blue  # so that the blue mark leaves luma as it is
        luma_room *= _HEADROOM
        blue_room *= _BLUE_HEADROOM
        if slow is not None:
            wave, most = slow(rows)
            luma += wave
            luma_room += most
        blue += luma
        blue_room += luma_room
        for index, (wave, room) in enumerate(((luma, luma_room), (luma, luma_room), (blue, blue_room))):
            plane = pixels[rows, :, index].astype(np.float32)
            if peak != 255:
                plane /= unit
            np.maximum(plane, room, out=plane)
            np.minimum(plane, 255 - room, out=plane)
            plane += wave
            if peak != 255:
                plane *= unit
            np.rint(plane, out=plane)
            np.clip(plane, 0, peak, out=plane)
            marked[rows, :, index] = plane
    return marked


def fitted(sketch: Sketch, coded: Any, pattern: Pattern) -> Trial:
    """The least strength at which an image stays readable with a margin, or the most that is allowed.

    Where the first strength will not do, the pattern is shaped as well: less of it where the picture drowns it.
    """
    strength, shapes, emphasis = Strength(), _FLAT, np.ones(len(coded), np.float32)
    read: dict[str, _Reading] = {}
    trials, wanted = 0, set(_ENOUGH)
    while True:
        trials += 1
        waves = coefficients_of(pattern, coded, shapes, emphasis)
        pixels = mark_pixels(sketch.pixels, waves, pattern, strength, sketch)
        for treated in _treatments(Image.fromarray(pixels), sketch, wanted):
            read[treated.name] = _Reading.of(treated, coded, pattern, sketch.reach)
        found = Trial(strength, shapes, emphasis, {name: each.margin for name, each in read.items()})
        room = 10 ** ((_psnr(sketch.pixels, pixels) - _LEAST_PSNR) / 20)
        if room < 1:  # the last step was too long: a little back, and the margins with it
            margins = {name: value * room for name, value in found.margins.items()}
            return Trial(replace(strength, overall=strength.overall * room), shapes, emphasis, margins)
        is_new_shape = shapes is _FLAT and min(found.relative.values()) < _CLOSE
        if is_new_shape:
            shapes, emphasis = _shaped(pattern, read), _emphasis(pixels, coded, pattern, sketch.reach)
        stronger = _stronger(found, _SHAPING_GAIN if is_new_shape else 1.0, _MOST * sketch.leeway)
        strength = replace(stronger, overall=min(stronger.overall, strength.overall * room))
        is_same = strength.overall < 1.03 * found.strength.overall and strength.dim == found.strength.dim
        if is_same and not is_new_shape:
            return found
        if trials == _MOST_TRIALS:  # the margins are those before this last step: they can only have grown
            return replace(found, strength=strength)
        wanted = {name for name, margin in found.relative.items() if margin < _SURE}
        if strength.overall == found.strength.overall and not is_new_shape:  # more where it is dim: for one of them
            wanted &= {"brightened"}


@dataclass(frozen=True, eq=False)
class _Treatment:
    """What may become of an image, and where in the original it then lies: `scale` of its longest side, `center`."""

    name: str
    image: Image.Image
    scale: float
    center: Any


@dataclass(frozen=True, eq=False)
class _Reading:
    """How surely the coded bits are read from a treated image.

    `margin` is the mean of the soft bits that should be positive over their deviation, less where the pilots are too
    weak to find the mark by. `clarity` is told by ring, for luma and blue.
    """

    margin: float
    clarity: Any

    @classmethod
    def of(cls, treatment: _Treatment, coded: Any, pattern: Pattern, reach: float) -> _Reading:
        """The reading where the geometry is known."""
        scene = Scene(pattern, maps_of(treatment.image), reach)
        hit = replace(scene.score(treatment.scale * np.eye(2)), shift=treatment.center, sign=1)
        soft = scene.soft_bits(hit, len(coded)) * (1 - 2.0 * coded)
        margin = float(soft.mean() / (soft.std() + 1e-12)) * min(1.0, hit.score / _FOUND)
        return cls(margin, scene.clarity(hit, coded))


def _shaped(pattern: Pattern, read: Mapping[str, _Reading]) -> tuple[Any, Any]:
    """A weight a ring, for luma and blue: more where the mark stands out, above all in what is hardest to read."""
    weights = [(_ENOUGH[name] / max(each.margin, 0.2)) ** 2 for name, each in read.items()]
    shapes = []
    for index, channel in enumerate((pattern.luma, pattern.blue)):
        clarity = np.average([each.clarity[index] for each in read.values()], axis=0, weights=weights)
        smooth = np.convolve(np.pad(clarity, 1, "edge"), [0.25, 0.5, 0.25], "valid")
        shapes.append(channel.evened(np.clip((smooth / (smooth.mean() + 1e-6)) ** _SHARPNESS, *_WEIGHTS)))
    return shapes[0], shapes[1]


def _emphasis(pixels: Any, coded: Any, pattern: Pattern, reach: float) -> Floats:
    """A weight a coded bit in luma: more where the picture itself speaks against it (informed embedding).

    In luma the picture is the noise, which is known here and hardly changes under compression. With a margin m, the
    noise that remains for a given power is least beside the signal where the share m * m of it is answered.
    """
    height, width = pixels.shape[:2]
    scene = Scene(pattern, maps_of(Image.fromarray(pixels)), reach).only(0)
    center = np.array([width, height]) / 2 * CANONICAL / max(width, height)
    hit = replace(scene.score(np.eye(2)), shift=center, sign=1)
    soft = scene.soft_bits(hit, len(coded)) * (1 - 2.0 * coded)
    margin = float(soft.mean() / (soft.std() + 1e-12))
    if margin < _HOPELESS:
        return np.ones(len(coded), np.float32)
    share = _PREDICTABLE * min(1.0, margin * margin)
    emphasis = np.maximum(np.sqrt(1 - (share / margin) ** 2) + share * (1 - soft / soft.mean()), _LEAST_EMPHASIS)
    return np.asarray(emphasis / np.sqrt(np.mean(emphasis**2)), np.float32)


def _stronger(trial: Trial, gain: float, most: float) -> Strength:
    """What to try next, at `most`, where the margins are `gain` times better already; the same where that will do."""
    strength = trial.strength
    met = {name: gain * value for name, value in trial.relative.items()}
    bright = met.pop("brightened", 1.0)
    least = min(met.values())
    if least < _CLOSE and strength.overall < most:
        wanted = max(1 / max(met["cropped"], 0.1), max(met["compressed"], 0.1) ** -_SLOWNESS)
        factor = float(np.clip(wanted, 1.08, 1.4)) if wanted < _FAR else most / strength.overall
        return replace(strength, overall=min(most, strength.overall * factor))
    if _FAR_FROM_BRIGHT < bright < 1:
        grown = strength.overall if not strength.dim else max(strength.overall, _MOST_FOR_BRIGHT)
        return Strength(grown, min(_MOST_DIM, _MOST_WHERE_DIM / grown - 1))
    return strength


def _treatments(image: Image.Image, sketch: Sketch, wanted: Container[str]) -> Iterator[_Treatment]:
    width, height = image.size
    pitch = CANONICAL / max(width, height)
    center = np.array([width, height]) / 2 * pitch
    if "compressed" in wanted:
        yield _Treatment("compressed", _squeezed(image, sketch.longest), 1.0, center)
    if "cropped" in wanted:
        left, top, wide, high = width // 6, height // 6, 2 * width // 3, 2 * height // 3
        part = _jpeg(image.crop((left, top, left + wide, top + high)), 60)
        scale = max(wide, high) / max(width, height)
        yield _Treatment("cropped", part, scale, np.array([left + wide / 2, top + high / 2]) * pitch)
    if "brightened" in wanted and sketch.is_bright:
        yield _Treatment("brightened", _jpeg(ImageEnhance.Brightness(image).enhance(_BRIGHTER), 75), 1.0, center)


def _squeezed(image: Image.Image, longest: int) -> Image.Image:
    """What hard compression leaves of a sketch's image whose longest side is `longest` pixels.

    What a quantizer takes depends on how many pixels a wave measures. So an image of 1024 is tried at that size, where
    its trial leaves the margin that the image itself has after JPEG 20, within a tenth; in between, a weaker
    compression of the sketch stands for it.
    """
    if longest >= _LARGE:
        return _jpeg(image.resize((2 * image.width, 2 * image.height), Image.Resampling.NEAREST), _QUALITY)
    return _jpeg(image, round(_QUALITY_OF_SMALL * max(1.0, longest / CANONICAL)))


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    with Image.open(out) as opened:
        return opened.convert("RGB")


def coefficients_of(
    pattern: Pattern, coded: Any, shapes: tuple[Any, Any] = _FLAT, emphasis: Any = None
) -> tuple[Any, Any]:
    """The waves of both channels for these coded bits, their rings weighted by `shapes`, the bits in luma by
    `emphasis`."""
    even = np.ones(len(coded), np.float32)
    return (
        pattern.luma.coefficients(coded, shapes[0], even if emphasis is None else emphasis),
        pattern.blue.coefficients(coded, shapes[1], even),
    )


def _psnr(before: Any, after: Any) -> float:
    difference = (before[::4].astype(np.float32) - after[::4]).ravel()
    return float(10 * np.log10(255**2 / max(1e-9, float(difference @ difference) / difference.size)))
