"""A page of two to four things side by side."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence

from ...spec import Item
from ..brush import Mark
from ..page import Box
from ..scene.places import choose
from ..typeset import Text
from .entries import listing
from .frame import Sheet, open_page
from .marks import marks_for
from .windows import show_picture

__all__ = ["comparison"]


def comparison(sheet: Sheet) -> None:
    """Two to four panels side by side (stacked on tall pages), each with its own picture, text aligned across them."""
    items = sheet.spec.items
    n = len(items)
    if not 2 <= n <= 4:
        listing(sheet)
        return
    page, u = sheet.page, sheet.page.unit
    box = open_page(sheet)
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
    """The height in px that the longest panel text takes at full size, between 10 % and 62 % of the panel."""
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
    return float(min(max(sum(tallest) * 1.12 + 40 * u, cell.h * 0.1), cell.h * 0.62))


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
