"""What a reader sees of an image: two maps in which the picture is subdued, and their whitened spectra.

A mark of the pattern's form appears in a map's Fourier transform at the frequencies where the geometry puts the
pattern's waves. So an image is transformed once, and a hypothesis about its geometry costs no warping: it is tested by
reading the spectrum at other places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
from PIL import Image

from .sliding import mean_filter, strips

__all__ = ["LUMA_WEIGHTS", "Maps", "Spectrum", "maps_of", "reduced", "spectrum_of"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
Complexes = np.ndarray[Any, np.dtype[np.complex64]]

MAP_SIDE: Final = 512
LUMA_WEIGHTS: Final = np.array([0.299, 0.587, 0.114], np.float32)
_NEAR: Final = 2  # radius over which a place's calm is taken, in map pixels
_FLOOR: Final = 6.0  # gray levels a pixel: smaller gradients are never outliers (a step of JPEG 20 measures 5)
_TUKEY: Final = 1.5
_ROUNDING: Final = 0.15  # gray levels
_CLIP_BIN: Final = 2.5
_FLOOR_SHARE: Final = 0.3
_SMOOTH: Final = 4  # radius over which a spectrum's noise is estimated, in bins of the padded transform


@dataclass(frozen=True, eq=False)
class Maps:
    """Luma and blue over luma, the picture subdued; `sizes` are the canonical pixels that the image measures when it
    is the whole frame: (width, height), the longer 512."""

    luma: Floats
    blue: Floats
    size: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The right half of a padded Fourier transform, origin at the map's center, divided by its noise power.

    `values` and `precision` (the inverse noise power) have a row for each of the lower frequencies down, the negative
    ones last, and a column for each across. `side` is the length of the transform.
    """

    values: Complexes
    precision: Floats
    side: int

    def at(self, frequencies: Floats) -> tuple[Complexes, Floats]:
        """Value (between bins, bilinear) and precision (nearest) at frequencies (..., 2): x, y in cycles a pixel."""
        x, y = frequencies[..., 0] * self.side, frequencies[..., 1] * self.side
        flip = x < 0
        x, y = np.where(flip, -x, x), np.where(flip, -y, y)
        left, top = np.floor(x), np.floor(y)
        across, down = (x - left).astype(np.float32), (y - top).astype(np.float32)
        height, width = self.values.shape
        columns = np.minimum(left.astype(np.int32), width - 2)
        rows = top.astype(np.int32) % height
        index = rows * width + columns
        below = (rows + 1) % height * width + columns
        flat = self.values.ravel()
        upper = flat[index] * (1 - across) + flat[index + 1] * across
        lower = flat[below] * (1 - across) + flat[below + 1] * across
        values = upper * (1 - down) + lower * down
        np.conjugate(values, out=values, where=flip)
        return values, self.precision.ravel()[index]

    def near(self, frequencies: Floats) -> Complexes:
        """Value at the nearest bin: four times as fast, and good enough to search by."""
        x = np.rint(frequencies[..., 0] * self.side).astype(np.int32)
        y = np.rint(frequencies[..., 1] * self.side).astype(np.int32)
        flip = x < 0
        np.negative(x, out=x, where=flip)
        np.negative(y, out=y, where=flip)
        height, width = self.values.shape
        np.minimum(x, width - 1, out=x)
        y %= height
        y *= width
        y += x
        values: Complexes = self.values.ravel()[y]
        np.conjugate(values, out=values, where=flip)
        return values


def maps_of(image: Image.Image) -> Maps:
    """The maps of an RGB image: luma with its longest side at 512 (or less, where it is smaller), blue at half that."""
    width, height = image.size
    longest = max(width, height)
    small = reduced(image, min(1.0, MAP_SIDE / longest))
    pixels = np.asarray(small, np.float32)
    luma = pixels @ LUMA_WEIGHTS
    smaller = np.asarray(reduced(small, 0.5), np.float32)
    blue = smaller[..., 2] - smaller @ LUMA_WEIGHTS
    size = (width * MAP_SIDE / longest, height * MAP_SIDE / longest)
    return Maps(subdue(luma), subdue(blue), size)


