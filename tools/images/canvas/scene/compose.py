"""Puts a subject into its place: background, light, subject, foreground, in the direction's own material."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..brush import Mark, icon_mark
from ..color import is_dark, mix
from ..direction import ArtDirection
from ..figures import Figure
from ..page import Box
from . import shapes as s
from .cast import place_cast, stands_up
from .environments import ENVIRONMENTS, Ground, Shape
from .materials import MATERIALS, Sheet

__all__ = ["Picture", "picture"]


@dataclass(frozen=True)
class Picture:
    """An SVG fragment in page coordinates, with the definitions that it needs."""

    defs: str
    body: str


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
_HOVER = frozenset({"sky", "underwater"})


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


def _stars(sheet: Sheet, window: Box) -> Shape:
    g, rng = sheet.ground, sheet.rng
    spots = "".join(
        s.circle(
            window.x + window.w * rng.random(),
            window.y + (g.horizon - window.y) * rng.random(),
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
        return _tiles(window, subject, art, rng, unit, prefix)
    short = min(focus.w, focus.h)
    horizon = min(window.bottom - window.h * 0.18, focus.bottom - focus.h * 0.16)
    # With `air`, what is above the subject is kept clear for a title.
    top = max(window.y, focus.y - 0.06 * focus.h) if air else window.y
    ground = Ground(window.x, top, window.w, window.bottom - top, horizon)
    stands = bool(subject) and _stands(subject[0]) and place not in _HOVER and art.material != "wash"
    night = night and art.material in {"grain", "layers", "bright"}
    art = _at_night(art) if night else art
    disc = (focus.cx, focus.cy - (short * 0.06 if stands else 0), short * (0.40 if stands else 0.46))
    sheet = Sheet(ground, art, rng, unit, prefix, disc)
    if art.material == "wash":
        return _plate(sheet, window, focus, place, subject)
    stars = [_stars(sheet, window)] if night and place not in {"space", "underwater"} else []
    paint = MATERIALS[art.material](sheet, [*stars, *ENVIRONMENTS[place](rng, ground)])
    floor = min(horizon + ground.below * _SEATS.get(place, 0.40), focus.bottom - focus.h * 0.03)
    if subject and isinstance(subject[0], Figure):
        cast = tuple(mark for mark in subject if isinstance(mark, Figure))
        hero = place_cast(cast, focus, window, art, unit, floor, afloat=place in _HOVER or prefix == "lens", rng=rng)
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


def _tiles(
    window: Box, subject: Sequence[Mark], art: ArtDirection, rng: random.Random, unit: float, prefix: str
) -> Picture:
    """A modular grid of quarter discs, stripes and dots; pictograms take whole modules."""
    p = art.palette
    short = min(window.w, window.h)
    if prefix == "lens":
        return _roundel(window, subject, art)
    cells = 4 if short > 300 * unit else 3 if short > 200 * unit else 2
    rows = max(1, round(window.h / (short / cells)))
    columns = max(1, round(window.w / (short / cells)))
    w, h = window.w / columns, window.h / rows
    colors = [p.pop, p.ink, p.pop2, mix(p.paper, p.ink, 0.12), p.paper]
    if art.palette.dark or not is_dark(p.ink):
        colors = [p.pop, p.pop2, mix(p.paper, "#000000", 0.22), p.paper, mix(p.paper, "#ffffff", 0.18)]
    big = min(rows, columns, 3 if min(rows, columns) >= 4 else 2)
    hr, hc = rng.randint(0, rows - big), rng.randint(0, columns - big)
    taken = {(hr + i, hc + j) for i in range(big) for j in range(big)}
    free = [(r, c) for r in range(rows) for c in range(columns) if (r, c) not in taken]
    small = (
        dict(zip(rng.sample(free, min(len(free), 2 if len(free) > 5 else 1)), subject[1:3], strict=False))
        if free
        else {}
    )
    out = []
    previous = ""
    for r, c in free:
        cell = Box(window.x + c * w, window.y + r * h, w, h)
        back = rng.choice([color for color in colors if color != previous])
        previous = back
        fore = rng.choice([color for color in colors if color != back])
        if (r, c) in small:
            back, fore = (p.pop2, p.ink) if is_dark(p.ink) else (p.pop2, p.pop)
            out.append(
                _cell(cell, back)
                + icon_mark(small[(r, c)], cell.inset(w * 0.2, h * 0.2), art, fore, back, back, "line", 2.0)
            )
        else:
            out.append(_cell(cell, back) + _tile(rng, cell, fore))
    cell = Box(window.x + hc * w, window.y + hr * h, big * w, big * h)
    back, fore = (p.pop, p.paper) if is_dark(p.ink) else (p.ink, p.paper)
    out.append(_cell(cell, back))
    if subject:
        side = min(cell.w, cell.h) * (0.84 if isinstance(subject[0], Figure) else 0.66)
        out.append(
            icon_mark(
                subject[0],
                cell.inset((cell.w - side) / 2, (cell.h - side) / 2),
                art,
                fore,
                back,
                back,
                "line",
                2.0,
            )
        )
    clip = f'<clipPath id="{prefix}clip"><rect x="{window.x:.1f}" y="{window.y:.1f}" width="{window.w:.1f}" height="{window.h:.1f}"/></clipPath>'
    return Picture(clip, f'<g clip-path="url(#{prefix}clip)">{"".join(out)}</g>')


def _roundel(window: Box, subject: Sequence[Mark], art: ArtDirection) -> Picture:
    """One solid disc with its pictogram, a half of it shaded."""
    p = art.palette
    back, fore = (p.pop, p.paper) if is_dark(p.ink) else (p.ink, p.paper)
    out = _cell(window, back) + _cell(Box(window.x, window.cy, window.w, window.h / 2), mix(back, "#000000", 0.12))
    if subject:
        out += icon_mark(
            subject[0],
            window.inset(window.w * (0.17 if isinstance(subject[0], Figure) else 0.22)),
            art,
            fore,
            back,
            back,
            "line",
            1.5 if window.w > 300 else 2.0,
        )
    return Picture("", out)


def _cell(cell: Box, fill: str) -> str:
    return f'<rect x="{cell.x - 0.3:.2f}" y="{cell.y - 0.3:.2f}" width="{cell.w + 0.6:.2f}" height="{cell.h + 0.6:.2f}" fill="{fill}"/>'


def _tile(rng: random.Random, c: Box, fill: str) -> str:
    kind = rng.choice(("quarter", "quarter", "half", "disc", "stripes", "dots", "plain", "arc"))
    if kind == "quarter":
        corner = rng.randrange(4)
        x, y = (c.x if corner in {0, 3} else c.right), (c.y if corner in {0, 1} else c.bottom)
        sx, sy = (1 if x == c.x else -1), (1 if y == c.y else -1)
        sweep = 1 if sx * sy > 0 else 0
        return f'<path d="M{x:.1f} {y:.1f}H{x + sx * c.w:.1f}A{c.w:.1f} {c.h:.1f} 0 0 {sweep} {x:.1f} {y + sy * c.h:.1f}Z" fill="{fill}"/>'
    if kind == "half":
        if rng.random() < 0.5:
            return f'<path d="M{c.x:.1f} {c.bottom:.1f}A{c.w / 2:.1f} {c.h / 2:.1f} 0 0 1 {c.right:.1f} {c.bottom:.1f}Z" fill="{fill}"/>'
        return f'<path d="M{c.x:.1f} {c.y:.1f}A{c.w / 2:.1f} {c.h / 2:.1f} 0 0 1 {c.x:.1f} {c.bottom:.1f}Z" fill="{fill}"/>'
    if kind == "disc":
        return f'<ellipse cx="{c.cx:.1f}" cy="{c.cy:.1f}" rx="{c.w * 0.34:.1f}" ry="{c.h * 0.34:.1f}" fill="{fill}"/>'
    if kind == "stripes":
        n = 5
        return "".join(
            f'<rect x="{c.x:.1f}" y="{c.y + c.h * (2 * i + 0.5) / (2 * n):.1f}" width="{c.w:.1f}" height="{c.h / (2 * n):.1f}" fill="{fill}"/>'
            for i in range(n)
        )
    if kind == "dots":
        return "".join(
            f'<circle cx="{c.x + c.w * (i + 0.5) / 4:.1f}" cy="{c.y + c.h * (j + 0.5) / 4:.1f}" r="{min(c.w, c.h) * 0.055:.1f}" fill="{fill}"/>'
            for i in range(4)
            for j in range(4)
        )
    if kind == "arc":
        out = f'<path d="M{c.x:.1f} {c.bottom:.1f}V{c.y:.1f}A{c.w:.1f} {c.h:.1f} 0 0 1 {c.right:.1f} {c.bottom:.1f}Z" fill="{fill}"/>'
        return out
    return ""


def _plate(sheet: Sheet, window: Box, focus: Box, place: str, subject: Sequence[Mark]) -> Picture:
    """A botanical plate: the specimen on a wash of color, plants growing in from both sides."""
    p, u, rng, art = sheet.art.palette, sheet.unit, sheet.rng, sheet.art
    cx, cy, r = sheet.disc
    out = [
        f'<path d="{s.blob(rng, cx + rng.uniform(-6, 6) * u, cy, r * k * min(1.25, focus.w / focus.h), r * k, 0.09, 11)}" fill="{color}" opacity="{o}"/>'
        for k, color, o in (
            (1.06, p.light, 0.5),
            (0.98, mix(p.light, p.ramp[0], 0.5), 0.55),
            (0.86, p.light, 0.55),
            (1.0, p.ramp[1], 0.16),
        )
    ]
    for side in (-1, 1):
        root = window.cx + side * min(window.w * 0.40, window.h * 0.9)
        for j, lean in enumerate((0.05, -0.03, 0.11, -0.06)):
            height = window.h * (0.86, 0.64, 0.46, 0.34)[j] * rng.uniform(0.9, 1.08)
            out.append(
                _plant(
                    sheet,
                    root + side * j * 0.035 * min(window.w, window.h) * rng.uniform(-1, 1),
                    window.bottom + 6 * u,
                    height,
                    -side * lean * min(window.w, window.h),
                    kind=(j + (side > 0)) % 4,
                )
            )
    if subject:
        size = min(focus.w, focus.h) * (0.66 if isinstance(subject[0], Figure) else 0.58)
        out.append(
            icon_mark(
                subject[0], Box(cx - size / 2, cy - size / 2, size, size), art, p.ink, p.pop, p.paper, "wash", 0.75
            )
        )
    for icon, side in zip(subject[1:3], (-1, 1), strict=False):
        size = r * (0.52 if isinstance(icon, Figure) else 0.36)
        x = cx + side * r * min(1.5, focus.w / focus.h + 0.25)
        if focus.w / focus.h > 1.25:
            out.append(
                icon_mark(
                    icon,
                    Box(x - size / 2, cy + r * 0.4 - size / 2, size, size),
                    art,
                    p.ink,
                    p.pop2,
                    p.paper,
                    "wash",
                    0.85,
                )
            )
    clip = f'<clipPath id="{sheet.prefix}clip"><rect x="{window.x:.1f}" y="{window.y:.1f}" width="{window.w:.1f}" height="{window.h:.1f}"/></clipPath>'
    return Picture(clip, f'<g clip-path="url(#{sheet.prefix}clip)">{"".join(out)}</g>')


def _plant(sheet: Sheet, x: float, base: float, height: float, lean: float, kind: int) -> str:
    """One stem with leaves; kinds: broad leaves, fern, flower, berries."""
    p, u, rng = sheet.art.palette, sheet.unit, sheet.rng
    green = rng.choice((p.ramp[2], p.ramp[3], mix(p.ramp[2], p.ramp[3], 0.5)))

    def at(t: float) -> tuple[float, float]:
        return (x + lean * t * t, base - height * t)

    pen = f'fill="none" stroke="{p.ink}" stroke-width="{1.0 * u:.2f}" stroke-linecap="round" opacity=".62"'
    n = 14
    stem = s.smooth([at(i / n) for i in range(n + 1)])
    out = [
        f'<path d="{stem}" fill="none" stroke="{green}" stroke-width="{2.6 * u:.2f}" opacity=".75"/>',
        f'<path d="{stem}" {pen}/>',
    ]

    def wash(path: str, color: str, opacity: float = 0.58) -> str:
        return (
            f'<path d="{path}" fill="{color}" opacity="{opacity}"/><g transform="translate({1.6 * u:.2f} {1.2 * u:.2f})">'
            f'<path d="{path}" fill="{color}" opacity="{opacity * 0.4:.2f}"/></g><path d="{path}" {pen}/>'
        )

    pairs = {0: 6, 1: 15, 2: 4, 3: 8}[kind]
    for i in range(1, pairs + 1):
        t = i / (pairs + 1)
        px, py = at(t)
        for sign in (-1, 1):
            size = (
                height
                * {0: 0.25, 1: 0.15, 2: 0.27, 3: 0.13}[kind]
                * (1.12 - t * {1: 0.95}.get(kind, 0.6))
                * rng.uniform(0.86, 1.08)
            )
            tilt = -90 + sign * (rng.uniform(42, 60) if kind != 1 else 62)
            body, rib = s.leaf(px, py, size, tilt, {1: 0.2, 3: 0.3}.get(kind, 0.34))
            tint = mix(green, p.ramp[1], rng.uniform(0.0, 0.35))
            out.append(wash(body, tint) + f'<path d="{rib}" {pen}/>')
            if kind == 3 and i % 2 == 0:
                bx, by = px + sign * size * 0.9, py - size * 0.1
                out.append(wash(s.circle(bx, by, height * 0.018), p.pop, 0.75))
    top = at(1.0)
    if kind == 2:
        for k, (petals, color) in enumerate(((8, p.pop), (8, mix(p.pop, p.light, 0.4)))):
            petal, _heart = s.flower_head(top[0], top[1], height * (0.12 - 0.035 * k), petals, 22 * k)
            out.append(wash(petal, color, 0.62))
        out.append(wash(s.circle(top[0], top[1], height * 0.022), p.pop2, 0.9))
    else:
        out.append(
            wash(s.leaf(top[0], top[1], height * 0.10, -90 + math.degrees(math.atan2(lean, height)), 0.3)[0], green)
        )
    return "".join(out)
