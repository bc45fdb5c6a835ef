"""Finds how a marked image was turned, mirrored, scaled, stretched and shifted, by its pilots.

A hypothesis is a 2x2 matrix that takes canonical pixels of the seen image (from its center) to those of the original.
The pilots' values under it, brought into phase, are summed for all shifts at once by an inverse transform; the highest
sum in units of its own deviation is the score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
import scipy.fft

from .pattern import PERIOD, Channel, Pattern
from .spectrum import Maps, Spectrum, spectrum_of

__all__ = ["ORIENTATIONS", "Hit", "Part", "Scene", "grid_matrices", "line_matrices", "whole_matrices"]

_COARSE: Final = 96  # shifts are tried 2 canonical pixels apart: the pattern's shortest wave measures 5
_FINE: Final = 192
_BATCH: Final = 48
_QUARTER: Final = np.array([[0.0, -1.0], [1.0, 0.0]])
ORIENTATIONS: Final = tuple(
    np.linalg.matrix_power(_QUARTER, turns) @ np.diag([mirror, 1.0]) for mirror in (1.0, -1.0) for turns in range(4)
)


_MIRRORS: Final = (ORIENTATIONS[0], ORIENTATIONS[4])


@dataclass(frozen=True, eq=False)
class Hit:
    """A hypothesis and its score. `shift` (x, y) is where the image's center lies in the original, modulo the period;
    `sign` is -1 where the colors are inverted."""

    score: float
    matrix: Any
    shift: Any
    sign: int


@dataclass(frozen=True, eq=False)
class Part:
    """One channel of a scene: map, spectrum, and the canonical pixels (x, y) that a pixel of the map measures."""

    channel: Channel
    values: Any
    spectrum: Spectrum
    pitch: Any


class Scene:
    """One image before one pattern."""

    def __init__(self, pattern: Pattern, maps: Maps) -> None:
        self.pattern = pattern
        self._maps = maps
        self.parts = tuple(
            Part(
                channel,
                values,
                spectrum_of(values),
                np.array([maps.size[0] / values.shape[1], maps.size[1] / values.shape[0]]),
            )
            for channel, values in ((pattern.luma, maps.luma), (pattern.blue, maps.blue))
        )

    def within(self, tiles: Any) -> Scene:
        """The same scene, all blank but for the tiles (rows, columns) that are true."""
        return Scene(
            self.pattern, replace(self._maps, luma=_only(self._maps.luma, tiles), blue=_only(self._maps.blue, tiles))
        )

    def best(self, matrices: Any, keep: int) -> list[Hit]:
        """The `keep` best of many hypotheses (n, 2, 2), roughly, best first."""
        scores, peaks = [], []
        for start in range(0, len(matrices), _BATCH):
            batch = matrices[start : start + _BATCH]
            plane = np.zeros((len(batch), _COARSE, _COARSE // 2 + 1), np.complex64)
            power = np.zeros(len(batch), np.float32)
            for part in self.parts:
                waves, conjugates = part.channel.waves[: part.channel.pilots], part.channel.replica
                frequencies = (np.swapaxes(batch, 1, 2)[:, None] @ (waves / PERIOD)[None, :, :, None])[
                    ..., 0
                ] * part.pitch
                values = part.spectrum.near(frequencies.astype(np.float32))
                np.conjugate(values, out=values)
                values *= conjugates
                strength = (values.real**2 + values.imag**2).sum(1)
                values *= _balance(power, strength)[:, None]
                plane[:, waves[:, 1], waves[:, 0]] += values
                power += np.minimum(strength, power) if power.any() else strength
            sums = scipy.fft.irfft2(plane, s=(_COARSE, _COARSE), norm="forward", overwrite_x=True).reshape(
                len(batch), -1
            )
            peak = np.abs(sums).argmax(1)
            scores.append(np.abs(sums[np.arange(len(batch)), peak]) / np.sqrt(2 * power + 1e-30))
            peaks.append(peak * np.sign(sums[np.arange(len(batch)), peak] + 1e-30))
        ranked, peak = np.concatenate(scores), np.concatenate(peaks)
        order = np.argsort(-ranked)[:keep]
        return [_hit(float(ranked[each]), matrices[each], int(abs(peak[each])), peak[each], _COARSE) for each in order]

    def score(self, matrix: Any) -> Hit:
        """One hypothesis, exactly."""
        plane = np.zeros((_FINE, _FINE // 2 + 1), np.complex64)
        power = 0.0
        for part in self.parts:
            waves = part.channel.waves[: part.channel.pilots]
            values, _ = part.spectrum.at((waves / PERIOD @ matrix * part.pitch).astype(np.float32))
            values = np.conjugate(values) * part.channel.replica
            strength = float((values.real**2 + values.imag**2).sum())
            plane[waves[:, 1], waves[:, 0]] += values * float(_balance(power, strength))
            power += min(strength, power) if power else strength
        sums = scipy.fft.irfft2(plane, s=(_FINE, _FINE), norm="forward").ravel()
        peak = int(np.abs(sums).argmax())
        return _hit(float(abs(sums[peak]) / np.sqrt(2 * power + 1e-30)), matrix, peak, sums[peak], _FINE)

    def refine(self, hit: Hit, *, steps: Iterable[float] = (0.004, 0.002, 0.001)) -> Hit:
        """Climb from a hypothesis to the top of its hill: over scale, rotation, stretch and shear."""
        best = self.score(hit.matrix)
        for step in steps:
            moved = True
            while moved:
                moved = False
                for change in _CHANGES:
                    tried = self.score((np.eye(2) + step * change) @ best.matrix)
                    if tried.score > best.score + 0.02:
                        best, moved = tried, True
        return best

    def soft_bits(self, hit: Hit, count: int) -> Any:
        """A value a coded bit, positive for 0: every wave weighted by what its ring's pilots say of gain and noise."""
        soft = np.zeros(count, np.float32)
        for part in self.parts:
            channel = part.channel
            values, precision = part.spectrum.at((channel.waves / PERIOD @ hit.matrix * part.pitch).astype(np.float32))
            turn = np.exp(-2j * np.pi / PERIOD * (channel.waves @ hit.shift)) * hit.sign
            seen = (values * turn * np.conjugate(channel.phases)).real * channel.amplitudes
            weight = channel.amplitudes**2 * precision
            gain = _ring_gain(channel, seen, weight)
            soft += np.bincount(channel.bits, (seen * gain[channel.rings])[channel.pilots :], minlength=count).astype(
                np.float32
            )
        return soft


