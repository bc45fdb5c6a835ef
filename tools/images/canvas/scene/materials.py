"""What a scene is made of: the same shapes as risograph grain, red-lit film, drafting ink, cut paper, chalk, wash or
bright print. Each material turns a display list into SVG."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..color import is_dark, mix, ramp
from ..direction import ArtDirection
from .ground import Ground, Shape
from .shapes import circle

__all__ = ["MATERIALS", "Paint", "Sheet", "soft_shadow"]


@dataclass(frozen=True)
class Sheet:
    """What a material may know: the frame, the look, a source of chance, px per 1/1000 of the page, a prefix for ids."""

    ground: Ground
    art: ArtDirection
    rng: random.Random
    unit: float
    prefix: str
    disc: tuple[float, float, float]


@dataclass(frozen=True)
class Paint:
    """Definitions, and the picture in two parts: what lies behind the subject, and what stands before it."""

    defs: str
    back: str
    front: str


def _tone(art: ArtDirection, shape: Shape) -> str:
    """The fill of a shape: its role picks the family, its depth the place on the ramp."""
    p, d = art.palette, shape.depth
    land = ramp(p.ramp, 0.22 + 0.78 * d)
    table: dict[str, Callable[[], str]] = {
        "land": lambda: land,
        "water": lambda: ramp(p.ramp, 0.2 + 0.7 * d),
        "plant": lambda: mix(ramp(p.ramp, min(1.0, 0.36 + 0.7 * d)), p.ramp[-1], 0.18),
        "trunk": lambda: mix(p.ramp[-1], p.pop, 0.25),
        "built": lambda: mix(ramp(p.ramp, 0.3 + 0.68 * d), p.ramp[-1], 0.12),
        "window": lambda: mix(p.light, p.pop2, 0.25),
        "cloud": lambda: mix(p.light, p.ramp[0], 0.35 + 0.4 * d),
        "light": lambda: p.light,
        "snow": lambda: mix(p.light, p.ramp[0], 0.2),
        "object": lambda: mix(p.pop, p.ramp[2], 0.25),
        "crater": lambda: ramp(p.ramp, 0.12 + 0.78 * d),
        "wall": lambda: mix(p.ramp[0], p.ramp[1], 0.45),
        "ray": lambda: mix(p.ramp[0], p.light, 0.5),
        "line": lambda: p.ramp[-1],
    }
    return table[shape.role]()


def _is_front(shape: Shape) -> bool:
    """The nearest ground stands before the subject, so that it rises out of the scene rather than floats on it."""
    return shape.depth >= 0.93 and shape.role in {"land", "water"}


def _split(shapes: Sequence[Shape], paint: Callable[[Shape], str]) -> tuple[str, str, str]:
    """What lies behind the light (stars), behind the subject, and before it."""
    far = [paint(shape) for shape in shapes if shape.depth == 0.0 and shape.role == "snow"]
    front = [paint(shape) for shape in shapes if _is_front(shape)]
    back = [
        paint(shape) for shape in shapes if not _is_front(shape) and not (shape.depth == 0.0 and shape.role == "snow")
    ]
    return "".join(far), "".join(back), "".join(front)


def _fade(ident: str, top: str, bottom: str) -> str:
    return (
        f'<linearGradient id="{ident}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/>'
        f'<stop offset="1" stop-color="{bottom}"/></linearGradient>'
    )


def _sky(sheet: Sheet, above: str) -> str:
    """The sky's gradient over the ground's frame, its top color continued upward."""
    g = sheet.ground
    return (
        f'<rect x="{g.x - 2:.1f}" y="{g.y - 4000:.1f}" width="{g.w + 4:.1f}" height="4001" fill="{above}"/>'
        f'<rect x="{g.x - 2:.1f}" y="{g.y:.1f}" width="{g.w + 4:.1f}" height="{g.h + 4:.1f}" fill="url(#{sheet.prefix}sky)"/>'
    )


def _stroke(color: str, width: float, opacity: float = 1.0) -> str:
    return f'fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round" stroke-linejoin="round" opacity="{opacity:.2f}"'


def grain(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Flat inks that fade downward, as in a risograph print."""
    art, p = sheet.art, sheet.art.palette
    cx, cy, r = sheet.disc
    defs = [_fade(f"{sheet.prefix}sky", mix(p.ramp[0], p.ramp[1], 0.25), mix(p.ramp[0], p.light, 0.75))]
    seen: dict[str, str] = {}

    def fill(color: str, depth: float) -> str:
        if color not in seen:
            seen[color] = f"{sheet.prefix}f{len(seen)}"
            defs.append(
                _fade(seen[color], mix(color, p.light, 0.10), mix(color, ramp(p.ramp, min(1, depth + 0.35)), 0.42))
            )
        return f"url(#{seen[color]})"

    def paint(shape: Shape) -> str:
        color = _tone(art, shape)
        if shape.role == "line":
            return f'<path d="{shape.path}" {_stroke(color, 2.2 * sheet.unit, 0.7)}/>'
        if shape.role == "ray":
            return f'<path d="{shape.path}" fill="{color}" opacity=".28"/>'
        if shape.role in {"window", "snow", "cloud", "crater"}:
            return f'<path d="{shape.path}" fill="{color}" opacity=".88"/>'
        return f'<path d="{shape.path}" fill="{fill(color, shape.depth)}"/>'

    far, back, front = _split(shapes, paint)
    sun = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="{p.light}"/>'
    sun += f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r * 1.22:.1f}" fill="{p.light}" opacity=".35"/>'
    return Paint("".join(defs), _sky(sheet, mix(p.ramp[0], p.ramp[1], 0.25)) + far + sun + back, front)


