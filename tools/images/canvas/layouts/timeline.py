"""Events along a line."""

# ruff: noqa: E501 (text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...spec import Item
from ..color import mix
from ..page import Box
from ..typeset import Fit, Text
from .entries import listing, place_mark
from .frame import Sheet, open_page
from .marks import marks_for
from .windows import head_with_lens, show_picture

__all__ = ["timeline"]

# From the dates to the labels: the line and its nodes, in units.
_AXIS = 46.0


def timeline(sheet: Sheet) -> None:
    """Events along a line: from left to right on wide pages, from top to bottom on the others."""
    items = sheet.spec.items
    n = len(items)
    if not n or n > 12:
        listing(sheet)
        return
    u = sheet.page.unit
    if sheet.wide and n <= 7:
        _wide(sheet, items)
        return
    if sheet.wide:
        side = sheet.content.w * 0.3
        show_picture(sheet, sheet.content.left(side))
        sheet.content = sheet.content.after(side + 44 * u)
        box = open_page(sheet, 0.24, 60)
    else:
        room = sheet.content.h * 0.8 - n * 112 * u
        if room > 210 * u:
            box = open_page(sheet)
            band = min(room, box.h * 0.4)
            show_picture(sheet, box.top(band))
            box = box.below(band + 28 * u)
        else:
            box = head_with_lens(sheet, 0.24, 72)
    _down(sheet, box, items)


def _wide(sheet: Sheet, items: Sequence[Item]) -> None:
    """From left to right; a picture takes what height the events leave, and each event has its mark where it can."""
    u = sheet.page.unit
    box = open_page(sheet, 0.28, 68)
    marks = marks_for(items, sheet.spec.language)
    names = {mark.name for mark in marks if mark}
    told = len(names) == len(items)  # an event each, none shown twice
    row = _measure(sheet, Box(box.x, box.y, box.w, box.h * (0.72 if told else 0.6)), items)
    size = min(118 * u, (box.w / len(items)) * 0.6) if told else 0.0
    tall = row.height + (size + 16 * u if told else 0.0)
    band = box.h - tall - 30 * u
    if band > 130 * u:
        show_picture(sheet, box.top(band))
        box = box.below(band + 30 * u)
    else:
        box = Box(box.x, box.y + (box.h - tall) / 2, box.w, tall)
    if told:
        for cell, mark in zip(box.grid(len(items), 1, 22 * u), marks, strict=True):
            if mark:
                place_mark(sheet, Box(cell.x, cell.y, size, size), mark)
        box = box.below(size + 16 * u)
    _across(sheet, box, items, row)


@dataclass(frozen=True)
class _Row:
    """The texts of a horizontal timeline, fitted: dates and labels, details, the height of the dates and of all."""

    first: dict[str, Fit]
    second: dict[str, Fit]
    dates: float
    height: float


def _measure(sheet: Sheet, box: Box, items: Sequence[Item]) -> _Row:
    page, u = sheet.page, sheet.page.unit
    width = box.grid(len(items), 1, 22 * u)[0].w
    low, detail_low = page.smallest("label"), page.smallest("body")
    first = page.fit([
        text
        for i, item in enumerate(items)
        for text in (
            Text(f"v{i}", item.value, page.style("number"), width, box.h * 0.24, low * 0.8, 50 * u, "value", lines=1 if len(item.value) <= 14 else 2),
            Text(f"l{i}", item.label, page.style("label"), width, box.h * 0.42, low * 0.8, 32 * u, "label"),
        )
    ])  # fmt: skip
    dates = max((fit.height for key, fit in first.items() if key[0] == "v"), default=0.0)
    axis = dates + _AXIS * u
    labels = {i: first[f"l{i}"].height + 6 * u if f"l{i}" in first else 0.0 for i in range(len(items))}
    second = page.fit([
        Text(f"d{i}", item.detail, page.style("body"), width, max(1.0, box.h - axis - labels[i]), detail_low * 0.9, 22 * u, "detail")
        for i, item in enumerate(items)
    ])  # fmt: skip
    below = max(labels[i] + (second[f"d{i}"].height if f"d{i}" in second else 0.0) for i in range(len(items)))
    return _Row(first, second, dates, min(box.h, axis + below))


def _across(sheet: Sheet, box: Box, items: Sequence[Item], row: _Row) -> None:
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    r = 9 * u
    y = box.y + row.dates + 12 * u + r
    labels = box.y + row.dates + _AXIS * u
    page.line([(box.x, y), (box.right, y)], _axis_color(sheet), 2.4 * u)
    for i, cell in enumerate(box.grid(len(items), 1, 22 * u)):
        _node(sheet, cell.x + r, y, r, i)
        page.text(row.first.get(f"v{i}"), Box(cell.x, box.y, cell.w, row.dates), p.accent, valign="bottom", on=p.paper)
        label, detail = row.first.get(f"l{i}"), row.second.get(f"d{i}")
        page.text(label, Box(cell.x, labels, cell.w, label.height if label else 0), p.ink, on=p.paper)
        below = labels + (label.height + 6 * u if label else 0)
        page.text(detail, Box(cell.x, below, cell.w, detail.height if detail else 0), p.muted, on=p.paper)


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