def _ring_gain(channel: Channel, seen: Any, weight: Any) -> Any:
    """The gain in each ring that fits its pilots best, smoothed over the neighbors, never negative."""
    rings, pilots = channel.rings[: channel.pilots], channel.pilots
    count = int(channel.rings.max()) + 1
    above = np.bincount(rings, seen[:pilots], count)
    below = np.bincount(rings, weight[:pilots], count)
    smooth: Callable[[Any], Any] = lambda values: np.convolve(np.pad(values, 1, "edge"), [0.5, 1, 0.5], "valid")  # noqa: E731
    return np.maximum(smooth(above), 0) / (smooth(below) + 1e-30)


_CHANGES: Final = tuple(
    sign * np.array(change, float)
    for change in (
        ((1, 0), (0, 1)),  # scale
        ((0, -1), (1, 0)),  # rotation
        ((1, 0), (0, -1)),  # stretch
        ((0, 1), (1, 0)),  # shear
    )
    for sign in (1, -1)
)


def _balance(before: Any, strength: Any) -> Any:
    """What keeps a channel from outweighing those before it: blue that compression has emptied is sure of nothing."""
    return np.where(np.asarray(before) > 0, np.minimum(1, np.sqrt(np.asarray(before) / (strength + 1e-30))), 1).astype(
        np.float32
    )


def _only(values: Any, tiles: Any) -> Any:
    rows = np.arange(values.shape[0]) * tiles.shape[0] // values.shape[0]
    columns = np.arange(values.shape[1]) * tiles.shape[1] // values.shape[1]
    return np.where(tiles[np.ix_(rows, columns)], values, np.float32(0))


def _hit(score: float, matrix: Any, peak: int, signed: Any, side: int) -> Hit:
    row, column = divmod(peak, side)
    shift = np.array([column, row]) * (PERIOD / side)
    return Hit(score, matrix, shift, 1 if signed >= 0 else -1)


def whole_matrices() -> Any:
    """The whole frame, in its eight orientations."""
    return np.array(ORIENTATIONS)


@cache
def line_matrices() -> Any:
    """Scaled in any orientation; turned a little; stretched along one side."""
    scales = np.exp(np.arange(np.log(0.34), np.log(1.9), 0.012))
    turns = np.radians(np.arange(-15, 15.01, 0.7))
    stretches = np.exp(np.arange(np.log(0.8), np.log(1.26), 0.01))
    lines = [scale * orientation for orientation in ORIENTATIONS for scale in scales]
    lines += [_rotation(turn) @ mirror for mirror in _MIRRORS for turn in turns]
    lines += [
        np.diag(pair) @ orientation
        for orientation in ORIENTATIONS
        for one in stretches
        for pair in ((one, 1), (1, one))
    ]
    return np.array(lines)


@cache
def grid_matrices() -> Any:
    """Scaled and turned, upright."""
    scales = np.exp(np.arange(np.log(0.36), np.log(1.8), 0.018))
    turns = np.radians([*np.arange(-13.2, 0, 1.1), *np.arange(1.1, 13.3, 1.1)])
    return np.array([scale * _rotation(turn) for scale in scales for turn in turns])


def _rotation(angle: float) -> Any:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
