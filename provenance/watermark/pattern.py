"""The keyed pattern: a trigonometric polynomial that repeats every `PERIOD` canonical pixels in both directions.

In the canonical frame an image's longest side is 512. Two channels carry the pattern: luma, and blue over luma, where
the eye is dull. Of the frequencies k / PERIOD in a channel's band, a keyed 30 % are pilots of fixed phase, by which a
reader finds the mark and measures what became of it; the others carry the coded bits, each bit on several of them all
over the spectrum. The bands survive 8-fold reduction, chroma subsampling and JPEG, and leave out the slow waves of
color that an eye would see; the amplitude falls gently with frequency, as the spectra of pictures do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from .code import coded_length
from .payload import PAYLOAD_BITS, subkey

__all__ = ["BANDS", "CANONICAL", "PERIOD", "RINGS", "Channel", "Pattern", "Wavefield", "reach_of", "render"]

Floats = np.ndarray[Any, np.dtype[np.float32]]
Complexes = np.ndarray[Any, np.dtype[np.complex64]]

CANONICAL: Final = 512
PERIOD: Final = 192
RINGS: Final = 10
BANDS: Final = {"luma": (0.028, 0.20), "blue": (0.030, 0.10)}  # cycles a canonical pixel
_PILOTS = 0.30
_PILOT_GAIN = 1.0
_SLOPE = 0.3


def reach_of(size: tuple[int, int]) -> float:
    """A bound on the pattern's frequencies in cycles a pixel, in a whole frame of that size or its map."""
    longest = min(CANONICAL, max(size))
    return float(min(0.5, 1.3 * BANDS["luma"][1] * CANONICAL / longest))


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel's frequencies. `waves` are (n, 2) integers (x, y), the pilots first; `phases` their keyed phases;
    `amplitudes` sum to a pattern of unit variance; `rings` group them by frequency; `bits` name the coded bit that each
    of the others carries."""

    waves: Any
    phases: Complexes
    amplitudes: Floats
    rings: Any
    bits: Any
    pilots: int

    @cached_property
    def replica(self) -> Complexes:
        """What the pilots' values are compared with."""
        return (self.amplitudes * self.phases)[: self.pilots]

    def coefficients(self, coded: Any, shape: Any, emphasis: Any) -> Complexes:
        """The amplitude and phase of each wave for these coded bits, each ring weighted by `shape`, and each coded bit
        by `emphasis`."""
        weights: Floats = np.asarray(shape, np.float32)[self.rings]
        weights[self.pilots :] *= emphasis[self.bits]
        return self.amplitudes * self.signed(coded) * weights

    def signed(self, coded: Any) -> Complexes:
        """The phase of each wave for these coded bits."""
        signs = np.ones(len(self.waves), np.float32)
        signs[self.pilots :] = 1 - 2 * np.asarray(coded, np.float32)[self.bits]
        return self.phases * signs

    def evened(self, shape: Any) -> Floats:
        """The shape, scaled so that the pattern keeps its variance."""
        power = np.bincount(self.rings, self.amplitudes**2, RINGS)
        return np.asarray(shape * np.sqrt(power.sum() / (power * shape**2).sum()), np.float32)


@dataclass(frozen=True, eq=False)
class Pattern:
    """The pattern of one secret."""

    luma: Channel
    blue: Channel

    @classmethod
    def of(cls, secret: bytes) -> Pattern:
        """The pattern of a secret; it takes a few milliseconds, so keep it."""
        return _pattern(subkey(secret, "pattern"))


@lru_cache(maxsize=8)
def _pattern(key: bytes) -> Pattern:
    return Pattern(*(_channel(subkey(key, name), *BANDS[name]) for name in ("luma", "blue")))


def _channel(key: bytes, low: float, high: float) -> Channel:
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key)))
    reach = int(high * PERIOD) + 1
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(1, reach + 1), np.arange(-reach, reach + 1)))
    frequency = np.hypot(x, y) / PERIOD
    kept = (frequency >= low) & (frequency <= high)
    waves, frequency = np.stack([x[kept], y[kept]], 1), frequency[kept]
    order = rng.permutation(len(waves))
    pilots = round(_PILOTS * len(waves))
    # Message waves by rising frequency, so that each run of them carries every coded bit once.
    order[pilots:] = order[pilots:][np.argsort(frequency[order[pilots:]], kind="stable")]
    waves, frequency = waves[order], frequency[order]
    length = coded_length(PAYLOAD_BITS)
    runs = -(-(len(waves) - pilots) // length)
    bits = np.concatenate([rng.permutation(length) for _ in range(runs)])[: len(waves) - pilots]
    amplitudes = (frequency / low) ** -_SLOPE
    amplitudes[:pilots] *= _PILOT_GAIN
    amplitudes /= np.sqrt(2 * (amplitudes**2).sum())
    rings = np.minimum(((frequency - low) / (high - low) * RINGS).astype(int), RINGS - 1)
    phases = np.exp(2j * np.pi * rng.random(len(waves)))
    return Channel(waves, phases.astype(np.complex64), amplitudes.astype(np.float32), rings, bits, pilots)


class Wavefield:
    """The pattern where the columns lie at canonical x and the rows at canonical y, exact: two products of matrices."""

    def __init__(self, channel: Channel, coefficients: Complexes, x: Any, y: Any) -> None:
        reach_x, reach_y = int(channel.waves[:, 0].max()), int(np.abs(channel.waves[:, 1]).max())
        self._grid = np.zeros((2 * reach_y + 1, reach_x), np.complex64)
        self._grid[channel.waves[:, 1] + reach_y, channel.waves[:, 0] - 1] = 2 * coefficients
        self._down = _circle(y, -reach_y, reach_y)
        across = _circle(x, 1, reach_x).T
        self._across = np.vstack([across.real, -across.imag])

    def rows(self, rows: slice) -> Floats:
        """Those rows of it, (rows, columns)."""
        along = self._down[rows] @ self._grid
        pattern: Floats = np.hstack([along.real, along.imag]) @ self._across
        return pattern


def render(channel: Channel, coefficients: Complexes, x: Any, y: Any) -> Floats:
    """The whole of a `Wavefield`: (len(y), len(x))."""
    return Wavefield(channel, coefficients, x, y).rows(slice(None))


def _circle(places: Any, first: int, last: int) -> Complexes:
    """exp(2 pi i k place / PERIOD) for each place and each k from `first` to `last`: (places, ks)."""
    angle = (np.outer(places, np.arange(first, last + 1)) * (2 * np.pi / PERIOD)).astype(np.float32)
    circle = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=circle.real)
    np.sin(angle, out=circle.imag)
    return circle
