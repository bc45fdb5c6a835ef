"""Puts a subject into its place: background, light, subject, foreground, in the direction's own material."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from ..brush import Mark, icon_mark
from ..color import mix
from ..direction import ArtDirection
from ..figures import Figure
from ..page import Box
from . import shapes as s
from .cast import ABOARD, LUMINOUS, place_cast, stands_up
from .environments import ENVIRONMENTS
from .ground import Ground, Shape
from .materials import MATERIALS, Sheet
from .paint import Picture
from .plate import plate
from .tiles import tiles

__all__ = ["Picture", "picture"]


# What stands on something, and so is set down in the scene; everything else hovers in the light.
_STANDING = frozenset(
    "ambulance amphora anvil armchair baby barrel beaker bed bed-double bike bird birdhouse book book-open bot bottle-wine box boxes "
    "building building-complex bus bus-front cake cake-slice cable-car camera can car car-front caravan castle cat chef-hat chess-king "
    "chess-knight chess-queen chess-rook church coffee computer container cooking-pot croissant cup-soda cupcake dog donut door-open egg "
    "factory fence ferris-wheel fire-extinguisher flask-conical flask-round flower-2 forklift fuel gift glass-water groceries guitar "
    "hamburger hammer hospital hotel hourglass house houses ice-cream-cone iv-bag lamp lamp-desk landmark laptop library lighthouse "
    "luggage mailbox martini microscope microwave milk mosque motorbike mountain mountain-snow palette panda person-standing piano "
    "piggy-bank pill-bottle pizza plant-pot presentation printer pyramid rabbit refrigerator robot-arm rocking-chair sailboat salad scale "
    "school scooter server ship ship-cargo shopping-basket shopping-cart shrub signpost snail sofa solar-panel soup speaker sport-shoe "
    "sprout squirrel store telescope tent tent-tree test-tube test-tubes toolbox tractor traffic-cone train-front tram-front tree-deciduous "
    "tree-palm tree-pine trees trophy truck turtle tv university user-round users utensils van wallet warehouse washing-machine wheat wine".split()
)
_SEATS = {
    "lab": 0.30,
    "study": 0.30,
    "kitchen": 0.30,
    "sea": 0.20,
    "harbor": 0.34,
    "city": 0.74,
    "factory": 0.58,
    "stage": 0.52,
    "space": 0.52,
}
_DARK = frozenset({"storm"})  # places whose light is not seen
_FLAT = frozenset({"grain", "layers", "bright"})
_HOVER = frozenset({"sky", "underwater"})
# How far down boats ride, and lighthouses stand: before the far waves, behind the nearest.
_AFLOAT = {"sea": 0.90, "storm": 0.86, "lake": 0.94, "harbor": 0.92}


def _stands(mark: Mark) -> bool:
    return stands_up(mark) if isinstance(mark, Figure) else mark.name in _STANDING


def _at_night(art: ArtDirection) -> ArtDirection:
    """The same palette after dark: a deep sky, dim land, and the light for a moon."""
    p = art.palette
    deep, near = mix(p.ramp[-1], "#0a1030", 0.62), mix(p.ramp[-1], "#04060f", 0.72)
    ramp_ = (
        mix(deep, p.ramp[3], 0.22),
        mix(deep, p.ramp[3], 0.42),
        mix(deep, p.ramp[3], 0.3),
        mix(deep, near, 0.5),
        near,
    )
    return replace(art, palette=replace(p, ramp=ramp_, light=mix(p.light, "#fdf6dc", 0.5)))


def _stars(sheet: Sheet) -> Shape:
    g, rng = sheet.ground, sheet.rng
    spots = "".join(
        s.circle(
            g.x + g.w * rng.random(),
            g.y + (g.horizon - g.y) * rng.random(),  # none where a title is to stand
            g.reach * rng.choice((0.0012, 0.0018, 0.003)),
        )
        for _ in range(90)
    )
    return Shape(spots, "snow", 0.0)


def picture(
    window: Box,
    focus: Box,
    place: str,
    subject: Sequence[Mark],
    art: ArtDirection,
    rng: random.Random,
    unit: float,
    prefix: str = "p",
    night: bool = False,
    air: bool = False,
) -> Picture:
    """The scene in `window`, clipped to it, with its subject (main icon first) in `focus`. Same arguments, same
    picture. `place` names an environment; the Swiss direction builds a grid of forms instead, the botanical one a plate."""
    if art.material == "tiles":
        return tiles(window, subject, art, rng, unit, prefix)
    short = min(focus.w, focus.h)
    horizon = min(window.bottom - window.h * 0.18, focus.bottom - focus.h * 0.16)
    # With `air`, what is above the subject is kept clear for a title.
    top = max(window.y, focus.y - 0.06 * focus.h) if air else window.y
    ground = Ground(window.x, top, window.w, window.bottom - top, horizon)
    stands = bool(subject) and _stands(subject[0]) and place not in _HOVER and art.material != "wash"
    night = night and art.material in {"grain", "layers", "bright"}
    art = _at_night(art) if night else art
    below = place == "underwater" and art.material == "bright"  # whose sun has rays
    lit = not below and place not in _DARK and not (subject and subject[0].name in LUMINOUS and art.material in _FLAT)
    radius = short * (0.40 if stands else 0.46) if lit else 0.01
    disc = (focus.cx, focus.cy - (short * 0.06 if stands else 0), radius)
    sheet = Sheet(ground, art, rng, unit, prefix, disc)
    if art.material == "wash":
        return plate(sheet, window, focus, subject)
    stars = [_stars(sheet)] if night and place not in {"space", "storm", "underwater"} else []
    paint = MATERIALS[art.material](sheet, [*stars, *ENVIRONMENTS[place](rng, ground)])
    floor = min(horizon + ground.below * _SEATS.get(place, 0.40), focus.bottom - focus.h * 0.03)
    if place in _AFLOAT and subject and subject[0].name in ABOARD:
        floor = horizon + ground.below * _AFLOAT[place]
    if subject and isinstance(subject[0], Figure):
        ashore = place not in _AFLOAT
        cast = tuple(
            mark
            for i, mark in enumerate(subject)
            if isinstance(mark, Figure) and (i == 0 or not ashore or mark.name not in ABOARD)
        )
        hero = place_cast(
            cast, focus, window, art, unit, floor, afloat=place in _HOVER or prefix == "lens", lit=lit, rng=rng
        )
    else:
        hero = _hero(subject, focus, window, art, unit, floor if stands else None)
    clip = f'<clipPath id="{prefix}clip"><rect x="{window.x:.1f}" y="{window.y:.1f}" width="{window.w:.1f}" height="{window.h:.1f}"/></clipPath>'
    body = f'<g clip-path="url(#{prefix}clip)">{paint.back}{hero}{paint.front}{_extras(sheet, focus)}</g>'
    return Picture(paint.defs + clip, body)


def _hero(subject: Sequence[Mark], focus: Box, window: Box, art: ArtDirection, unit: float, seat: float | None) -> str:
    """The main icon large, standing on `seat` (a y coordinate) with its shadow, or hovering; two companions beside it."""
    if not subject:
        return ""
    p = art.palette
    size = min(focus.w, focus.h)
    lines, fill, ground = {
        "grain": (p.ramp[-1], p.pop, p.light),
        "glow": (mix(p.light, "#ffffff", 0.3), p.light, p.ramp[-1]),
        "draft": (p.ink, p.accent, p.panel),
        "layers": (p.ramp[-1], p.pop, p.light),
        "chalk": (p.ink, p.light, p.paper),
        "bright": (p.ink, p.pop, "#ffffff"),
    }.get(art.material, (p.ink, p.pop, p.paper))
    if art.material == "layers":
        lines = mix(p.light, "#ffffff", 0.4)
    if art.material == "glow":
        lines, fill = p.ramp[-1], p.ramp[3]
    treatment = "duotone" if art.material in {"glow", "draft"} else ""
    out = []
    spots = [(0.0, 0.0, 0.60 if art.material != "layers" else 0.56)]
    room = focus.w / size
    # Companions keep clear of the light's disc and of the picture's edge, or stay away.
    edge = min(focus.cx - window.x, window.right - focus.cx) / size - 0.26 * (0.5 * 1.56) - 0.02
    edge -= 0.16 if art.material == "layers" else 0.0
    out_by = min(0.66 * min(room / 1.4, 1.15), edge)
    if room > 1.15 and out_by > 0.56:
        spots += [(-out_by, 0.20, 0.26), (out_by, 0.20, 0.26)]
    # Lines of a large subject are drawn finer: a pictogram's weight belongs to small sizes.
    fine = 1.0 if size < 300 * unit else max(0.62, 1 - (size / unit - 300) / 1100)
    for icon, (dx, dy, k) in zip(subject, spots, strict=False):
        cell = Box(focus.cx + dx * size - size * k / 2, focus.cy + dy * size - size * k / 2, size * k, size * k)
        if k < 0.5:
            out.append(_backing(cell, art, unit))
        elif seat is not None:
            # Icons keep about two of their 24 units free below.
            cell = Box(cell.x, seat - cell.h * 0.915, cell.w, cell.h)
            if art.material not in {"draft", "chalk"}:
                out.append(
                    f'<ellipse cx="{cell.cx:.1f}" cy="{seat:.1f}" rx="{cell.w * 0.40:.1f}" ry="{cell.w * 0.035:.1f}" fill="{mix(p.ramp[-1], "#000000", 0.4)}" opacity=".30"/>'
                )
        weight = {"draft": 0.85, "glow": 1.25}.get(art.material, art.icon_weight) * (fine if k > 0.5 else 1.0)
        if art.material == "glow" and k > 0.5:
            # A rim of light, so that the silhouette stands off whatever is dark behind it.
            rim = icon_mark(icon, cell, art, p.light, p.light, p.light, "line", weight + 0.9)
            out.append(f'<g opacity=".62">{rim}</g>')
        tint = fill if k > 0.5 else p.pop2 if art.material in {"bright", "layers"} else fill
        out.append(icon_mark(icon, cell, art, lines, tint, ground, treatment, weight))
    return "".join(out)


def _backing(cell: Box, art: ArtDirection, unit: float) -> str:
    p = art.palette
    r = cell.w * 0.78
    if art.material == "draft":
        return f'<circle cx="{cell.cx:.1f}" cy="{cell.cy:.1f}" r="{r:.1f}" fill="{p.panel}" stroke="{p.accent2}" stroke-width="{unit:.2f}"/>'
    if art.material == "chalk":
        return f'<circle cx="{cell.cx:.1f}" cy="{cell.cy:.1f}" r="{r:.1f}" fill="{p.paper}" fill-opacity=".92" stroke="{p.accent2}" stroke-width="{2.2 * unit:.2f}"/>'
    fill = {"glow": mix(p.light, p.ramp[0], 0.35), "bright": "#ffffff"}.get(art.material, mix(p.light, p.paper, 0.3))
    return f'<circle cx="{cell.cx:.1f}" cy="{cell.cy:.1f}" r="{r:.1f}" fill="{fill}" opacity=".96"/>'


def _extras(sheet: Sheet, focus: Box) -> str:
    """What only one material has: dimension lines, confetti, a smile."""
    p, u, rng = sheet.art.palette, sheet.unit, sheet.rng
    if sheet.art.material == "draft":
        cx, cy, r = sheet.disc
        y, x = min(focus.bottom, cy + r * 1.28), cx + r * 1.28
        tick = 7 * u
        ends = f"M{cx - r:.1f} {y - tick:.1f}v{2 * tick:.1f}M{cx + r:.1f} {y - tick:.1f}v{2 * tick:.1f}M{cx - r:.1f} {y:.1f}h{2 * r:.1f}"
        ends += f"M{x - tick:.1f} {cy - r:.1f}h{2 * tick:.1f}M{x - tick:.1f} {cy + r:.1f}h{2 * tick:.1f}M{x:.1f} {cy - r:.1f}v{2 * r:.1f}"
        for sx in (-1, 1):
            ends += f"M{cx + sx * r:.1f} {y:.1f}l{-sx * 10 * u:.1f} {-4 * u:.1f}M{cx + sx * r:.1f} {y:.1f}l{-sx * 10 * u:.1f} {4 * u:.1f}"
            ends += f"M{x:.1f} {cy + sx * r:.1f}l{-4 * u:.1f} {-sx * 10 * u:.1f}M{x:.1f} {cy + sx * r:.1f}l{4 * u:.1f} {-sx * 10 * u:.1f}"
        return f'<path d="{ends}" fill="none" stroke="{p.accent}" stroke-width="{1.1 * u:.2f}"/>'
    if sheet.art.material == "bright":
        g = sheet.ground
        out = []
        for _ in range(26):
            x, y = g.x + g.w * rng.random(), g.y + (g.horizon - g.y) * rng.uniform(0.45, 1.0)
            if abs(x - focus.cx) < focus.w * 0.46 and abs(y - focus.cy) < focus.h * 0.5:
                continue
            color = rng.choice((p.pop, p.pop2, p.accent, p.accent2, "#ffffff"))
            r = rng.uniform(4, 8) * u
            kind = rng.randrange(3)
            if kind == 0:
                out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{color}"/>')
            elif kind == 1:
                out.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{r * 2.6:.1f}" height="{r:.1f}" rx="{r / 2:.1f}" fill="{color}" transform="rotate({rng.randrange(180)} {x:.1f} {y:.1f})"/>'
                )
            else:
                out.append(f'<path d="{s.flower_head(x, y, r * 1.5, 4, rng.randrange(90))[0]}" fill="{color}"/>')
        return "".join(out)
    return ""
