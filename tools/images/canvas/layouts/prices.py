"""A menu or a programme: names to the left, prices or times to the right, and a line of dots between."""

# ruff: noqa: E501 (text blocks stay in one piece)
from __future__ import annotations

import re
from collections.abc import Sequence

from ...spec import Item
from ..color import mix
from ..page import Box
from ..typeset import Text
from .frame import Sheet, ornament, place_head, set_head
from .windows import show_picture

__all__ = ["is_priced", "prices"]

_PRICE = re.compile(
    r"\s*(?:[€$£¥₹₽₪₩฿₺]\s?\d[\d.,\s]*|\d[\d.,\s]*\s?(?:[€$£¥₹₽₪₩฿₺]|EUR|USD|CHF|kr|zł|Kč|元|円|원))\s*"
)


def is_priced(items: Sequence[Item]) -> bool:
    """Whether these entries are a price list: three or more, each with a price for its value."""
    return len(items) >= 3 and all(_PRICE.fullmatch(item.value) for item in items)


def prices(sheet: Sheet) -> None:
    """A headline, a picture where there is room, and a row for each entry."""
    page, c, u, spec = sheet.page, sheet.content, sheet.page.unit, sheet.spec
    n = len(spec.items)
    align = "center" if page.art.name in {"botanical", "playful"} and not sheet.wide else "start"
    if sheet.wide:
        column = c.w * 0.38
        head = set_head(sheet, column, c.h * 0.5, 92, 4, sub_most=34)
        place_head(sheet, head, Box(c.x, c.y, column, head.height))
        ornament(sheet, c.x, c.y + head.height + 26 * u, min(column, 180 * u))
        low = Box(c.x, c.y + head.height + 56 * u, column, c.h - head.height - 56 * u)
        if low.h > 150 * u:
            show_picture(sheet, low)
        _rows(sheet, c.after(column + 60 * u), spec.items)
        return
    head = set_head(sheet, c.w, c.h * 0.24, 104, 3, sub_most=36)
    place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align)
    ornament(sheet, page.w / 2 if align == "center" else c.x, c.y + head.height + 24 * u, min(220 * u, c.w), align)
    rest = c.below(head.height + 54 * u)
    tall = any(item.detail for item in spec.items)
    need = min(rest.h, n * (128 if tall else 92) * u)
    band = min(rest.h - need - 30 * u, rest.h * 0.56)
    if band > 150 * u:
        show_picture(sheet, rest.top(band))
        rest = rest.below(band + 30 * u)
    _rows(sheet, rest, spec.items)


def _rows(sheet: Sheet, box: Box, items: Sequence[Item]) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    n = len(items)
    row = min(box.h / n, 150 * u)
    low, body = page.smallest("label"), page.smallest("body")
    fits = page.fit(
        [
            text
            for i, item in enumerate(items)
            for text in (
                Text(f"v{i}", item.value, page.style("number"), box.w * 0.3, row * 0.6, low * 0.7, 44 * u, "value", lines=1),
                Text(f"l{i}", item.label, page.style("label"), box.w * 0.62, row * (0.5 if item.detail else 0.8), low * 0.7, 44 * u, "label", lines=2),
                Text(f"d{i}", item.detail, page.style("body"), box.w * 0.62, row * 0.36, body * 0.8, 24 * u, "detail", lines=2),
            )
        ]
    )  # fmt: skip
    for i in range(n):
        cell = Box(box.x, box.y + i * row, box.w, row)
        value, label, detail = fits.get(f"v{i}"), fits.get(f"l{i}"), fits.get(f"d{i}")
        tall = (label.height if label else 0.0) + (detail.height + 4 * u if detail else 0.0)
        y = cell.y + (row - tall) / 2
        page.text(label, Box(cell.x, y, cell.w, label.height if label else 0), p.ink, on=p.paper)
        if value and label:
            # On one baseline with the first line of the name, whose letters are as large.
            page.text(
                value,
                Box(cell.x, y + (label.size - value.size) * 0.8, cell.w, value.height),
                p.accent,
                "end",
                on=p.paper,
            )
            left, right = cell.x + label.width + 16 * u, cell.right - value.width - 16 * u
            if right - left > 30 * u and label.height < label.size * 1.9:
                step = 11 * u
                for k in range(int((right - left) / step)):
                    page.circle(left + (k + 0.5) * step, y + label.size * 0.82, 1.7 * u, mix(p.paper, p.ink, 0.45))
        page.text(
            detail,
            Box(cell.x, y + tall - (detail.height if detail else 0), cell.w, detail.height if detail else 0),
            p.muted,
            on=p.paper,
        )