def glow(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Silhouettes before a lamp: one hue from light to black."""
    _art, p = sheet.art, sheet.art.palette
    cx, cy, r = sheet.disc
    g = sheet.ground
    defs = [
        f'<radialGradient id="{sheet.prefix}lamp" gradientUnits="userSpaceOnUse" cx="{cx:.1f}" cy="{cy:.1f}" r="{r * 3.6:.1f}">'
        f'<stop offset="0" stop-color="{p.light}"/><stop offset=".26" stop-color="{mix(p.light, p.ramp[0], 0.72)}"/>'
        f'<stop offset=".5" stop-color="{p.ramp[1]}"/><stop offset=".78" stop-color="{p.ramp[2]}"/><stop offset="1" stop-color="{p.ramp[3]}"/></radialGradient>'
    ]
    seen: dict[str, str] = {}

    def paint(shape: Shape) -> str:
        color = ramp(p.ramp, 0.34 + 0.66 * shape.depth)
        if shape.role == "line":
            return f'<path d="{shape.path}" {_stroke(p.ramp[-1], 2 * sheet.unit, 0.8)}/>'
        if shape.role in {"ray", "cloud", "snow", "window", "light"}:
            opacity = {"ray": 0.10, "cloud": 0.16, "snow": 0.6, "window": 0.75, "light": 0.5}[shape.role]
            return f'<path d="{shape.path}" fill="{p.light}" opacity="{opacity}"/>'
        if color not in seen:
            seen[color] = f"{sheet.prefix}g{len(seen)}"
            defs.append(
                _fade(seen[color], mix(color, p.ramp[1], 0.22 * (1 - shape.depth)), mix(color, p.ramp[-1], 0.7))
            )
        return f'<path d="{shape.path}" fill="url(#{seen[color]})"/>'

    far, back, front = _split(shapes, paint)
    lamp = f'<rect x="{g.x - 2:.1f}" y="{g.y - 4000:.1f}" width="{g.w + 4:.1f}" height="{g.h + 4004:.1f}" fill="url(#{sheet.prefix}lamp)"/>'
    disc = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="{p.light}" opacity=".92"/>'
    return Paint("".join(defs), lamp + far + disc + back, front)


def draft(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Outlines in drafting ink, far things thin and pale, near ones hatched."""
    p, u = sheet.art.palette, sheet.unit
    cx, cy, r = sheet.disc
    defs = (
        f'<pattern id="{sheet.prefix}hatch" width="{9 * u:.2f}" height="{9 * u:.2f}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M0 0V{9 * u:.2f}" stroke="{p.ink}" stroke-width="{0.9 * u:.2f}" opacity=".30"/></pattern>'
    )

    def paint(shape: Shape) -> str:
        if shape.role in {"ray", "wall"}:
            return ""
        opacity = 0.32 + 0.5 * shape.depth
        if shape.role in {"window", "snow", "crater"}:
            return f'<path d="{shape.path}" {_stroke(p.accent2, 0.9 * u, 0.4)}/>'
        if shape.role == "line":
            return f'<path d="{shape.path}" {_stroke(p.ink, 1.1 * u, 0.5)}/>'
        body = f'<path d="{shape.path}" fill="{mix(p.paper, p.ramp[3], 0.25 + 0.5 * shape.depth)}"/>'
        if shape.role in {"built", "plant", "object", "trunk"} or shape.depth > 0.85:
            body += (
                f'<path d="{shape.path}" fill="url(#{sheet.prefix}hatch)" opacity="{0.35 + 0.5 * shape.depth:.2f}"/>'
            )
        return body + f'<path d="{shape.path}" {_stroke(p.ink, (1.0 + 0.8 * shape.depth) * u, opacity)}/>'

    far, back, front = _split(shapes, paint)
    marks = "".join(
        f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r * k:.1f}" {_stroke(p.accent2, 1.0 * u, o)} stroke-dasharray="{d}"/>'
        for k, o, d in (
            (1.0, 0.9, "none"),
            (1.12, 0.55, f"{7 * u:.1f} {5 * u:.1f}"),
            (0.62, 0.35, f"{14 * u:.1f} {4 * u:.1f} {2 * u:.1f} {4 * u:.1f}"),
        )
    )
    cross = (
        f'<path d="M{cx - r * 1.3:.1f} {cy:.1f}H{cx + r * 1.3:.1f}M{cx:.1f} {cy - r * 1.3:.1f}V{cy + r * 1.3:.1f}" '
        f'{_stroke(p.accent2, 0.9 * u, 0.55)} stroke-dasharray="{16 * u:.1f} {5 * u:.1f} {3 * u:.1f} {5 * u:.1f}"/>'
    )
    disc = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="{p.panel}" opacity=".72"/>'
    return Paint(defs, far + back + disc + cross + marks, front)


