"""The botanical direction's picture: a specimen on a wash of color, between plants that grow in from both sides."""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import math
import random
import zlib
from collections.abc import Sequence

from ..brush import Mark, icon_mark
from ..color import mix
from ..direction import ArtDirection
from ..figures import Figure
from ..page import Box
from . import shapes as s
from .ground import Ground
from .materials import Sheet
from .paint import Picture

__all__ = ["plate", "sprig"]


def plate(sheet: Sheet, window: Box, focus: Box, subject: Sequence[Mark]) -> Picture:
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
        root = window.cx + side * min(window.w * 0.36, window.h * 0.9)
        for j, lean in enumerate((0.05, -0.03, 0.11, -0.06)):
            height = window.h * (0.86, 0.64, 0.46, 0.34)[j] * rng.uniform(0.9, 1.08)
            out.append(
                _plant(
                    sheet,
                    root + side * j * 0.035 * min(window.w, window.h) * rng.uniform(-1, 1),
                    window.bottom - 4 * u,
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
    # Nothing is clipped: leaves end where they end, as on a sheet.
    return Picture("", "".join(out))


def sprig(spot: Box, art: ArtDirection, unit: float, seed: str) -> str:
    """A small plant of its own for each `seed`, so that six herbs are not one herb six times."""
    rng = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 (a drawing, not a secret)
    sheet = Sheet(Ground(spot.x, spot.y, spot.w, spot.h, spot.bottom), art, rng, unit, "sprig", (spot.cx, spot.cy, 1.0))
    lean = rng.uniform(-0.12, 0.12) * spot.w
    return _plant(sheet, spot.cx - lean / 2, spot.bottom, spot.h * 0.94, lean, kind=rng.randrange(4))


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
