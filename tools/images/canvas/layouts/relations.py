"""Pages that relate things: comparison, timeline, diagram and close-up."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence

from ...spec import Item
from ..brush import Mark
from ..color import mix
from ..page import Box
from ..scene.environments import choose
from ..typeset import Fit, Text
from .entries import entries, listing
from .frame import Sheet, head_with_lens, ornament, place_head, set_head, show_lens, show_picture
from .marks import marks_for

__all__ = ["close_up", "comparison", "diagram", "timeline"]


def _open(sheet: Sheet, share: float = 0.22, largest: float = 64) -> Box:
    """Sets the headline across the top and returns what is left below it."""
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    align = "center" if page.art.name in {"botanical", "playful"} and not sheet.wide else "start"
    head = set_head(sheet, c.w, c.h * share, largest, 3)
    if not head.height:
        return c
    place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align)
    width = head.title.width if head.title else c.w
    ornament(sheet, page.w / 2 if align == "center" else c.x, c.y + head.height + 22 * u, min(200 * u, width), align)
    return c.below(head.height + 48 * u)


def comparison(sheet: Sheet) -> None:
    """Two to four panels side by side (stacked on tall pages), each with its own picture, text aligned across them."""
    items = sheet.spec.items
    n = len(items)
    if not 2 <= n <= 4:
        listing(sheet)
        return
    page, u = sheet.page, sheet.page.unit
    box = _open(sheet)
    stacked = box.w / box.h < (0.5 * n if n > 2 else 0.72)
    cells = box.grid(1, n, 22 * u) if stacked else box.grid(n, 1, 22 * u)
    p = page.art.palette
    marks = marks_for(items, sheet.spec.language)
    texts: list[Box] = []
    share = 0.40 if stacked else 1 - _needed(sheet, cells[0], items) / cells[0].h
    for i, (cell, item) in enumerate(zip(cells, items, strict=True)):
        icon = marks[i]
        subject: Sequence[Mark] = (icon,) if icon else sheet.subject[:1]
        if stacked:
            window, rest = cell.left(cell.w * 0.40), cell.after(cell.w * 0.40)
        else:
            window, rest = cell.top(cell.h * share), cell.below(cell.h * share)
        if page.art.name not in {"swiss", "botanical", "chalkboard"}:
            page.rect(cell, p.panel, page.art.radius * 40 * u)
        carded = page.art.name not in {"swiss", "botanical", "chalkboard"}
        show_picture(
            sheet,
            window,
            subject=subject,
            prefix=f"p{i}",
            around=p.panel if carded else "",
            place=choose(f"{item.icon} {item.label}", sheet.place),
        )
        bar = (p.accent, p.accent2, p.muted, p.ink)[i % 4]
        edge = (
            Box(window.right, window.y, 6 * u, window.h) if stacked else Box(window.x, window.bottom, window.w, 6 * u)
        )
        page.rect(edge, bar)
        texts.append(rest.inset(20 * u, 18 * u) if not stacked else rest.inset(24 * u, 14 * u))
    _columns(sheet, texts, items, middle=stacked)


def _needed(sheet: Sheet, cell: Box, items: Sequence[Item]) -> float:
    """The height in px that the longest panel text takes at full size, between 20 % and 62 % of the panel."""
    page, u = sheet.page, sheet.page.unit
    low = page.smallest("body")
    w = max(20.0, cell.w - 40 * u)
    wanted = [
        text
        for i, item in enumerate(items)
        for text in (
            Text(f"v{i}", item.value, page.style("number"), w, 9999, low, 60 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), w, 9999, low, 38 * u, "label"),
            Text(f"d{i}", item.detail, page.style("body"), w, 9999, low, 24 * u, "detail"),
        )
        if text.text
    ]
    fits = page.setting.typesetter.fit(wanted, page.setting.language)
    tallest = [max((f.height + 9 * u for k, f in fits.items() if k[0] == row), default=0.0) for row in "vld"]
    return float(min(max(sum(tallest) * 1.18 + 44 * u, cell.h * 0.2), cell.h * 0.62))


def _columns(sheet: Sheet, boxes: Sequence[Box], items: Sequence[Item], middle: bool) -> None:
    """Value, label, detail in each box; rows share one height, so that panels can be compared line by line."""
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    low, detail_low = page.smallest("label"), page.smallest("body")
    first = page.fit([
        text
        for i, (box, item) in enumerate(zip(boxes, items, strict=True))
        for text in (
            Text(f"v{i}", item.value, page.style("number"), box.w, box.h * 0.28, low * 0.8, 60 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), box.w, box.h * (0.3 if item.detail else 0.7), low * 0.8, (38 if item.detail else 52) * u, "label", balance=True),
        )
    ])  # fmt: skip
    value_h = max((f.height for k, f in first.items() if k[0] == "v"), default=0.0)
    label_h = max((f.height for k, f in first.items() if k[0] == "l"), default=0.0)
    gap = 8 * u
    top = (value_h + gap if value_h else 0) + (label_h + gap if label_h else 0)
    second = page.fit([
        Text(f"d{i}", item.detail, page.style("body"), box.w, max(1.0, box.h - top), detail_low * 0.9, 24 * u, "detail")
        for i, (box, item) in enumerate(zip(boxes, items, strict=True))
    ])  # fmt: skip
    for i, box in enumerate(boxes):
        detail = second.get(f"d{i}")
        y = box.y + (max(0.0, (box.h - top - (detail.height if detail else 0)) / 2) if middle else 0)
        color = (p.accent, p.accent2, p.muted, p.ink)[i % 4]
        for key, h, tint in (("v", value_h, color), ("l", label_h, p.ink)):
            fit = first.get(f"{key}{i}")
            page.text(fit, Box(box.x, y, box.w, h), tint, valign="bottom" if key == "v" else "top", on=p.panel)
            y += h + gap if h else 0
        page.text(detail, Box(box.x, y, box.w, detail.height if detail else 0), p.muted, on=p.panel)


def timeline(sheet: Sheet) -> None:
    """Events along a line: from left to right on wide pages, from top to bottom on the others."""
    items = sheet.spec.items
    n = len(items)
    if not n or n > 12:
        listing(sheet)
        return
    _page, u = sheet.page, sheet.page.unit
    if sheet.wide and n <= 7:
        box = _open(sheet, 0.28, 68)
        band = max(0.0, box.h - _across_height(sheet, box, items) - 26 * u) if box.h > 300 * u else 0.0
        if band > 120 * u:
            show_picture(sheet, box.top(band))
            box = box.below(band + 26 * u)
        _across(sheet, box, items)
        return
    if sheet.wide:
        side = sheet.content.w * 0.3
        show_picture(sheet, sheet.content.left(side))
        sheet.content = sheet.content.after(side + 44 * u)
        box = _open(sheet, 0.24, 60)
    else:
        room = sheet.content.h * 0.8 - n * 112 * u
        if room > 210 * u:
            box = _open(sheet)
            band = min(room, box.h * 0.4)
            show_picture(sheet, box.top(band))
            box = box.below(band + 28 * u)
        else:
            box = head_with_lens(sheet, 0.24, 72)
    _down(sheet, box, items)


def _node(sheet: Sheet, x: float, y: float, r: float, i: int) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    name = page.art.name
    if name == "swiss":
        page.rect(Box(x - r, y - r, 2 * r, 2 * r), p.accent)
    elif name in {"blueprint", "chalkboard"}:
        page.circle(x, y, r, p.paper, p.accent, 2.4 * u)
        page.circle(x, y, r * 0.4, p.accent)
    elif name in {"playful", "papercut"}:
        page.circle(x, y, r * 1.25, (p.accent, p.pop2, p.ramp[2], p.pop)[i % 4])
        page.circle(x, y, r * 0.55, "#ffffff")
    else:
        page.circle(x, y, r, p.paper, p.accent, 2.2 * u)
        page.circle(x, y, r * 0.52, p.accent)


def _axis_color(sheet: Sheet) -> str:
    p = sheet.page.art.palette
    return mix(p.paper, p.ink, 0.45)


def _across_height(sheet: Sheet, box: Box, items: Sequence[Item]) -> float:
    """The height in px that dates, labels and details take at full size, at most two thirds of `box`."""
    page, u = sheet.page, sheet.page.unit
    low = page.smallest("body")
    w = (box.w - 22 * u * (len(items) - 1)) / len(items)
    wanted = [
        text
        for i, item in enumerate(items)
        for text in (
            Text(f"v{i}", item.value, page.style("number"), w, 9999, low, 48 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), w, 9999, low, 30 * u, "label"),
            Text(f"d{i}", item.detail, page.style("body"), w, 9999, low, 22 * u, "detail"),
        )
        if text.text
    ]
    fits = page.setting.typesetter.fit(wanted, page.setting.language)
    rows = [max((fit.height for key, fit in fits.items() if key[0] == row), default=0.0) for row in "vld"]
    return float(min(box.h * 0.66, sum(rows) * 1.1 + 58 * u))


def _across(sheet: Sheet, box: Box, items: Sequence[Item]) -> None:
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    cells = box.grid(len(items), 1, 22 * u)
    low, detail_low = page.smallest("label"), page.smallest("body")
    first = page.fit([
        text
        for i, (cell, item) in enumerate(zip(cells, items, strict=True))
        for text in (
            Text(f"v{i}", item.value, page.style("number"), cell.w, box.h * 0.24, low * 0.8, 48 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), cell.w, box.h * 0.4, low * 0.8, 30 * u, "label"),
        )
    ])  # fmt: skip
    dates = max((f.height for k, f in first.items() if k[0] == "v"), default=0.0)
    r = 9 * u
    y = box.y + dates + 12 * u + r
    labels = y + r + 16 * u
    second = page.fit([
        Text(f"d{i}", item.detail, page.style("body"), cell.w, max(1.0, box.bottom - labels - (first[f"l{i}"].height if f"l{i}" in first else 0) - 8 * u), detail_low * 0.9, 22 * u, "detail")
        for i, (cell, item) in enumerate(zip(cells, items, strict=True))
    ])  # fmt: skip
    page.line([(box.x, y), (box.right, y)], _axis_color(sheet), 2.4 * u)
    for i, cell in enumerate(cells):
        _node(sheet, cell.x + r, y, r, i)
        page.text(first.get(f"v{i}"), Box(cell.x, box.y, cell.w, dates), p.accent, valign="bottom", on=p.paper)
        label, detail = first.get(f"l{i}"), second.get(f"d{i}")
        page.text(label, Box(cell.x, labels, cell.w, label.height if label else 0), p.ink, on=p.paper)
        page.text(
            detail,
            Box(cell.x, labels + (label.height + 6 * u if label else 0), cell.w, detail.height if detail else 0),
            p.muted,
            on=p.paper,
        )


def _down(sheet: Sheet, box: Box, items: Sequence[Item]) -> None:
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    n = len(items)
    row_h = min(box.h / n, 190 * u)
    rows = Box(box.x, box.y, box.w, row_h * n).grid(1, n, 0)
    low, detail_low = page.smallest("label"), page.smallest("body")
    dated = any(item.value for item in items)
    date_fits = page.fit(
        [
            Text(
                f"v{i}", item.value, page.style("number"), box.w * 0.3, row_h * 0.7, low * 0.7, 50 * u, "value", lines=2
            )
            for i, item in enumerate(items)
        ]
    )
    column = max((fit.width for fit in date_fits.values()), default=0.0)
    r = min(10 * u, row_h * 0.14)
    axis = box.x + column + (22 * u if dated else r)
    left = axis + r + 24 * u
    width = box.right - left
    pad = row_h * 0.08
    first = page.fit([
        Text(f"l{i}", item.label, page.style("label"), width, row.h * (0.46 if item.detail else 0.84), low * 0.8, 38 * u, "label")
        for i, (row, item) in enumerate(zip(rows, items, strict=True))
    ])  # fmt: skip
    second = page.fit([
        Text(f"d{i}", item.detail, page.style("body"), width, max(1.0, row.h - 2 * pad - (first[f"l{i}"].height if f"l{i}" in first else 0) - 4 * u), detail_low * 0.9, 26 * u, "detail")
        for i, (row, item) in enumerate(zip(rows, items, strict=True))
    ])  # fmt: skip
    page.line([(axis, rows[0].y + pad + r), (axis, rows[-1].bottom - pad)], _axis_color(sheet), 2.4 * u)
    for i, row in enumerate(rows):
        y = row.y + pad
        label, detail, value = first.get(f"l{i}"), second.get(f"d{i}"), date_fits.get(f"v{i}")
        anchor: Fit | None = label or value
        mid = y + (anchor.size * 0.52 if anchor else r)
        _node(sheet, axis, mid, r, i)
        if value:
            page.text(
                value,
                Box(box.x, max(row.y, mid - value.size * 0.56), column, value.height),
                p.accent,
                "end",
                on=p.paper,
            )
        page.text(label, Box(left, y, width, label.height if label else 0), p.ink, on=p.paper)
        page.text(
            detail,
            Box(left, y + (label.height + 5 * u if label else 0), width, detail.height if detail else 0),
            p.muted,
            on=p.paper,
        )


def diagram(sheet: Sheet) -> None:
    """The subject in the middle, its parts around it, each tied to it by a line."""
    _callouts(sheet, lens=False)


def close_up(sheet: Sheet) -> None:
    """The subject under a lens, with what there is to see named at its edge."""
    _callouts(sheet, lens=True)


def _callouts(sheet: Sheet, lens: bool) -> None:
    items = sheet.spec.items
    n = len(items)
    _page, u = sheet.page, sheet.page.unit
    if n > 8:
        listing(sheet)
        return
    box = _open(sheet)
    if sheet.tall or n == 0 or box.w < 420 * u:
        side = min(box.w, box.h * (0.46 if n else 0.96))
        spot = Box(box.cx - side / 2, box.y, side, side)
        show_lens(sheet, spot)
        if n:
            entries(sheet, box.below(side + 26 * u), items)
        return
    if n <= 5:
        _one_side(sheet, box, items)
        return
    side = min(box.h * 0.98, box.w * (0.48 if lens else 0.46))
    spot = Box(box.cx - side / 2, box.cy - side / 2, side, side)
    left_n = (n + 1) // 2
    column = (box.w - side) / 2 - 34 * u
    left = Box(box.x, box.y, column, box.h).grid(1, left_n, 20 * u)
    right = Box(box.right - column, box.y, column, box.h).grid(1, n - left_n, 20 * u)
    _leaders(sheet, spot, left, right)
    show_lens(sheet, spot)
    _notes(sheet, [*left, *right], items, left_n)


def _one_side(sheet: Sheet, box: Box, items: Sequence[Item]) -> None:
    """A large lens, and its callouts in a column beside it."""
    _page, u = sheet.page, sheet.page.unit
    side = min(box.h, box.w * 0.56)
    spot = Box(box.x + (0 if box.w < side * 2.2 else box.w * 0.04), box.cy - side / 2, side, side)
    if box.h > box.w * 0.98:  # an upright page: a larger lens that runs off its edge, its subject still whole
        side = min(box.h * 0.8, box.w * 0.80)
        framed = _page.art.name in {"botanical", "blueprint", "chalkboard"}
        side = min(side, box.w * 0.62) if framed else side
        spot = Box(box.x + (0 if framed else box.w * 0.58 - side), box.cy - side / 2, side, side)
    left = spot.right + 58 * u
    tall = min(box.h * 0.94, len(items) * 250 * u)
    cells = Box(left, box.cy - tall / 2, box.right - left, tall).grid(1, len(items), 20 * u)
    _leaders(sheet, spot, [], cells)
    show_lens(sheet, spot)
    _notes(sheet, cells, items, 0)


def _leaders(sheet: Sheet, spot: Box, left: Sequence[Box], right: Sequence[Box]) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    r = spot.w / 2
    for cells, sign in ((left, -1), (right, 1)):
        for cell in cells:
            edge = cell.right + 6 * u if sign < 0 else cell.x - 6 * u
            dy = max(-0.82, min(0.82, (cell.cy - spot.cy) / r * 0.8))
            tx, ty = spot.cx + sign * r * (1 - dy * dy) ** 0.5 * 0.99, spot.cy + dy * r
            knee = edge + (tx - edge) * 0.4
            page.line([(edge, cell.cy), (knee, cell.cy), (tx, ty)], p.accent, 1.8 * u)
            page.circle(edge, cell.cy, 3.6 * u, p.accent)


def _notes(sheet: Sheet, cells: Sequence[Box], items: Sequence[Item], left_n: int) -> None:
    """Callout texts, vertically centered on their leader; those on the left are flush with it."""
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    low, detail_low = page.smallest("label"), page.smallest("body")
    boxes = [cell.inset(10 * u, 2 * u) for cell in cells]
    first = page.fit([
        text
        for i, (box, item) in enumerate(zip(boxes, items, strict=True))
        for text in (
            Text(f"v{i}", item.value, page.style("number"), box.w, box.h * 0.26, low * 0.8, 40 * u, "value", lines=2),
            Text(f"l{i}", item.label, page.style("label"), box.w, box.h * (0.42 if item.detail else 0.7), low * 0.8, 36 * u, "label", balance=True),
        )
    ])  # fmt: skip
    second = page.fit([
        Text(f"d{i}", item.detail, page.style("body"), box.w, max(1.0, box.h - sum(first[k].height + 6 * u for k in (f"v{i}", f"l{i}") if k in first)), detail_low * 0.9, 25 * u, "detail")
        for i, (box, item) in enumerate(zip(boxes, items, strict=True))
    ])  # fmt: skip
    for i, box in enumerate(boxes):
        stack = [
            (fits[k], c)
            for fits, k, c in ((first, f"v{i}", p.accent), (first, f"l{i}", p.ink), (second, f"d{i}", p.muted))
            if k in fits
        ]
        total = sum(fit.height for fit, _ in stack) + 6 * u * (len(stack) - 1)
        y = box.cy - total / 2
        for fit, color in stack:
            page.text(fit, Box(box.x, y, box.w, fit.height), color, "end" if i < left_n else "start", on=p.paper)
            y += fit.height + 6 * u
