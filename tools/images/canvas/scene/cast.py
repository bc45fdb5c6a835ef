"""Where the figures of a scene stand: the hero, the company beside it, and what shares the air with it."""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..color import mix
from ..direction import ArtDirection
from ..figure_mark import figure_mark
from ..figures import HOVERING, Figure
from ..page import Box

__all__ = ["ABOARD", "LUMINOUS", "place_cast", "stands_up"]

# What gives light itself, and so needs no disc of light behind it.
LUMINOUS = frozenset("sun sun-with-face full-moon crescent-moon fireworks sparkler".split())
# What rides on water, or stands in it.
ABOARD = frozenset("sailboat ship passenger-ship canoe motor-boat speedboat ferry lighthouse".split())
# Heads without bodies: beside something else they would look severed, and on the ground lost.
_HEADS = frozenset(
    "baby boy girl child person old-man old-woman older-person people cat-face dog-face cow-face pig-face rabbit-face mouse-face "
    "tiger-face monkey-face horse-face front-facing-baby-chick fox wolf lion bear koala panda polar-bear frog hamster raccoon unicorn "
    "moose chicken robot alien".split()
)
# People down to their chest: they stand at the very front, cut by the picture's edge.
_BUSTS = frozenset(
    "artist astronaut construction-worker cook detective farmer factory-worker firefighter health-worker judge mechanic office-worker "
    "pilot police-officer prince princess scientist singer soldier student technologist".split()
)
_WAIST = 30.2 / 32
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
    lit: bool = True,
    rng: random.Random,
) -> str:
    """The first figure large in `focus`, the others smaller beside it: on the ground (`floor`, a y coordinate) or in the
    air, as each is wont. `afloat` is a place without ground; `lit` says that the place has a sun or moon of its own.
    Farther figures are drawn first."""
    hero = cast[0]
    company = [figure for figure in cast[1:5] if hero.name in _HEADS | _BUSTS or figure.name not in _HEADS]
    if lit:
        company = [figure for figure in company if figure.name not in LUMINOUS or figure.name == "fireworks"]
    size = min(focus.w, focus.h) * (0.70 if art.material != "glow" else 0.66)
    grounded = stands_up(hero) and not afloat
    box = Box(focus.cx - size / 2, floor - size * _SOLE, size, size) if grounded else _centered(focus, size)
    if grounded and box.y < focus.y:
        box = Box(box.x, focus.y, size, min(size, floor - focus.y))
    edge = window.bottom
    if grounded and hero.name in _BUSTS | _HEADS and window.bottom - focus.bottom < 0.16 * window.h:
        sunk = 1.0 if hero.name in _BUSTS else 1.10  # a head looks over the picture's edge
        size = min(size * 1.18, focus.h * 0.92)
        box = Box(focus.cx - size / 2, edge - size * _WAIST / sunk, size, size)
    if art.material == "layers":  # the wavy edge of the opening takes its share
        window = window.inset(window.w * 0.085, window.h * 0.085)
    front = [figure for figure in company if figure.name in _BUSTS and not afloat]
    below = [figure for figure in company if stands_up(figure) and not afloat and figure not in front]
    above = [figure for figure in company if figure not in below and figure not in front]
    if hero.name in _MANY:
        above = [*above, *[hero] * (4 - len(above))]
    out = [
        _spot(figure, place, art, unit, grounded=False)
        for figure, place in zip(above, _air(box, window, rng), strict=False)
    ]
    out += [
        _spot(figure, place, art, unit, grounded=True)
        for figure, place in zip(below, _ground(box, window, floor, unit, low=not grounded), strict=False)
    ]
    shaded = grounded and hero.name not in _BUSTS | _HEADS | ABOARD
    out.append(_spot(hero, box, art, unit, grounded=shaded))
    out += [
        _spot(figure, place, art, unit, grounded=False)
        for figure, place in zip(front, _foreground(box, window, edge), strict=False)
    ]
    return "".join(out)


def _foreground(box: Box, window: Box, edge: float) -> list[Box]:
    """Two places at the lower edge of the picture, left and right of the hero."""
    size = min(box.w * 0.62, (window.w - box.w) / 2)
    if size < box.w * 0.3:
        return []
    return [
        Box(
            min(max(box.cx + side * box.w * 0.86 - size / 2, window.x), window.right - size),
            edge - size * _WAIST,
            size,
            size,
        )
        for side in (-1, 1)
    ]


def _centered(focus: Box, size: float) -> Box:
    return Box(focus.cx - size / 2, focus.cy - size / 2, size, size)


def _ground(box: Box, window: Box, floor: float, unit: float, *, low: bool) -> list[Box]:
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


def burst(box: Box, art: ArtDirection) -> str:
    """A firework: rings of rays that thin out into sparks, in the colors of the palette."""
    p = art.palette
    r, out = box.w / 2, []
    for ring, (count, inner, outer, color) in enumerate(
        ((12, 0.10, 0.44, p.light), (16, 0.50, 0.72, p.pop), (24, 0.80, 0.97, p.pop2))
    ):
        width = r * (0.05, 0.042, 0.032)[ring]
        for i in range(count):
            a = 2 * math.pi * (i + 0.5 * (ring % 2)) / count
            ca, sa = math.cos(a), math.sin(a)
            out.append(
                f'<path d="M{box.cx + ca * r * inner:.1f} {box.cy + sa * r * inner:.1f}L{box.cx + ca * r * outer:.1f} {box.cy + sa * r * outer:.1f}" '
                f'stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round"/>'
            )
            if ring < 2:
                k = outer + 0.05
                out.append(
                    f'<circle cx="{box.cx + ca * r * k:.1f}" cy="{box.cy + sa * r * k:.1f}" r="{width * 0.9:.2f}" fill="{color}"/>'
                )
    return "".join(out)


def _spot(figure: Figure, box: Box, art: ArtDirection, unit: float, *, grounded: bool) -> str:
    p = art.palette
    if figure.name == "fireworks":
        return burst(box, art)
    on = {"draft": p.panel, "chalk": p.paper, "wash": p.paper}.get(art.material, "")
    shadow = ""
    if grounded and art.material not in {"draft", "chalk"}:
        y = box.y + box.h * _SOLE
        shadow = "".join(
            f'<ellipse cx="{box.cx:.1f}" cy="{y:.1f}" rx="{box.w * rx:.1f}" ry="{box.w * ry:.1f}" fill="{mix(p.ramp[-1], "#000000", 0.4)}" opacity="{o}"/>'
            for rx, ry, o in ((0.44, 0.045, 0.14), (0.34, 0.028, 0.22))
        )
    return shadow + figure_mark(figure, box, art, on, unit)