def subdue(values: Floats) -> Floats:
    """Minus the divergence of the gradient, without its outliers.

    A mark is a gentle wave; edges, of letters and bars above all, are outliers among the gradients around them. They
    are left out (Tukey's biweight), and the rest is weighted by how calm its place is. Unlike a high-pass filter, which
    smears an edge over its width, this loses no more than the edge itself. That a divergence favors high frequencies is
    undone when the spectrum is whitened.
    """
    divergence = np.zeros_like(values)
    for axis in (0, 1):
        slope = np.subtract(values[1:], values[:-1]) if axis == 0 else np.subtract(values[:, 1:], values[:, :-1])
        calm = np.abs(slope)
        np.sqrt(calm, out=calm)
        calm = mean_filter(calm, _NEAR)
        for rows in strips(*slope.shape):
            _without_outliers(slope[rows], calm[rows])
        first, second = (
            (slice(None, -1), slice(1, None))
            if axis == 0
            else ((slice(None), slice(None, -1)), (slice(None), slice(1, None)))
        )
        divergence[first] -= slope
        divergence[second] += slope
    return divergence


def _without_outliers(slope: Floats, calm: Floats) -> None:
    """Weights slopes in place. `calm`, the mean root of those around, is used up."""
    np.square(calm, out=calm)
    calm *= 1.4
    weight = np.sqrt(calm + 0.3 * _FLOOR)  # a calm place counts more, beyond being scaled by its calm
    calm *= 3
    calm += _FLOOR
    slope /= calm
    np.square(slope, out=calm)
    calm *= -(_TUKEY**-2)
    calm += 1
    np.maximum(calm, 0, out=calm)
    np.square(calm, out=calm)
    slope *= calm
    slope /= weight


def spectrum_of(values: Floats, reach: float = 0.5) -> Spectrum:
    """The spectrum of a map, oversampled twice, each bin divided by the power around it and clipped.

    It holds the frequencies up to `reach` (cycles a pixel, 0.25 or more) in both directions.
    """
    height, width = values.shape
    side = 2 * max(32, 1 << (max(height, width) - 1).bit_length())
    low = min(side // 2, int(reach * side) + 1)
    bins = _transform(values, side, low)
    power = bins.real**2 + bins.imag**2
    noise = mean_filter(power, _SMOOTH, ("wrap", "symmetric"))
    noise += _rounding_noise(side, low, values.size)
    # Compression leaves some bins all but empty; without a floor these few would outweigh all others.
    noise += _FLOOR_SHARE * np.median(noise[: side // 4 : 4, : side // 4 : 4])
    power /= noise
    precision = np.reciprocal(noise, out=noise)
    clipped = np.sqrt(power + np.float32(1e-12), out=power)
    np.divide(_CLIP_BIN, clipped, out=clipped)
    np.minimum(clipped, 1, out=clipped)
    clipped *= precision
    bins *= clipped
    return Spectrum(bins, precision, side)


def _transform(values: Floats, side: int, low: int) -> Complexes:
    """The Fourier transform, origin at the map's center: rows 0..low-1 and -low..-1, columns 0..low."""
    height, width = values.shape
    top, left = height // 2, width // 2
    canvas = np.zeros((height, side), np.float32)
    canvas[:, : width - left] = values[:, left:]
    canvas[:, side - left :] = values[:, :left]
    across = scipy.fft.rfft(canvas, axis=1)[:, : low + 1]
    tall = np.zeros((side, low + 1), np.complex64)
    tall[: height - top] = across[top:]
    tall[side - top :] = across[:top]
    bins: Complexes = scipy.fft.fft(tall, axis=0, overwrite_x=True)
    if 2 * low < side:
        bins = np.concatenate([bins[:low], bins[-low:]])
    # The center of a map of even size lies half a pixel before the middle pixel.
    if height % 2 == 0:
        bins *= _half_pixel(np.fft.fftfreq(2 * low, 1 / (2 * low)) / side)[:, None]
    if width % 2 == 0:
        bins *= _half_pixel(np.arange(low + 1) / side)[None, :]
    return bins


def _half_pixel(frequencies: Any) -> Complexes:
    phases: Complexes = np.exp(-1j * np.pi * frequencies).astype(np.complex64)
    return phases


@lru_cache(maxsize=8)
def _rounding_noise(side: int, low: int, samples: int) -> Floats:
    """The power in each bin of what rounding does to a map: even an empty one (blue, of a gray image) has it."""
    wave = 2 * np.pi / side * np.fft.fftfreq(2 * low, 1 / (2 * low))
    slopes = 4 - 2 * np.cos(wave)[:, None] - 2 * np.cos(2 * np.pi / side * np.arange(low + 1))[None, :]
    deviation = _ROUNDING / _FLOOR / np.sqrt(0.3 * _FLOOR)
    noise: Floats = (samples * ((deviation * slopes) ** 2 + 1e-9)).astype(np.float32)
    return noise


def reduced(image: Image.Image, scale: float) -> Image.Image:
    """The image scaled down, or itself where `scale` is 1 or more."""
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING)
