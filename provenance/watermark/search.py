"""Finds how a marked image was turned, mirrored, scaled, stretched and shifted, by its pilots.

A hypothesis is a 2x2 matrix that takes canonical pixels of the seen image (from its center) to those of the original.
The pilots' values under it, brought into phase, are summed for all shifts at once by an inverse transform; the highest
sum in units of its own deviation is the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft

from .engine import Effort
from .orientation import ORIENTATIONS
from .pattern import PERIOD, RINGS, Channel, Pattern
from .spectrum import Maps, Spectrum, spectrum_of

__all__ = ["Hit", "Part", "Scene", "climbs"]

_COARSE: Final = 96  # shifts are tried 2 canonical pixels apart: the pattern's shortest wave measures 5
_FINE: Final = 192
_BATCH: Final = 48
_CLIMBS: Final = 4  # a stage
_WORTH_CLIMBING: Final = 4.3
_LOOK: Final = 0.002
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
    """One image before one pattern: hypotheses are tested whose waves lie below `reach` (cycles a pixel of luma)."""

    def __init__(self, pattern: Pattern, maps: Maps, reach: float = 0.5) -> None:
        self.pattern = pattern
        self._maps = maps
        self.parts = tuple(
            Part(
                channel,
                values,
                spectrum_of(values, reach),
                np.array([maps.size[0] / values.shape[1], maps.size[1] / values.shape[0]]),
            )
            for channel, values in ((pattern.luma, maps.luma), (pattern.blue, maps.blue))
        )

    def within(self, tiles: Any) -> Scene:
        """The same scene, all blank but for the tiles (rows, columns) that are true."""
        return Scene(
            self.pattern, replace(self._maps, luma=_only(self._maps.luma, tiles), blue=_only(self._maps.blue, tiles))
        )

    def under(self, pattern: Pattern) -> Scene:
        """The same scene before another pattern: the spectra stay."""
        other = copy(self)
        other.pattern = pattern
        channels = (pattern.luma, pattern.blue)
        other.parts = tuple(replace(part, channel=each) for part, each in zip(self.parts, channels, strict=True))
        return other

    def only(self, index: int) -> Scene:
        """The same scene with one of its channels: 0 is luma, 1 blue."""
        other = copy(self)
        other.parts = self.parts[index : index + 1]
        return other

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
            values, strength = self._pilots(part, matrix)
            waves = part.channel.waves[: part.channel.pilots]
            plane[waves[:, 1], waves[:, 0]] += values * float(_balance(power, strength))
            power += min(strength, power) if power else strength
        sums = scipy.fft.irfft2(plane, s=(_FINE, _FINE), norm="forward").ravel()
        peak = int(np.abs(sums).argmax())
        return _hit(float(abs(sums[peak]) / np.sqrt(2 * power + 1e-30)), matrix, peak, sums[peak], _FINE)

    def at(self, matrix: Any) -> Hit:
        """One hypothesis, its shift to half a canonical pixel."""
        return self._nearby(self.score(matrix))

    def whole(self, orientation: Any) -> Hit:
        """The hypothesis that the whole frame is seen, in that orientation (2, 2), whose shift is known."""
        return self._moved(Hit(0.0, orientation, np.abs(orientation) @ np.array(self._maps.size) / 2, 1), _STILL)

    def refine(self, start: Hit, *, steps: Iterable[float] = (0.004, 0.002, 0.001)) -> Hit:
        """Climb from a hypothesis (`at`) to the top of its hill: over scale, rotation, stretch and shear, and shifts
        nearby.

        All these leave the center where it is, so that only shifts beside the first one need trying: four times as
        fast as all of them, and finer than a pixel. Most often the image lies exactly as it was marked, and the first
        look around, at the middle step, finds nothing higher.
        """
        best = self._climbed(start, _LOOK)
        if best is start:
            return start
        for step in steps:
            while (higher := self._climbed(best, step)) is not best:
                best = higher
        return best

    def _climbed(self, hit: Hit, step: float) -> Hit:
        """One round of changes of that size, each kept that leads higher; `hit` itself where none does."""
        for change in _CHANGES:
            tried = self._nearby(replace(hit, matrix=(np.eye(2) + step * change) @ hit.matrix))
            if tried.score > hit.score + 0.02:
                hit = tried
        return hit

    def _nearby(self, hit: Hit) -> Hit:
        """The hypothesis with the best of the shifts around its own, its sign kept."""
        return self._moved(hit, slice(None))

    def _moved(self, hit: Hit, choice: slice) -> Hit:
        """The hypothesis with the best of a choice among the shifts nearby."""
        sums = np.zeros(len(_NEARBY), np.float32)
        power = 0.0
        for part in self.parts:
            values, strength = self._pilots(part, hit.matrix)
            waves = part.channel.waves[: part.channel.pilots]
            values = values * _circle(waves @ hit.shift) * np.float32(_balance(power, strength))
            sums += 2 * (values @ _turns(part.channel)).real
            power += min(strength, power) if power else strength
        peak = range(len(sums))[choice][int((sums[choice] * hit.sign).argmax())]
        score = float(sums[peak] * hit.sign / np.sqrt(2 * power + 1e-30))
        return replace(hit, score=score, shift=(hit.shift + _NEARBY[peak]) % PERIOD)

    def _pilots(self, part: Part, matrix: Any) -> tuple[Any, float]:
        """The pilots of a channel, in the phase that no shift would give them, and their power."""
        waves = part.channel.waves[: part.channel.pilots]
        values, _ = part.spectrum.at((waves / PERIOD @ matrix * part.pitch).astype(np.float32))
        values = np.conjugate(values) * part.channel.replica
        return values, float((values.real**2 + values.imag**2).sum())

    def soft_bits(self, hit: Hit, count: int) -> Any:
        """A value a coded bit, positive for 0: every wave weighted by what its ring's pilots say of gain and noise.

        A channel's noise is measured once more in quadrature, where no wave of ours is: that of what compression has
        left of blue is several times what its spectrum says.
        """
        soft = np.zeros(count, np.float32)
        for part in self.parts:
            channel = part.channel
            values, precision = self._turned(part, hit)
            values *= np.conjugate(channel.phases) * channel.amplitudes
            weight = channel.amplitudes**2 * precision
            noise = float((values.imag**2).sum() / (weight.sum() / 2 + 1e-30))
            gain = _ring_gain(channel, values.real, weight) / (noise + 1e-12)
            soft += np.bincount(
                channel.bits, (values.real * gain[channel.rings])[channel.pilots :], minlength=count
            ).astype(np.float32)
        return soft

    def clarity(self, hit: Hit, coded: Any) -> list[Any]:
        """How far each ring of each channel stands out of the noise, by all its waves, whose bits are known."""
        found = []
        for part in self.parts:
            channel = part.channel
            values, precision = self._turned(part, hit)
            seen = (values * np.conjugate(channel.signed(coded))).real / np.sqrt(precision)
            count = np.bincount(channel.rings, minlength=RINGS)
            mean = np.bincount(channel.rings, seen, RINGS) / count
            square = np.bincount(channel.rings, seen * seen, RINGS) / count
            found.append(np.maximum(mean, 0) / np.sqrt(square - mean**2 + 1e-12))
        return found

    def _turned(self, part: Part, hit: Hit) -> tuple[Any, Any]:
        """Value and precision of every wave, its phase as it would be without a shift."""
        waves = part.channel.waves
        values, precision = part.spectrum.at((waves / PERIOD @ hit.matrix * part.pitch).astype(np.float32))
        return values * np.conjugate(_circle(waves @ hit.shift)) * hit.sign, precision


def _ring_gain(channel: Channel, seen: Any, weight: Any) -> Any:
    """The gain in each ring that fits its pilots best, smoothed over the neighbors, never negative."""
    rings, pilots = channel.rings[: channel.pilots], channel.pilots
    above, below = (
        np.convolve(np.pad(np.bincount(rings, each[:pilots], RINGS), 2, "edge"), _NEIGHBORS, "valid")
        for each in (seen, weight)
    )
    return np.maximum(above, 0) / (below + 1e-30)


_NEIGHBORS: Final = (0.5, 1, 1, 1, 0.5)
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


_STILL: Final = slice(12, 13)  # of those nearby
_NEARBY: Final = np.array([(x, y) for y in (-1, -0.5, 0, 0.5, 1) for x in (-1, -0.5, 0, 0.5, 1)])


@lru_cache(maxsize=16)
def _turns(channel: Channel) -> Any:
    """By how much each of the shifts nearby turns each pilot: (pilots, shifts)."""
    return _circle(channel.waves[: channel.pilots] @ _NEARBY.T)


def _circle(turns: Any) -> Any:
    return np.exp(2j * np.pi / PERIOD * turns).astype(np.complex64)


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


def climbs(scene: Scene, effort: Effort) -> Iterator[tuple[str, Hit]]:
    """Hypotheses worth decoding, and the stage they are of: the likelier first, each at the top of its hill.

    That the whole frame is seen is tried as it is, too: where noise is strong, the hills are its own.
    """
    if effort == "unmoved":
        yield "whole", scene.whole(np.eye(2))
        return
    stages = [("whole", whole_matrices)]
    if effort == "full":
        stages += [("line", line_matrices), ("grid", grid_matrices)]
    for stage, matrices in stages:
        for rough in scene.best(matrices(), _CLIMBS):
            if rough.score < _WORTH_CLIMBING:
                break
            if stage == "whole" and rough.sign > 0:
                yield stage, scene.whole(rough.matrix)
            yield stage, scene.refine(scene.at(rough.matrix))


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
