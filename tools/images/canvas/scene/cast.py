"""Where the figures of a scene stand: the hero, the company beside it, and what shares the air with it."""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import random
from collections.abc import Sequence

from ..color import mix
from ..direction import ArtDirection
from ..figure_mark import figure_mark
from ..figures import HOVERING, Figure
from ..page import Box

__all__ = ["place_cast", "stands_up"]

# What is never met alone: it comes as a swarm.
_MANY = frozenset(
    "fireworks glowing-star star snowflake balloon butterfly honeybee bubbles sparkles musical-notes musical-note cherry-blossom "
    "tropical-fish fish leaf-fluttering-in-wind maple-leaf fallen-leaf microbe cloud dove bird droplet sparkler kite feather".split()
)
# Figures keep one to three of their 32 units free below.
_SOLE = 0.945


def stands_up(figure: Figure) -> bool:
    """Whether it is set down on the ground; what flies, floats or shines is not."""
    return figure.name not in HOVERING


def place_cast(
    cast: Sequence[Figure],
    focus: Box,
    window: Box,
    art: ArtDirection,
    unit: float,
    floor: float,
    *,
    afloat: bool,
    rng: random.Random,
) -> str:
    """The first figure large in `focus`, the others smaller beside it: on the ground (`floor`, a y coordinate) or in the
    air, as each is wont. `afloat` is a place without ground. Farther figures are drawn first."""
    hero, company = cast[0], list(cast[1:5])
    size = min(focus.w, focus.h) * (0.70 if art.material != "glow" else 0.66)
    grounded = stands_up(hero) and not afloat
    box = Box(focus.cx - size / 2, floor - size * _SOLE, size, size) if grounded else _centered(focus, size)
    if grounded and box.y < focus.y:
        box = Box(box.x, focus.y, size, min(size, floor - focus.y))
    if art.material == "layers":  # the wavy edge of the opening takes its share
        window = window.inset(window.w * 0.085, window.h * 0.085)
    below = [figure for figure in company if stands_up(figure) and not afloat]
    above = [figure for figure in company if figure not in below]
    if hero.name in _MANY:
        above = [*above, *[hero] * (4 - len(above))]
    out = [
        _spot(figure, place, art, unit, grounded=False)
        for figure, place in zip(above, _air(box, window, rng), strict=False)
    ]
    out += [
        _spot(figure, place, art, unit, grounded=True)
        for figure, place in zip(below, _ground(box, focus, window, floor, unit, low=not grounded), strict=False)
    ]
    out.append(_spot(hero, box, art, unit, grounded=grounded))
    return "".join(out)


def _centered(focus: Box, size: float) -> Box:
    return Box(focus.cx - size / 2, focus.cy - size / 2, size, size)


def _ground(box: Box, focus: Box, window: Box, floor: float, unit: float, *, low: bool) -> list[Box]:
    """Places on the ground left and right of the hero, overlapping it a little, inside the window."""
    places = []
    # In a wide picture the company is larger and stands farther out.
    more = min(1.0, max(0.0, window.w / window.h - 1.3))
    for side, share, reach, drop in (
        (-1, 0.46 + 0.22 * more, 0.60 + 0.30 * more, 0.035),
        (1, 0.42 + 0.22 * more, 0.62 + 0.30 * more, 0.05),
        (-1, 0.30 + 0.20 * more, 0.94 + 0.56 * more, 0.0),
        (1, 0.28 + 0.20 * more, 0.96 + 0.56 * more, 0.01),
    ):
        size = box.w * share
        x = box.cx + side * box.w * reach - size / 2
        x = min(max(x, window.x + 8 * unit), window.right - size - 8 * unit)
        overlap = min(x + size, box.right) - max(x, box.x)
        if overlap > size * 0.55 and not low:
            continue
        y = min(floor + box.h * drop, window.bottom - 6 * unit) - size * _SOLE
        places.append(Box(x, y, size, size))
    return places


def _air(box: Box, window: Box, rng: random.Random) -> list[Box]:
    """Places around the upper part of the hero, clear of it and of the window's edge."""
    places: list[Box] = []
    for dx, dy, share in (
        (0.66, -0.34, 0.30),
        (-0.68, -0.20, 0.26),
        (-0.46, -0.58, 0.20),
        (0.98, 0.02, 0.20),
        (-1.02, 0.16, 0.22),
    ):
        size = box.w * share * rng.uniform(0.92, 1.08)
        x, y = box.cx + dx * box.w - size / 2, box.cy + dy * box.h - size / 2
        x = min(max(x, window.x + size * 0.12), window.right - size * 1.12)
        y = max(y, window.y + size * 0.12)
        spot = Box(x, y, size, size)
        inner = box.inset(box.w * 0.10)
        if not spot.overlaps(inner) and not any(spot.overlaps(other) for other in places):
            places.append(spot)
    return places


def _spot(figure: Figure, box: Box, art: ArtDirection, unit: float, *, grounded: bool) -> str:
    p = art.palette
    on = {"draft": p.panel, "chalk": p.paper, "wash": p.paper}.get(art.material, "")
    shadow = ""
    if grounded and art.material not in {"draft", "chalk"}:
        y = box.y + box.h * _SOLE
        shadow = "".join(
            f'<ellipse cx="{box.cx:.1f}" cy="{y:.1f}" rx="{box.w * rx:.1f}" ry="{box.w * ry:.1f}" fill="{mix(p.ramp[-1], "#000000", 0.4)}" opacity="{o}"/>'
            for rx, ry, o in ((0.44, 0.045, 0.14), (0.34, 0.028, 0.22))
        )
    return shadow + figure_mark(figure, box, art, on, unit)
