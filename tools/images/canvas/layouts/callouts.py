"""The subject and the names of its parts: diagram and close-up."""

# ruff: noqa: E501 (text blocks stay in one piece)
from __future__ import annotations

from collections.abc import Sequence

from ...spec import Item
from ..brush import icon_mark
from ..color import mix
from ..page import Box
from ..typeset import Text
from .entries import entries, listing, wanted_height
from .frame import Sheet, open_page
from .parts import part_spots
from .windows import show_lens, show_picture

__all__ = ["close_up", "diagram"]


def diagram(sheet: Sheet) -> None:
    """The subject in the middle, its parts around it, each tied to it by a line."""
    _callouts(sheet, lens=False)


def close_up(sheet: Sheet) -> None:
    """The subject under a lens, with what there is to see named at its edge."""
    _callouts(sheet, lens=True)


def _callouts(sheet: Sheet, lens: bool) -> None:
    items = sheet.spec.items
    n = len(items)
    u = sheet.page.unit
    if n > 8:
        listing(sheet)
        return
    box = open_page(sheet)
    upright = box.h > box.w * 0.98
    if sheet.tall or upright or n == 0 or box.w < 420 * u:
        _picture_above(sheet, box, items, lens=lens or n == 0)
        return
    if not lens and (spots := part_spots(sheet, items)):
        _pointed(sheet, box, items, spots)
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


def _picture_above(sheet: Sheet, box: Box, items: Sequence[Item], *, lens: bool) -> None:
    """An upright page: the subject over its entries, as large as they leave room for."""
    u = sheet.page.unit
    need = wanted_height(sheet, box.below(box.h * 0.4), items) + 26 * u if items else 0.0
    side = min(box.w, max(box.h * 0.34, box.h - need))
    free = box.h - side - need if items else box.h - side
    spot = Box(box.cx - side / 2, box.y + max(0.0, free / 2 if not items else 0.0), side, side)
    show_lens(sheet, spot) if lens else show_picture(sheet, box.top(side))
    if items:
        entries(sheet, box.below(side + 26 * u), items)


def _one_side(sheet: Sheet, box: Box, items: Sequence[Item]) -> None:
    """A large lens, and its callouts in a column beside it."""
    u = sheet.page.unit
    side = min(box.h, box.w * 0.56)
    spot = Box(box.x + (0 if box.w < side * 2.2 else box.w * 0.04), box.cy - side / 2, side, side)
    left = spot.right + 58 * u
    tall = min(box.h * 0.94, len(items) * 250 * u)
    cells = Box(left, box.cy - tall / 2, box.right - left, tall).grid(1, len(items), 20 * u)
    _leaders(sheet, spot, [], cells)
    show_lens(sheet, spot)
    _notes(sheet, cells, items, 0)


def _pointed(sheet: Sheet, box: Box, items: Sequence[Item], spots: Sequence[tuple[float, float]]) -> None:
    """The subject by itself, large, each name tied to the very part that it names."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    side = min(box.h * 0.98, box.w * 0.52)
    spot = Box(box.cx - side / 2, box.cy - side / 2, side, side)
    halo = mix(p.paper, p.light, 0.5) if not p.dark else p.panel
    page.circle(spot.cx, spot.cy, side * 0.49, halo, p.accent2 if page.art.name == "blueprint" else "", 1.2 * u)
    page.svg(icon_mark(sheet.subject[0], page.flip(spot.inset(side * 0.08)), page.art, p.ink, p.pop, halo))
    inner = spot.inset(side * 0.08)
    points = [(inner.x + inner.w * x / 32, inner.y + inner.h * y / 32) for x, y in spots]
    # Half of the names on each side, from top to bottom, so that no two lines cross.
    by_x = sorted(range(len(items)), key=lambda i: points[i][0])
    half = (len(items) + 1) // 2
    sides = [sorted(group, key=lambda i: points[i][1]) for group in (by_x[:half], by_x[half:])]
    column = (box.w - side) / 2 - 24 * u
    cells: list[Box] = []
    order: list[int] = []
    for group, x, sign in ((sides[0], box.x, -1), (sides[1], box.right - column, 1)):
        rows = Box(x, spot.y + side * 0.06, column, side * 0.88).grid(1, max(1, len(group)), 20 * u)
        for i, cell in zip(group, rows, strict=False):
            edge = cell.right + 6 * u if sign < 0 else cell.x - 6 * u
            px, py = points[i]
            knee = edge - sign * 34 * u if sign > 0 else edge + 34 * u
            page.line([(edge, cell.cy), (knee, cell.cy), (px, py)], p.accent, 2 * u)
            page.circle(px, py, 6 * u, p.accent, p.paper, 1.6 * u)
            cells.append(cell)
            order.append(i)
    _notes(sheet, cells, [items[i] for i in order], len(sides[0]))


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
            Text(f"l{i}", item.label, page.style("label"), box.w, box.h * (0.42 if item.detail else 0.7), low * 0.8, 42 * u, "label", balance=True),
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
