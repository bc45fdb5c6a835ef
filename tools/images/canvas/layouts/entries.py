"""Pages of entries: step, facts, list and summary; and the grid of entries that they share."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence

from ...spec import Item
from ..page import Box
from ..typeset import Text
from .cells import Shape, place_mark, set_cells
from .frame import Sheet, ornament, place_head, set_head
from .marks import marks_for
from .prices import is_priced, prices
from .windows import head_with_lens, show_picture

__all__ = ["entries", "listing", "place_mark", "step", "wanted_height"]


def step(sheet: Sheet) -> None:
    """A picture, what it shows, and a few entries that explain it."""
    page, c, u, spec = sheet.page, sheet.content, sheet.page.unit, sheet.spec
    n = len(spec.items)
    if n > 8:
        listing(sheet)
        return
    if sheet.wide:
        side = c.w * (0.42 if n else 0.52)
        show_picture(sheet, Box(c.x, c.y, side, c.h))
        right = c.after(side + 44 * u)
        head = set_head(sheet, right.w, right.h * (0.4 if n else 0.9), 64, 4)
        y = right.y if n else right.y + (right.h - head.height) * 0.45
        place_head(sheet, head, Box(right.x, y, right.w, head.height))
        ornament(sheet, right.x, y + head.height + 24 * u, min(right.w, 200 * u))
        entries(sheet, right.below(head.height + 50 * u), spec.items)
        return
    align = "center" if page.art.name == "botanical" else "start"
    head = set_head(sheet, c.w, c.h * 0.24, 66, 3)
    free = c.h - head.height - 50 * u
    share = {0: 1.0, 1: 0.62, 2: 0.5, 3: 0.44}.get(n, 0.34)
    need = wanted_height(sheet, Box(c.x, c.y, c.w, free * (1 - share)), spec.items)
    picture_h = free - need
    if page.art.headline == "bottom":
        show_picture(sheet, Box(c.x, c.y, c.w, picture_h))
        y = c.y + picture_h + 26 * u
        place_head(sheet, head, Box(c.x, y, c.w, head.height), align)
        y += head.height
    else:
        place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align)
        show_picture(sheet, Box(c.x, c.y + head.height + 26 * u, c.w, picture_h))
        y = c.y + head.height + 26 * u + picture_h
    if n:
        entries(sheet, Box(c.x, y + 24 * u, c.w, c.bottom - y - 24 * u), spec.items)


def listing(sheet: Sheet) -> None:
    """A headline and a grid of entries; a band of picture where few of them leave room for it."""
    page, c, u, spec = sheet.page, sheet.content, sheet.page.unit, sheet.spec
    n = len(spec.items)
    if is_priced(spec.items):
        prices(sheet)
        return
    centered = page.art.name in {"botanical", "playful"}
    align = "center" if centered and not sheet.wide else "start"
    if sheet.wide:
        column = c.w * 0.32
        head = set_head(sheet, column, c.h * 0.55, 72, 5)
        place_head(sheet, head, Box(c.x, c.y, column, head.height))
        ornament(sheet, c.x, c.y + head.height + 26 * u, min(column, 180 * u))
        low = Box(c.x, c.y + head.height + 56 * u, column, c.h - head.height - 56 * u)
        if low.h > 150 * u:
            show_picture(sheet, low)
        entries(sheet, c.after(column + 46 * u), spec.items)
        return
    head = set_head(sheet, c.w, c.h * 0.26, 78, 3)
    rest = c.below(head.height + 50 * u)
    need = wanted_height(sheet, rest.below(rest.h * 0.2), spec.items) if n <= 10 else rest.h
    columns = 1
    if 4 <= n <= 8 and rest.h - need < 0.34 * rest.w and rest.h > rest.w * 0.8:
        columns = 2  # side by side, so that the picture gets its share
        need = wanted_height(sheet, rest.below(rest.h * 0.34), spec.items, columns)
    band = rest.h - need - 28 * u
    if band < 150 * u:
        entries(sheet, head_with_lens(sheet, 0.24, 74), spec.items)
        return
    place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align)
    ornament(sheet, page.w / 2 if align == "center" else c.x, c.y + head.height + 24 * u, min(200 * u, c.w), align)
    show_picture(sheet, rest.top(band))
    entries(sheet, rest.below(band + 28 * u), spec.items, columns)


def _shape(box: Box, n: int, unit: float, icons: bool, least: int = 1) -> Shape:
    """The cut whose cells come nearest to a good proportion for reading, with `least` columns or more."""
    best, best_score = Shape(1, n, False), -1e9
    for columns in range(min(least, n), min(n, 5) + 1):
        rows = -(-n // columns)
        w, h = box.w / columns, box.h / rows
        empty = columns * rows - n
        for stacked in (False, True):
            want = 0.95 if stacked else 2.9
            score = -abs((w / h) / want - 1 if w / h > want else want / (w / h) - 1) - 0.7 * empty
            if w < 190 * unit:
                score -= (190 * unit - w) / (60 * unit)
            if stacked and h < 170 * unit:
                score -= 3
            if not stacked and w < 260 * unit and icons:
                score -= 1.5
            if score > best_score:
                best, best_score = Shape(columns, rows, stacked), score
    return best


def entries(sheet: Sheet, box: Box, items: Sequence[Item], columns: int = 1) -> None:
    """Sets items as a grid, all labels in one size and all details in one; leaves out and notes what has no room."""
    if not items or box.h < 10:
        if items:
            sheet.page.notes.append(f"{len(items)} entries had no room and were left out: ask for a larger image")
        return
    _page, u = sheet.page, sheet.page.unit
    items = _as_many_as_fit(sheet, box, items)
    icons = marks_for(items, sheet.spec.language)
    shape = _shape(box, len(items), u, any(icons), columns)
    gap = (14 if len(items) > 12 else 20) * u
    cells = box.grid(shape.columns, shape.rows, gap)
    cap = 250 * u if not shape.stacked else 420 * u
    if cells[0].h > cap:
        total = cap * shape.rows + gap * (shape.rows - 1)
        cells = Box(box.x, box.y, box.w, total).grid(shape.columns, shape.rows, gap)
    cells = _center_last_row(cells, shape, len(items))
    set_cells(sheet, cells, items, icons, shape)


def wanted_height(sheet: Sheet, box: Box, items: Sequence[Item], columns: int = 1) -> float:
    """The height in px that these entries need in that width at full size, at most that of `box`."""
    height = _wanted(sheet, box, items, columns)
    # A lower box may be cut into other columns, so ask once more with what it would get.
    return _wanted(sheet, box.top(height), items, columns) if 0 < height < box.h else height


def _wanted(sheet: Sheet, box: Box, items: Sequence[Item], columns: int) -> float:
    page, u = sheet.page, sheet.page.unit
    if not items:
        return 0.0
    icons = marks_for(items, sheet.spec.language)
    shape = _shape(box, len(items), u, any(icons), columns)
    gap = 20 * u
    w = (box.w - gap * (shape.columns - 1)) / shape.columns
    icon = min(96 * u, w * (0.42 if shape.stacked else 0.20)) if any(icons) else 0.0
    text_w = w - 44 * u - (0 if shape.stacked or not icon else icon + 24 * u)
    low = page.smallest("body")
    wanted = [
        text
        for i, item in enumerate(items)
        for text in (
            Text(f"v{i}", item.value, page.style("number"), max(20.0, text_w), 9999, low, 66 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), max(20.0, text_w), 9999, low, 38 * u, "label"),
            Text(f"d{i}", item.detail, page.style("body"), max(20.0, text_w), 9999, low, 27 * u, "detail"),
        )
    ]
    fits = page.setting.typesetter.fit([t for t in wanted if t.text], page.setting.language)
    heights = [sum(fits[k].height + 8 * u for k in (f"v{i}", f"l{i}", f"d{i}") if k in fits) for i in range(len(items))]
    # The value and the label are given fixed shares of a cell, so a cell is a little taller than its text.
    cell = max(heights) * 1.16 + 52 * u
    cell = cell + icon + 16 * u if shape.stacked else max(cell, icon + 44 * u)
    return float(min(max(box.h, 1.0), cell * shape.rows + gap * (shape.rows - 1)))


def _center_last_row(cells: list[Box], shape: Shape, n: int) -> list[Box]:
    """Stretches the last row, where it is not full, over the whole width."""
    missing = shape.columns * shape.rows - n
    if not missing or shape.rows == 1:
        return cells[:n]
    full, last = cells[: n - (shape.columns - missing)], cells[n - (shape.columns - missing) : n]
    row = Box(cells[0].x, last[0].y, cells[shape.columns - 1].right - cells[0].x, last[0].h)
    gap = cells[1].x - cells[0].right
    return [*full, *row.grid(len(last), 1, gap)]


def _as_many_as_fit(sheet: Sheet, box: Box, items: Sequence[Item]) -> Sequence[Item]:
    page = sheet.page
    line = page.smallest("label") * 1.5
    gap = 14 * page.unit
    columns = max(1, min(5, int(box.w / (page.smallest("label") * 9))))
    rows = max(1, int((box.h + gap) / (line * 1.35 + gap)))
    if len(items) <= columns * rows:
        return items
    kept = max(1, columns * rows)
    page.notes.append(
        f"{len(items) - kept} of {len(items)} entries had no room and were left out: ask for a larger image or more of them"
    )
    return items[:kept]
