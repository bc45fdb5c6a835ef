"""A page of comics: panels in rows, the same hero in each, what happens said in a caption."""

from __future__ import annotations

from collections.abc import Sequence

from ..brush import Mark
from ..figures import Figure
from ..page import Box
from .cells import fit_bodies
from .entries import listing
from .frame import Sheet, open_page
from .marks import figure_for
from .windows import show_picture

__all__ = ["panels"]

# Panels a row, by how many there are.
_ROWS = {2: (1, 1), 3: (1, 2), 4: (2, 2), 5: (2, 1, 2), 6: (2, 2, 2), 7: (2, 3, 2), 8: (3, 2, 3)}
# How near the camera is: the hero's share of the panel, and where it stands across it.
_SHOTS = ((0.60, 0.46), (0.98, 0.44), (0.52, 0.60), (0.80, 0.54))


def panels(sheet: Sheet) -> None:
    """Two to eight panels; more or fewer are a list."""
    items = sheet.spec.items
    n = len(items)
    if n not in _ROWS:
        listing(sheet)
        return
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    box = open_page(sheet, 0.16)
    boxes = _frames(box, n, 16 * u)
    plates = [Box(cell.x + 12 * u, cell.y + 7 * u, cell.w * 0.82 - 24 * u, cell.h * 0.34) for cell in boxes]
    captions = fit_bodies(sheet, plates, items, centered=False, largest=22)
    day = sheet.night
    for i, (cell, item) in enumerate(zip(boxes, items, strict=True)):
        sheet.night = day or i == n - 1  # a story ends in the evening
        share, across = _SHOTS[i % len(_SHOTS)]
        stack = captions[i]
        head = sum(fit.height for fit, _ in stack) + 16 * u if stack else 0.0
        side = min(cell.w, cell.h - head) * share
        middle = cell.x + cell.w * across
        left, right = max(cell.x, middle - side * 0.9), min(cell.right, middle + side * 0.9)
        focus = Box(left, cell.bottom - side * 1.04, right - left, side)
        show_picture(sheet, cell, focus, _cast(sheet, item.icon, i), f"p{i}", framed=False)
        page.rect(cell, "", 0, p.ink, 4 * u)
        if stack:
            plate = Box(cell.x, cell.y, max(fit.width for fit, _ in stack) + 24 * u, head)
            page.rect(plate, p.paper, 0, p.ink, 3 * u)
            y = plates[i].y
            for fit, color in stack:
                page.text(fit, Box(plates[i].x, y, plates[i].w, fit.height), color, on=p.paper)
                y += fit.height


def _cast(sheet: Sheet, noun: str, i: int) -> Sequence[Mark]:
    """The hero, and beside it what this panel is about; else another of the page's cast in turn."""
    hero, *others = sheet.subject or (None,)
    own = figure_for(noun)
    beside = [mark for mark in others if isinstance(mark, Figure)]
    second = own or (beside[i % len(beside)] if beside else None)
    return tuple(dict.fromkeys(mark for mark in (hero, second) if mark is not None))


def _frames(box: Box, n: int, gap: float) -> list[Box]:
    """Rows of equal height; the panels of a row are of unequal width, the wider one changing sides."""
    rows = _ROWS[n]
    height = (box.h - gap * (len(rows) - 1)) / len(rows)
    out = []
    for r, count in enumerate(rows):
        wide = 0.58 if count == 2 else 1 / count
        shares = [1.0] if count == 1 else [wide, 1 - wide][:: 1 if r % 2 == 0 else -1] if count == 2 else [wide] * count
        x, free = box.x, box.w - gap * (count - 1)
        for share in shares:
            out.append(Box(x, box.y + r * (height + gap), free * share, height))
            x += free * share + gap
    return out
