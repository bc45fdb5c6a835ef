"""Shares of a whole, as a ring."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math

from ...spec import Chart
from ..page import Box
from .axes import axis_labels, axis_titles, format_number, series_colors
from .bars import bars_across
from .frame import Sheet

__all__ = ["shares"]


def shares(sheet: Sheet, data: Chart, box: Box) -> None:
    """A ring of shares, largest first from the top, named beside it. More than seven parts go into a list of bars."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = axis_titles(sheet, data, box)
    values = next(iter(data.series.values()))
    total = sum(values)
    if total <= 0 or len(values) > 7:
        bars_across(sheet, data, box)
        return
    order = sorted(range(len(values)), key=lambda i: -values[i])
    beside = box.w > box.h * 1.15
    side = min(box.h, box.w * 0.52) if beside else min(box.w * 0.9, box.h * 0.58)
    ring = Box(box.x, box.cy - side / 2, side, side) if beside else Box(box.cx - side / 2, box.y, side, side)
    rest = box.after(side + 40 * u) if beside else box.below(side + 28 * u)
    colors = series_colors(sheet, len(values))
    cx, cy = page.flip(ring).cx, ring.cy
    sign = -1 if page.setting.rtl else 1
    angle = -math.pi / 2
    for rank, i in enumerate(order):
        sweep = math.tau * values[i] / total
        page.svg(
            _slice(
                cx,
                cy,
                side / 2,
                side * 0.29,
                angle,
                angle + sign * min(sweep, math.tau * 0.99999),
                colors[rank],
                p.paper,
                3 * u,
            )
        )
        angle += sign * sweep
    rows = rest.grid(1, len(values), 10 * u)
    chip = min(22 * u, rows[0].h * 0.4)
    row_w = rest.w - chip - 14 * u
    names = axis_labels(sheet, "c", [data.categories[i] for i in order], row_w * 0.68, rows[0].h, 26, 3)
    shown = axis_labels(
        sheet, "n", [format_number(values[i], page.setting.language) for i in order], row_w * 0.3, rows[0].h, 30, 1
    )
    for rank, row in enumerate(rows):
        page.rect(Box(row.x, row.cy - chip / 2, chip, chip), colors[rank], chip / 2 if page.art.radius > 0.2 else 0)
        page.text(
            names.get(f"c{rank}"),
            Box(row.x + chip + 14 * u, row.y, row_w * 0.68, row.h),
            p.ink,
            "start",
            "middle",
            on=p.paper,
        )
        page.text(
            shown.get(f"n{rank}"),
            Box(row.right - row_w * 0.3, row.y, row_w * 0.3, row.h),
            p.accent,
            "end",
            "middle",
            on=p.paper,
        )


def _slice(
    cx: float, cy: float, outer: float, inner: float, a: float, b: float, fill: str, gap: str, width: float
) -> str:
    large, sweep = int(abs(b - a) > math.pi), int(b > a)
    x0, y0, x1, y1 = (
        cx + math.cos(a) * outer,
        cy + math.sin(a) * outer,
        cx + math.cos(b) * outer,
        cy + math.sin(b) * outer,
    )
    x2, y2, x3, y3 = (
        cx + math.cos(b) * inner,
        cy + math.sin(b) * inner,
        cx + math.cos(a) * inner,
        cy + math.sin(a) * inner,
    )
    return (
        f'<path d="M{x0:.2f} {y0:.2f}A{outer:.2f} {outer:.2f} 0 {large} {sweep} {x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}'
        f'A{inner:.2f} {inner:.2f} 0 {large} {1 - sweep} {x3:.2f} {y3:.2f}Z" fill="{fill}" stroke="{gap}" stroke-width="{width:.2f}"/>'
    )
