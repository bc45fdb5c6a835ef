"""The Swiss direction's picture: a modular grid of forms, with the subject's pictogram over several modules."""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import random
from collections.abc import Sequence

from ..brush import Mark, icon_mark
from ..color import is_dark, mix
from ..direction import ArtDirection
from ..figures import Figure
from ..page import Box
from .paint import Picture

__all__ = ["tiles"]


def tiles(
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
    # Whole pixels: tiles that meet between two would show a seam.
    xs = [round(window.x + window.w * i / columns) for i in range(columns + 1)]
    ys = [round(window.y + window.h * i / rows) for i in range(rows + 1)]

    def module(row: int, column: int, span: int = 1) -> Box:
        x, y = xs[column], ys[row]
        return Box(x, y, xs[column + span] - x, ys[row + span] - y)

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
        cell = module(r, c)
        back = rng.choice([color for color in colors if color != previous])
        previous = back
        fore = rng.choice([color for color in colors if color != back])
        if (r, c) in small:
            back, fore = (p.pop2, p.ink) if is_dark(p.ink) else (p.pop2, p.pop)
            out.append(
                _cell(cell, back)
                + icon_mark(small[(r, c)], cell.inset(cell.w * 0.2, cell.h * 0.2), art, fore, back, back, "line", 2.0)
            )
        else:
            out.append(_cell(cell, back) + _tile(rng, cell, fore))
    cell = module(hr, hc, big)
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
    return f'<rect x="{cell.x:.2f}" y="{cell.y:.2f}" width="{cell.w:.2f}" height="{cell.h:.2f}" fill="{fill}"/>'


def _tile(rng: random.Random, c: Box, fill: str) -> str:
    kind = rng.choice(("quarter", "quarter", "half", "disc", "stripes", "dots", "arc"))
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
