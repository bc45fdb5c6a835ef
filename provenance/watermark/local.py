"""Where in an image a mark is, and where it is not.

Once a payload is known, the whole pattern is known, and each tile can be asked whether it carries it. Tiles that should
and do not were painted over, or come from elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .pattern import render
from .search import Hit, Scene
from .sliding import mean_filter
from .spectrum import subdue

__all__ = ["Box", "boxes", "lacking", "tile_agreement"]

_TILES: Final = 8
_SURE: Final = 4.5  # deviations that the mark must reach in a good tile, so that its absence elsewhere says something
_MISSING: Final = 0.33  # of what a good tile reaches
_SILENT: Final = 2.0  # deviations: a tile that reaches more bears some of the mark
_ALIKE: Final = 2.5  # the deviation of chance, as measured: smoothing makes neighbors alike
_LEAST: Final = 3  # tiles

Box = tuple[float, float, float, float]


def lacking(agreement: Any) -> Any:
    """Which tiles lack a mark that most have; none where the mark is too faint to tell."""
    typical = float(np.quantile(agreement, 0.75))  # a splice may be half of the picture
    missing = agreement < min(_MISSING * typical, _SILENT)
    return missing if typical >= _SURE and missing.sum() >= _LEAST else np.zeros_like(missing)


def boxes(tiles: Any) -> tuple[Box, ...]:
    """The rectangles around groups of adjoining tiles, the smallest groups left out."""
    from scipy.ndimage import label  # a fifth of a second to import, and few pictures were painted over

    groups, count = label(tiles)
    found = []
    for group in range(1, count + 1):
        rows, columns = np.nonzero(groups == group)
        if len(rows) >= _LEAST:
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            left, top, right, bottom = (float(edge) / _TILES for edge in edges)
            found.append((left, top, right, bottom))
    return tuple(found)


def tile_agreement(scene: Scene, hit: Hit, coefficients: tuple[Any, Any]) -> Any:
    """Deviations from chance by which each of 8 x 8 tiles agrees with the pattern; None where the frame is turned."""
    matrix = np.asarray(hit.matrix)
    is_swapped = abs(matrix[0, 0]) < abs(matrix[0, 1])
    skew = (matrix[0, 0], matrix[1, 1]) if is_swapped else (matrix[0, 1], matrix[1, 0])
    if np.abs(skew).max() > 0.004:
        return None
    total = np.zeros((_TILES, _TILES))
    for part, all_waves in zip(scene.parts, coefficients, strict=True):
        # All our marks have the pilots in common: only the other waves tell one from another.
        waves = np.where(np.arange(len(all_waves)) < part.channel.pilots, np.complex64(0), all_waves)
        height, width = part.values.shape
        across = (np.arange(width) + 0.5 - width / 2) * part.pitch[0]
        down = (np.arange(height) + 0.5 - height / 2) * part.pitch[1]
        if is_swapped:
            x, y = matrix[0, 1] * down + hit.shift[0], matrix[1, 0] * across + hit.shift[1]
            expected = render(part.channel, waves, x, y).T
        else:
            x, y = matrix[0, 0] * across + hit.shift[0], matrix[1, 1] * down + hit.shift[1]
            expected = render(part.channel, waves, x, y)
        total += _tile_scores(_smoothed(part.values), _smoothed(subdue(expected) * hit.sign))
    return total / (_ALIKE * np.sqrt(len(scene.parts)))


def _smoothed(values: Any) -> Any:
    """A map without the highest frequencies, where there is no mark, and most of what compression adds."""
    return mean_filter(mean_filter(values, 1), 1)


def _tile_scores(values: Any, expected: Any) -> Any:
    """The correlation in each tile, in units of what chance gives: the values taken as white noise."""
    height, width = values.shape
    rows, columns = height // _TILES, width // _TILES

    def sums(product: Any) -> Any:
        return product[: rows * _TILES, : columns * _TILES].reshape(_TILES, rows, _TILES, columns).sum((1, 3))

    power = sums(values * values)
    # A tile that is painted over with one color has no power of its own: it lacks the mark as well.
    floor = 0.05 * np.median(power) + 1e-9
    return sums(values * expected) / np.sqrt(
        np.maximum(power, floor) / (rows * columns) * sums(expected * expected) + 1e-12
    )
