"""Pages of what comes round again: stages on a ring, each leading to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..brush import Mark, icon_mark
from ..color import mix
from ..figures import Figure
from ..page import Box
from ..typeset import Fit, Text
from .cells import fit_bodies
from .entries import listing
from .frame import Sheet, open_page
from .marks import marks_for

__all__ = ["cycle"]

_MOST = 8


def cycle(sheet: Sheet) -> None:
    """Three to eight stages clockwise from the top; more or fewer are a list."""
    items = sheet.spec.items
    n = len(items)
    if not 3 <= n <= _MOST:
        listing(sheet)
        return
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    box = open_page(sheet)
    marks = marks_for(items, sheet.spec.language)
    # The ring is an oval that fills the page; every stage is a disc with its words beneath.
    spread = 2 * math.sin(math.pi / n)
    disc = min(box.h * (0.25 if n <= 4 else 0.21), box.w * 0.26, 0.62 * spread * min(box.w, box.h) * 0.5)
    words = disc * (0.62 + 0.3 * any(item.detail for item in items) + 0.25 * any(item.value for item in items))
    rx = min((box.w - disc * 1.7) / 2, (box.h - disc - words) * 1.05)
    ry = (box.h - disc - words) / 2
    cx, cy = box.cx, box.y + disc / 2 + ry
    r = disc / 2
    angles = [math.tau * i / n - math.pi / 2 for i in range(n)]
    width = min(disc * 1.75, 2 * rx * math.sin(math.pi / n) * 0.98 if n > 3 else disc * 2)
    cells = [
        Box(cx + rx * math.cos(a) - width / 2, cy + ry * math.sin(a) + r + 10 * u, width, words - 10 * u)
        for a in angles
    ]
    stacks = fit_bodies(sheet, cells, items, centered=True, largest=30)
    taken = [_covered(cell, stack, u) for cell, stack in zip(cells, stacks, strict=True)]
    for a in angles:
        _arrow(sheet, (cx, cy, rx, ry), a, a + math.tau / n, r, taken)
    for i, (a, cell) in enumerate(zip(angles, cells, strict=True)):
        spot = Box(cx + rx * math.cos(a) - r, cy + ry * math.sin(a) - r, disc, disc)
        _stage(sheet, spot, marks[i], i)
        y = cell.y
        for fit, color in stacks[i]:
            page.text(fit, Box(cell.x, y, cell.w, fit.height), color, "center", on=p.paper)
            y += fit.height + 8 * u
    numbers = page.fit([
        Text(f"n{i}", str(i + 1), page.style("number"), disc * 0.6, disc * 0.5, page.smallest("body"), 72 * u, "number")
        for i in range(n) if marks[i] is None
    ])  # fmt: skip
    for i, a in enumerate(angles):
        if number := numbers.get(f"n{i}"):
            spot = Box(cx + rx * math.cos(a) - r, cy + ry * math.sin(a) - r, disc, disc)
            page.text(number, spot, p.accent, "center", "middle", on=p.panel)


def _covered(cell: Box, stack: Sequence[tuple[Fit, str]], u: float) -> Box:
    """What the words of a stage cover, with some room around them."""
    width = max((fit.width for fit, _ in stack), default=0.0) + 36 * u
    height = sum(fit.height + 8 * u for fit, _ in stack) + 12 * u
    return Box(cell.cx - width / 2, cell.y - 12 * u, width, height)


def _stage(sheet: Sheet, spot: Box, mark: Mark | None, i: int) -> None:
    page, art, u = sheet.page, sheet.page.art, sheet.page.unit
    p = art.palette
    name = art.name
    fill = {
        "playful": mix((p.pop2, p.ramp[1], p.ramp[2], p.pop)[i % 4], "#ffffff", 0.62),
        "papercut": p.panel,
        "swiss": (p.pop, p.pop2)[i % 2],
        "botanical": mix(p.light, p.paper, 0.45),
        "editorial": mix(p.light, p.panel, 0.35),
    }.get(name, p.panel)
    if name == "papercut":
        page.circle(spot.cx, spot.cy + 4 * u, spot.w / 2, p.ramp[-1], opacity=0.14)
    line = "" if name in {"playful", "papercut", "swiss"} else p.ink if name == "botanical" else p.accent
    page.circle(spot.cx, spot.cy, spot.w / 2, fill, line, (1.2 if name == "botanical" else 2.2) * u)
    if mark is None:
        return
    inner = page.flip(spot).inset(spot.w * (0.16 if isinstance(mark, Figure) else 0.24))
    ink = p.paper if name == "swiss" else p.ink
    page.svg(icon_mark(mark, inner, art, ink, p.pop, fill, "wash" if name == "botanical" else "", 1.2))


def _arrow(
    sheet: Sheet, oval: tuple[float, float, float, float], a: float, b: float, r: float, taken: Sequence[Box]
) -> None:
    """An arc from just after one disc to just before the next, clear of both and of all words."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    cx, cy, rx, ry = oval

    def at(t: float) -> tuple[float, float]:
        return cx + rx * math.cos(t), cy + ry * math.sin(t)

    def clear(t: float, of: float) -> bool:
        (x, y), (ox, oy) = at(t), at(of)
        return math.hypot(x - ox, y - oy) > r * 1.2 and not any(b.x < x < b.right and b.y < y < b.bottom for b in taken)

    steps = [a + (b - a) * i / 60 for i in range(61)]
    free = [t for t in steps if clear(t, a) and clear(t, b)]
    if len(free) < 4:
        return
    points = [at(t) for t in free]
    page.line(points, p.accent, 3 * u)
    (x0, y0), (x1, y1) = points[-3], points[-1]
    turn = math.atan2(y1 - y0, x1 - x0)
    head = 13 * u
    wings = [(x1 - head * math.cos(turn + k), y1 - head * math.sin(turn + k)) for k in (-0.5, 0.5)]
    page.line([wings[0], (x1, y1), wings[1]], p.accent, 3 * u)
