"""Pages like a map: places along a way, none to scale."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
from collections.abc import Sequence

from ...spec import Item
from ..brush import icon_mark
from ..color import mix
from ..figures import Figure, figure
from ..page import Box
from ..scene import shapes as s
from ..typeset import Text
from .cells import fit_bodies
from .entries import listing
from .frame import Sheet, open_page
from .marks import marks_for

__all__ = ["plan"]

_MOST = 10
_PASTURE = {"swiss": 0.10, "blueprint": 0.0, "chalkboard": 0.0, "botanical": 0.30}


def plan(sheet: Sheet) -> None:
    """Two to ten places on a piece of land, joined by a path in their order; more or fewer are a list."""
    items = sheet.spec.items
    if not 2 <= len(items) <= _MOST:
        listing(sheet)
        return
    u = sheet.page.unit
    box = open_page(sheet)
    cells = _cells(sheet, box, len(items))
    size = min(min(c.w for c in cells) * 0.52, min(c.h for c in cells) * 0.52, 210 * u)
    told = any(item.detail or item.value for item in items)
    size *= 0.72 if told else 1.0
    lead = 1.0 if told else 1.62  # where much is to be said, the mark stands at the top of its cell
    spots = [Box(c.cx - size / 2, c.y + max(0.0, (c.h - size * lead) / 2) * (not told), size, size) for c in cells]
    _land(sheet, box)
    _path(sheet, [(spot.cx, spot.cy + size * 0.3) for spot in spots])
    _growth(sheet, box, spots)
    _places(sheet, cells, spots, items)


def _cells(sheet: Sheet, box: Box, n: int) -> list[Box]:
    """One cell a place, in the order in which a winding path meets them, each shifted a little."""
    inner = box.inset(box.w * 0.04, box.h * 0.05)
    rows = max(1, min(n, round((n * inner.h / inner.w) ** 0.5)))
    columns = -(-n // rows)
    out: list[Box] = []
    for row in range(rows):
        count = min(columns, n - row * columns)
        if count < 1:
            break
        strip = Box(inner.x, inner.y + row * inner.h / rows, inner.w, inner.h / rows)
        line = strip.grid(count, 1, 0)
        drift = [sheet.rng.uniform(-0.07, 0.07) * strip.h for _ in line]
        line = [Box(c.x, c.y + dy, c.w, c.h) for c, dy in zip(line, drift, strict=True)]
        out += line[::-1] if row % 2 else line
    return out


def _land(sheet: Sheet, box: Box) -> None:
    page, art, u = sheet.page, sheet.page.art, sheet.page.unit
    p = art.palette
    rng = sheet.rng
    shore = _blob(sheet, box)
    green = mix(p.panel, p.ramp[1], _PASTURE.get(art.name, 0.42))
    if art.name in {"blueprint", "chalkboard"}:
        page.svg(
            f'<path d="{shore}" fill="none" stroke="{mix(p.paper, p.ink, 0.5)}" stroke-width="{2 * u:.2f}" stroke-dasharray="{12 * u:.1f} {7 * u:.1f}"/>',
            mirrored=True,
        )
        return
    if art.name == "papercut":
        page.svg(
            f'<path d="{shore}" transform="translate(0 {6 * u:.1f})" fill="{p.ramp[-1]}" opacity=".14"/>', mirrored=True
        )
    page.svg(f'<path d="{shore}" fill="{green}"/>', mirrored=True)
    for _ in range(4):  # fields and meadows, a shade apart
        x, y = box.x + box.w * rng.uniform(0.15, 0.85), box.y + box.h * rng.uniform(0.2, 0.8)
        patch = s.blob(rng, x, y, box.w * rng.uniform(0.08, 0.15), box.h * rng.uniform(0.08, 0.16), 0.12, 10)
        page.svg(f'<path d="{patch}" fill="{mix(green, p.light, 0.4)}" opacity=".75"/>', mirrored=True)


def _blob(sheet: Sheet, box: Box) -> str:
    """A coast: nearly the rectangle, its edge swinging."""
    points, n = [], 30
    phase = sheet.rng.uniform(0, math.tau)
    for i in range(n):
        a = math.tau * i / n
        ca, sa = math.cos(a), math.sin(a)
        k = (abs(ca) ** 5 + abs(sa) ** 5) ** (-1 / 5)
        swing = 0.985 - 0.018 * (1 + math.sin(5 * a + phase))
        points.append((box.cx + ca * k * box.w / 2 * swing, box.cy + sa * k * box.h / 2 * swing))
    return s.smooth(points, closed=True)


def _path(sheet: Sheet, points: Sequence[tuple[float, float]]) -> None:
    page, art, u = sheet.page, sheet.page.art, sheet.page.unit
    p = art.palette
    d = s.smooth(list(points))
    drawn = art.name in {"blueprint", "chalkboard", "botanical"}
    road = (
        ""
        if drawn
        else f'<path d="{d}" fill="none" stroke="{mix(p.paper, p.light, 0.6)}" stroke-width="{20 * u:.1f}" stroke-linecap="round" stroke-linejoin="round"/>'
    )
    dash = f'<path d="{d}" fill="none" stroke="{p.accent if drawn else mix(p.accent, p.paper, 0.25)}" stroke-width="{2.6 * u:.2f}" stroke-linecap="round" stroke-dasharray="{9 * u:.1f} {9 * u:.1f}"/>'
    page.svg(road + dash, mirrored=True)


def _growth(sheet: Sheet, box: Box, spots: Sequence[Box]) -> None:
    """Small trees where nothing else stands."""
    page, art, u = sheet.page, sheet.page.art, sheet.page.unit
    taken = [Box(b.x - b.w * 0.25, b.y - b.h * 0.1, b.w * 1.5, b.h * 1.7) for b in spots]
    names = ("deciduous-tree", "evergreen-tree")
    for _ in range(90):
        side = sheet.rng.uniform(34, 52) * u
        spot = Box(
            box.x + box.w * sheet.rng.uniform(0.05, 0.93), box.y + box.h * sheet.rng.uniform(0.06, 0.9), side, side
        )
        if len(taken) > len(spots) + 11:
            break
        if any(spot.overlaps(other) for other in taken):
            continue
        taken.append(spot.inset(-side * 0.4))
        mark = icon_mark(
            figure(names[len(taken) % 2]), page.flip(spot), art, art.palette.ink, art.palette.pop, art.palette.paper
        )
        page.svg(f'<g opacity=".55">{mark}</g>')


def _places(sheet: Sheet, cells: Sequence[Box], spots: Sequence[Box], items: Sequence[Item]) -> None:
    page, art, u = sheet.page, sheet.page.art, sheet.page.unit
    p = art.palette
    marks = marks_for(items, sheet.spec.language)
    low = page.smallest("body")
    # Beneath each place its words, on a slip of paper.
    slips = [
        Box(cell.x + cell.w * 0.07, spot.bottom + 8 * u, cell.w * 0.86, max(1.0, cell.bottom - spot.bottom - 14 * u))
        for cell, spot in zip(cells, spots, strict=True)
    ]
    stacks = fit_bodies(sheet, slips, items, centered=True, largest=28)
    numbers = page.fit([
        Text(f"n{i}", str(i + 1), page.style("number"), spot.w, spot.h * 0.6, low, 60 * u, "number")
        for i, spot in enumerate(spots) if marks[i] is None
    ])  # fmt: skip
    for i, spot in enumerate(spots):
        mark, number = marks[i], numbers.get(f"n{i}")
        if mark is None or not isinstance(mark, Figure):
            page.circle(spot.cx, spot.cy, spot.w * 0.42, p.panel, p.accent, 2.4 * u)
        if mark is not None:
            inner = page.flip(spot).inset(0 if isinstance(mark, Figure) else spot.w * 0.28)
            page.svg(icon_mark(mark, inner, art, p.ink, p.pop, p.panel))
        elif number:
            page.text(number, spot, p.accent, "center", "middle", on=p.panel)
        if stack := stacks[i]:
            width, height = max(fit.width for fit, _ in stack), sum(fit.height for fit, _ in stack)
            slip = Box(slips[i].cx - width / 2 - 10 * u, slips[i].y - 4 * u, width + 20 * u, height + 8 * u)
            page.rect(slip, p.paper, 6 * u, opacity=0.92)
            y = slips[i].y
            for fit, color in stack:
                page.text(fit, Box(slips[i].x, y, slips[i].w, fit.height), color, "center", on=p.paper)
                y += fit.height
