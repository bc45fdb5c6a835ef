"""Pages of entries: step, facts, list and summary; and the grid of entries that they share."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...spec import Item
from ..brush import Mark, icon_mark
from ..color import mix
from ..figures import Figure
from ..page import Box
from ..typeset import Fit, Text
from .frame import Sheet, head_with_lens, ornament, place_head, set_head, show_picture
from .marks import marks_for
from .prices import is_priced, prices

__all__ = ["entries", "listing", "panel_color", "step", "wanted_height"]


@dataclass(frozen=True)
class _Shape:
    """How a grid is cut: columns, rows, and whether icons stand above the text or beside it."""

    columns: int
    rows: int
    stacked: bool


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


def panel_color(sheet: Sheet, i: int = 0) -> str:
    """The color of the i-th card: the panel, or for the livelier directions a tint that changes from card to card."""
    p = sheet.page.art.palette
    if sheet.page.art.name == "playful":
        tints = ("#ffffff", p.ramp[1], p.pop, p.ramp[0])
        return mix(tints[i % 4], "#ffffff", 0.72)
    return p.panel


def _shape(box: Box, n: int, unit: float, icons: bool, least: int = 1) -> _Shape:
    """The cut whose cells come nearest to a good proportion for reading, with `least` columns or more."""
    best, best_score = _Shape(1, n, False), -1e9
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
                best, best_score = _Shape(columns, rows, stacked), score
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
    _set_cells(sheet, cells, items, icons, shape)


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


def _center_last_row(cells: list[Box], shape: _Shape, n: int) -> list[Box]:
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


def _set_cells(
    sheet: Sheet, cells: Sequence[Box], items: Sequence[Item], icons: Sequence[Mark | None], shape: _Shape
) -> None:
    page, u = sheet.page, sheet.page.unit
    art = page.art
    short = min(cell.h for cell in cells)
    narrow = min(cell.w for cell in cells)
    pad = min(22 * u, short * 0.14, narrow * 0.09)
    carded = art.name in {"papercut", "playful", "editorial", "darkroom", "blueprint"}
    size = min(short * (0.36 if shape.stacked else 0.56), narrow * (0.42 if shape.stacked else 0.20), 96 * u)
    with_icon = any(icons) and size > 18 * u
    bodies: list[Box] = []
    for cell, icon, i in zip(cells, icons, range(len(cells)), strict=False):
        inner = cell.inset(pad if carded else 1.0, pad)
        if carded:
            _card(sheet, cell, i)
        else:
            _rule(sheet, cell)
        if not with_icon:
            bodies.append(inner)
            continue
        if shape.stacked:
            spot = Box(inner.x, inner.y, size, size)
            if art.name in {"botanical", "playful", "papercut"}:
                spot = Box(inner.cx - size / 2, inner.y, size, size)
            bodies.append(inner.below(size + pad * 0.7))
        else:
            spot = Box(inner.x, inner.cy - size / 2, size, size)
            bodies.append(inner.after(size + pad * 1.1))
        if icon:
            _icon(sheet, spot, icon, i)
    _set_bodies(
        sheet,
        bodies,
        items,
        centered=shape.stacked and art.name in {"botanical", "playful", "papercut"},
        middle=not shape.stacked,
    )


def _icon(sheet: Sheet, spot: Box, icon: Mark, i: int) -> None:
    page, art, p = sheet.page, sheet.page.art, sheet.page.art.palette
    flipped = page.flip(spot)
    name = art.name
    if isinstance(icon, Figure) and name != "swiss":
        page.svg(icon_mark(icon, flipped, art, p.ink, p.pop, p.panel if name in {"blueprint", "darkroom"} else p.paper))
        return
    if name in {"papercut", "playful"}:
        tint = (p.pop2, p.ramp[1], p.ramp[2], p.pop)[i % 4]
        page.circle(spot.cx, spot.cy, spot.w / 2, mix(tint, "#ffffff", 0.25))
        page.svg(
            icon_mark(
                icon,
                flipped.inset(spot.w * 0.2),
                art,
                p.ink if name == "playful" else p.light,
                p.pop if name == "playful" else p.accent,
                "#ffffff",
                "",
                2.0,
            )
        )
        return
    if name == "swiss":
        page.rect(spot, p.pop if i % 2 == 0 else p.ink)
        page.svg(
            icon_mark(
                icon, flipped.inset(spot.w * 0.12), art, p.paper, p.paper, p.pop if i % 2 == 0 else p.ink, "line", 2.0
            )
        )
        return
    if name == "darkroom":
        page.svg(icon_mark(icon, flipped.inset(spot.w * 0.08), art, p.accent, p.ramp[2], p.panel, "duotone", 1.5))
        return
    if name == "editorial":
        page.svg(
            icon_mark(
                icon, flipped.inset(spot.w * 0.06), art, p.ink, mix(p.pop2, p.panel, 0.25), p.panel, "duotone", 1.3
            )
        )
        return
    weight = {"blueprint": 1.2, "botanical": 1.0, "chalkboard": 1.6}.get(name, 0.0)
    line = p.accent if name == "chalkboard" else p.ink
    page.svg(
        icon_mark(
            icon, flipped.inset(spot.w * 0.06), art, line, p.pop if name != "blueprint" else p.pop2, p.panel, "", weight
        )
    )


def _card(sheet: Sheet, cell: Box, i: int) -> None:
    page, art, p, u = sheet.page, sheet.page.art, sheet.page.art.palette, sheet.page.unit
    radius = art.radius * 60 * u
    if art.name == "papercut":
        for k, o in ((5.0, 0.05), (3.2, 0.07), (1.6, 0.09)):
            page.rect(Box(cell.x, cell.y + k * u, cell.w, cell.h), p.ramp[-1], radius, opacity=o)
        page.rect(cell, p.panel, radius)
    elif art.name == "blueprint":
        page.rect(cell, p.panel, 0, p.accent2, 1.0 * u, 0.8)
    elif art.name == "darkroom":
        page.rect(cell, p.panel, 0)
        page.rect(Box(cell.x, cell.y, 4 * u, cell.h), p.ramp[1])
    elif art.name == "editorial":
        page.rect(cell, p.panel)
        page.rect(Box(cell.x, cell.y, cell.w, 3 * u), p.accent)
    else:
        page.rect(cell, panel_color(sheet, i), radius)


def _rule(sheet: Sheet, cell: Box) -> None:
    page, art, p, u = sheet.page, sheet.page.art, sheet.page.art.palette, sheet.page.unit
    y = cell.y - 2 * u
    if art.name == "swiss":
        page.rect(Box(cell.x, y, cell.w, 2.4 * u), p.ink)
    elif art.name == "chalkboard":
        page.line(
            [(cell.x, y), (cell.x + cell.w * 0.5, y + 1.6 * u), (cell.right, y - 0.8 * u)],
            mix(p.paper, p.ink, 0.45),
            1.8 * u,
            dash=f"{10 * u:.1f} {7 * u:.1f}",
        )
    else:
        page.rect(Box(cell.x + cell.w * 0.0, y, cell.w, max(0.8, 1.0 * u)), p.ink, opacity=0.45)


def _set_bodies(sheet: Sheet, bodies: Sequence[Box], items: Sequence[Item], centered: bool, middle: bool) -> None:
    """Value, label and detail of each item into its box, sizes shared over the grid."""
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    low, detail_low = page.smallest("label"), page.smallest("body")
    texts: list[Text] = []
    for i, (box, item) in enumerate(zip(bodies, items, strict=True)):
        share = (0.34 if item.detail or len(item.value) < 3 else 0.5) if item.value else 0.0
        label_share = (0.46 if item.detail else 1.0) - (share if item.value else 0) * (0.55 if item.detail else 1.0)
        value_h = min(box.h * 0.6, max(low * 1.3, box.h * share)) if item.value else 0.0
        label_h = max(1.0, min(box.h - value_h, max(low * 1.15, box.h * label_share)))
        if item.value:
            texts.append(
                Text(
                    f"v{i}",
                    item.value,
                    page.style("number"),
                    box.w,
                    value_h,
                    low * 0.8,
                    min(72 * u, box.h * 0.4),
                    "value",
                    lines=2,
                )
            )
        texts.append(
            Text(
                f"l{i}",
                item.label,
                page.style("label"),
                box.w,
                label_h,
                low * 0.8,
                38 * u,
                "label",
                lines=5,
                balance=True,
            )
        )
    first = page.fit(texts)
    texts = []
    for i, (box, item) in enumerate(zip(bodies, items, strict=True)):
        used = sum(first[k].height + 8 * u for k in (f"v{i}", f"l{i}") if k in first)
        room = box.h - used
        if item.detail and room > detail_low * 1.05:
            texts.append(
                Text(
                    f"d{i}",
                    item.detail,
                    page.style("body"),
                    box.w,
                    room,
                    detail_low * 0.9,
                    27 * u,
                    "detail",
                    balance=centered,
                )
            )
        elif item.detail:
            page.notes.append(f"no room for the detail of {item.label[:40]!r}: ask for a larger image")
    second = page.fit(texts)
    align = "center" if centered else "start"
    for i, (box, item) in enumerate(zip(bodies, items, strict=True)):
        del item
        stack: list[tuple[Fit, str]] = [
            (fits[k], color)
            for fits, k, color in ((first, f"v{i}", p.accent), (first, f"l{i}", p.ink), (second, f"d{i}", p.muted))
            if k in fits
        ]
        total = sum(fit.height for fit, _ in stack) + 8 * u * (len(stack) - 1)
        y = box.y + (max(0.0, (box.h - total) / 2) if middle else 0.0)
        for fit, color in stack:
            page.text(fit, Box(box.x, y, box.w, fit.height), color, align, on=panel_color(sheet, i))
            y += fit.height + 8 * u
