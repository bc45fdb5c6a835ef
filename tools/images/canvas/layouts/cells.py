"""The cells of a grid of entries: card or rule, mark, value, label and detail."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...spec import Item
from ..brush import Mark, icon_mark
from ..color import mix
from ..figures import Figure
from ..page import Box
from ..scene.plate import sprig
from ..typeset import Fit, Text
from .frame import Sheet

__all__ = ["Shape", "fit_bodies", "panel_color", "place_mark", "set_cells"]


@dataclass(frozen=True)
class Shape:
    """How a grid is cut: columns, rows, and whether icons stand above the text or beside it."""

    columns: int
    rows: int
    stacked: bool


def panel_color(sheet: Sheet, i: int = 0) -> str:
    """The color of the i-th card: the panel, or for the livelier directions a tint that changes from card to card."""
    p = sheet.page.art.palette
    if sheet.page.art.name == "playful":
        tints = ("#ffffff", p.ramp[1], p.pop, p.ramp[0])
        return mix(tints[i % 4], "#ffffff", 0.72)
    return p.panel


# Directions that center what stands in a cell, and those that put it on a card.
_CENTERED = frozenset({"botanical", "playful", "papercut"})
_CARDED = frozenset({"papercut", "playful", "editorial", "darkroom", "blueprint"})
# What a label forbids, told by its first word.
_FORBIDDEN = re.compile(
    r"^(?:no|never|don['’]t|do not|avoid|kein[e]?[nr]?|nicht|nie|pas de|interdit|ne pas|défense|no se|prohibido|nunca|vietato|"
    r"niente|não|proibido|не|нет|нельзя|geen|niet|zakaz|nie|μην|όχι|yasak|لا|ممنوع|אין|אסור|मत|ห้าม)(?![\w’'])|禁止|禁$|厳禁|금지",
    re.IGNORECASE,
)


def set_cells(
    sheet: Sheet, cells: Sequence[Box], items: Sequence[Item], icons: Sequence[Mark | None], shape: Shape
) -> None:
    """Sets one item a cell. What a cell leaves free lies above and below what it holds, alike in all cells."""
    name, u = sheet.page.art.name, sheet.page.unit
    short, narrow = min(cell.h for cell in cells), min(cell.w for cell in cells)
    pad = min(22 * u, short * 0.14, narrow * 0.09)
    size = min(short * (0.36 if shape.stacked else 0.56), narrow * (0.42 if shape.stacked else 0.20), 96 * u)
    if shape.stacked and not any(item.detail or item.value for item in items):
        size = min(short * 0.46, narrow * 0.46, 130 * u)  # a mark and a word: the mark is half of it
    if not any(icons) or size <= 18 * u:
        size = 0.0
    centered = shape.stacked and name in _CENTERED
    inner = [cell.inset(pad if name in _CARDED else 1.0, pad) for cell in cells]
    lead = (size + pad * (0.7 if shape.stacked else 1.1)) if size else 0.0
    bodies = inner
    if lead and shape.stacked:
        bodies = [box.below(lead) for box in inner]
    elif lead:  # where one has no mark, its words begin at the edge rather than after a gap
        bodies = [box.after(lead) if mark else box for box, mark in zip(inner, icons, strict=True)]
    stacks = fit_bodies(sheet, bodies, items, centered)
    gap = 8 * u
    heights = [sum(fit.height for fit, _ in stack) + gap * (len(stack) - 1) for stack in stacks]
    slack = min(body.h - height for body, height in zip(bodies, heights, strict=True))
    drop = max(0.0, slack) * 0.5 if shape.stacked else 0.0
    alike = {mark.name for mark in icons if mark and icons.count(mark) > 1} if name == "botanical" else set()
    for i, (cell, box, body, stack) in enumerate(zip(cells, inner, bodies, stacks, strict=True)):
        _card(sheet, cell, i) if name in _CARDED else _rule(sheet, cell)
        spot = Box(box.cx - size / 2 if centered else box.x, box.y + drop, size, size)
        spot = spot if shape.stacked else Box(box.x, box.cy - size / 2, size, size)
        mark = icons[i] if size else None
        if mark is not None and mark.name in alike:
            sheet.page.svg(sprig(sheet.page.flip(spot), sheet.page.art, u, items[i].label))
        elif mark is not None and _FORBIDDEN.search(items[i].label.strip()):
            _forbid(sheet, spot, mark)
        elif mark is not None:
            place_mark(sheet, spot, mark, i)
        y = body.y + (drop if shape.stacked else max(0.0, (body.h - heights[i]) / 2))
        for fit, color in stack:
            where = Box(body.x, y, body.w, fit.height)
            sheet.page.text(fit, where, color, "center" if centered else "start", on=panel_color(sheet, i))
            y += fit.height + gap


def _forbid(sheet: Sheet, spot: Box, mark: Mark) -> None:
    """A mark under the ring and the bar of a prohibition."""
    page, p = sheet.page, sheet.page.art.palette
    inner = page.flip(spot).inset(spot.w * (0.1 if isinstance(mark, Figure) else 0.16))
    page.svg(icon_mark(mark, inner, page.art, p.ink, p.ink, p.paper, "line", 1.9))
    red = "#d4141f" if page.art.material in {"grain", "layers", "bright", "tiles", "wash"} else p.accent
    r, width = spot.w * 0.5, spot.w * 0.085
    page.circle(spot.cx, spot.cy, r, "", red, width)
    k = r * 0.7071
    page.line([(spot.cx - k, spot.cy - k), (spot.cx + k, spot.cy + k)], red, width)


def place_mark(sheet: Sheet, spot: Box, icon: Mark, i: int = 0) -> None:
    """A mark in the direction's own manner; `i` varies the tint from neighbor to neighbor."""
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


def fit_bodies(
    sheet: Sheet, bodies: Sequence[Box], items: Sequence[Item], centered: bool, largest: float = 38
) -> list[list[tuple[Fit, str]]]:
    """Value, label and detail of each item, fitted to its box, with their colors; sizes are shared over the grid."""
    page, u = sheet.page, sheet.page.unit
    p = page.art.palette
    # Labels that stand alone may be larger.
    largest = largest if any(item.detail or item.value for item in items) else largest * 1.2
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
                    min(1.9 * largest * u, box.h * 0.4),
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
                largest * u,
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
                    min(27, largest * 0.8) * u,
                    "detail",
                    balance=centered,
                )
            )
        elif item.detail:
            page.notes.append(f"no room for the detail of {item.label[:40]!r}: ask for a larger image")
    second = page.fit(texts)
    return [
        [
            (fits[key], color)
            for fits, key, color in ((first, f"v{i}", p.accent), (first, f"l{i}", p.ink), (second, f"d{i}", p.muted))
            if key in fits
        ]
        for i in range(len(items))
    ]