def layers(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Cut paper: every shape lies a little above what is behind it, and throws a soft shadow there."""
    art, p, u = sheet.art, sheet.art.palette, sheet.unit
    cx, cy, r = sheet.disc
    defs = _fade(f"{sheet.prefix}sky", mix(p.ramp[0], p.light, 0.2), mix(p.ramp[0], p.ramp[1], 0.3))
    dark = mix(p.ramp[-1], p.ramp[3], 0.15)

    def paint(shape: Shape) -> str:
        color = _tone(art, shape)
        if shape.role == "line":
            return f'<path d="{shape.path}" {_stroke(color, 3.2 * u, 0.9)}/>'
        if shape.role == "ray":
            return f'<path d="{shape.path}" fill="{mix(color, p.ramp[0], 0.45)}" opacity=".55"/>'
        body = f'<path d="{shape.path}" fill="{color}"/>'
        if shape.role in {"window", "snow", "crater"}:
            return body
        return soft_shadow(shape.path, dark, (6 + 7 * shape.depth) * u, 0.20 + 0.10 * shape.depth) + body

    far, back, front = _split(shapes, paint)
    sun = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r * 1.25:.1f}" fill="{mix(p.light, p.ramp[0], 0.55)}"/>'
    disc = circle(cx, cy, r)
    sun += soft_shadow(disc, dark, 9 * u, 0.2) + f'<path d="{disc}" fill="{p.light}"/>'
    return Paint(defs, _sky(sheet, mix(p.ramp[0], p.light, 0.2)) + far + sun + back, front)


def soft_shadow(path: str, color: str, reach: float, strength: float) -> str:
    """A shadow around a path, `reach` px wide, out of translucent strokes: far cheaper than a blur. A wide one takes
    more of them, so that no steps are seen."""
    n = 5 if reach < 12 else 12
    strokes = "".join(f'<path d="{path}" stroke-width="{2 * reach * k / n:.2f}"/>' for k in range(n, 0, -1))
    return (
        f'<g transform="translate(0 {-reach * 0.12:.2f})" fill="none" stroke="{color}" stroke-linejoin="round" '
        f'stroke-opacity="{strength / n:.3f}">{strokes}</g>'
    )


def chalk(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Chalk lines, doubled by a slightly shaking hand; near things are hatched."""
    p, u = sheet.art.palette, sheet.unit
    cx, cy, r = sheet.disc
    colors = p.ramp
    defs = "".join(
        f'<pattern id="{sheet.prefix}h{i}" width="{8 * u:.2f}" height="{8 * u:.2f}" patternUnits="userSpaceOnUse" patternTransform="rotate({38 + 6 * i})">'
        f'<path d="M0 0V{8 * u:.2f}" stroke="{color}" stroke-width="{2.4 * u:.2f}" opacity=".5"/></pattern>'
        for i, color in enumerate(colors)
    )
    pick = {
        "land": 1,
        "plant": 1,
        "water": 0,
        "cloud": 0,
        "built": 2,
        "trunk": 3,
        "window": 3,
        "object": 4,
        "snow": 2,
        "light": 3,
        "line": 2,
        "crater": 2,
        "wall": 2,
        "ray": 3,
    }

    def paint(shape: Shape) -> str:
        if shape.role == "wall":
            return ""
        i = pick[shape.role]
        color = colors[i]
        if shape.role == "ray":
            return f'<path d="{shape.path}" fill="url(#{sheet.prefix}h3)" opacity=".16"/>'
        if shape.role in {"window", "snow", "crater"}:
            return f'<path d="{shape.path}" fill="{color}" opacity=".5"/>'
        w = (1.7 + 1.1 * shape.depth) * u
        line = f'<path d="{shape.path}" {_stroke(color, w, 0.50 + 0.35 * shape.depth)}/>'
        if shape.role == "line":
            return line
        cover = f'<path d="{shape.path}" fill="{p.paper}" opacity=".93"/>'
        hatch = f'<path d="{shape.path}" fill="url(#{sheet.prefix}h{i})" opacity="{0.16 + 0.3 * shape.depth:.2f}"/>'
        again = f'<g transform="translate({0.9 * u:.2f} {-0.8 * u:.2f})"><path d="{shape.path}" {_stroke(color, w * 0.6, 0.35)}/></g>'
        return cover + hatch + line + again

    far, back, front = _split(shapes, paint)
    halo = f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="{p.paper}" opacity=".9"/>'
    halo += f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="url(#{sheet.prefix}h3)" opacity=".28"/>'
    halo += "".join(
        f'<ellipse cx="{cx:.1f}" cy="{cy:.1f}" rx="{r * a:.1f}" ry="{r * b:.1f}" {_stroke(p.light, 2.6 * u, o)}/>'
        for a, b, o in ((1.0, 0.99, 0.85), (1.012, 0.98, 0.5))
    )
    return Paint(defs, far + back + halo, front)


def wash(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Watercolor under a fine pen: translucent fills that miss the line a little."""
    art, p, u = sheet.art, sheet.art.palette, sheet.unit

    def paint(shape: Shape) -> str:
        color = _tone(art, shape)
        pen = f'<path d="{shape.path}" {_stroke(p.ink, 0.95 * u, 0.26 + 0.4 * shape.depth)}/>'
        if shape.role == "line":
            return pen
        if shape.role in {"ray", "wall", "snow", "window"}:
            return f'<path d="{shape.path}" fill="{color}" opacity=".14"/>'
        a = 0.20 + 0.3 * shape.depth
        cover = f'<path d="{shape.path}" fill="{p.paper}" opacity=".45"/>' if shape.role != "cloud" else ""
        first = f'<path d="{shape.path}" fill="{color}" opacity="{a:.2f}"/>'
        second = f'<g transform="translate({3 * u:.2f} {2 * u:.2f})"><path d="{shape.path}" fill="{color}" opacity="{a * 0.6:.2f}"/></g>'
        return cover + first + second + pen

    far, back, front = _split(shapes, paint)
    return Paint("", far + back, front)


def bright(sheet: Sheet, shapes: Sequence[Shape]) -> Paint:
    """Saturated, flat and friendly; the sun has rays, the ground has dots."""
    art, p, u = sheet.art, sheet.art.palette, sheet.unit
    cx, cy, r = sheet.disc
    defs = _fade(
        f"{sheet.prefix}sky", p.ramp[0], p.ramp[1] if is_dark(p.ramp[0]) else mix(p.ramp[0], "#ffffff", 0.55)
    ) + (
        f'<pattern id="{sheet.prefix}dots" width="{26 * u:.2f}" height="{26 * u:.2f}" patternUnits="userSpaceOnUse" patternTransform="rotate(30)">'
        f'<circle cx="{13 * u:.2f}" cy="{13 * u:.2f}" r="{3.4 * u:.2f}" fill="#ffffff" opacity=".22"/></pattern>'
    )

    def paint(shape: Shape) -> str:
        color = "#ffffff" if shape.role in {"cloud", "snow"} else _tone(art, shape)
        if shape.role == "land":
            color = ramp(p.ramp[1:4], shape.depth)
        if shape.role == "line":
            return f'<path d="{shape.path}" {_stroke(mix(p.ramp[3], p.ink, 0.2), 4 * u, 0.9)}/>'
        if shape.role == "ray":
            return f'<path d="{shape.path}" fill="#ffffff" opacity=".32"/>'
        out = f'<path d="{shape.path}" fill="{color}" opacity="{0.92 if shape.role == "cloud" else 1}"/>'
        if shape.role in {"land", "water"} and shape.depth > 0.6:
            out += f'<path d="{shape.path}" fill="url(#{sheet.prefix}dots)"/>'
        return out

    far, back, front = _split(shapes, paint)
    rays = (
        ""
        if is_dark(p.ramp[0])
        else "".join(
            f'<rect x="{cx - r * 0.035:.1f}" y="{cy - r * 1.34:.1f}" width="{r * 0.07:.1f}" height="{r * 0.18:.1f}" rx="{r * 0.035:.1f}" fill="{p.light}" transform="rotate({i * 20} {cx:.1f} {cy:.1f})"/>'
            for i in range(18)
        )
    )
    sun = rays + f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="{p.light}"/>'
    return Paint(defs, _sky(sheet, p.ramp[0]) + far + sun + back, front)


MATERIALS: dict[str, Callable[[Sheet, Sequence[Shape]], Paint]] = {
    "grain": grain, "glow": glow, "draft": draft, "layers": layers, "chalk": chalk, "wash": wash, "bright": bright,
}  # fmt: skip
