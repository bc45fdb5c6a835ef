"""A page with a chart of given data, drawn in the direction"s own colors."""

from __future__ import annotations

import math

from .....errors import BadInput
from ...spec import Chart
from ..page import Box
from ..typeset import Text
from .axes import series_colors
from .bars import bars
from .entries import entries, listing
from .frame import Sheet, ornament, place_head, set_head
from .lines import lines, scatter
from .shares import shares
from .windows import head_with_lens, show_lens

__all__ = ["chart"]


def chart(sheet: Sheet) -> None:
    """Headline, legend, plot, and what to read from it. Raises `BadInput` on data that cannot be drawn."""
    data = sheet.spec.chart
    if data is None:
        listing(sheet)
        return
    _check(data)
    data = _named(data)
    _page, c, u, spec = sheet.page, sheet.content, sheet.page.unit, sheet.spec
    if sheet.wide and (spec.items or spec.title):
        column = c.w * 0.32
        head = set_head(sheet, column, c.h * (0.5 if spec.items else 0.9), 64, 6)
        place_head(sheet, head, Box(c.x, c.y, column, head.height))
        ornament(sheet, c.x, c.y + head.height + 24 * u, min(column, 180 * u))
        if spec.items:
            entries(sheet, Box(c.x, c.y + head.height + 54 * u, column, c.h - head.height - 54 * u), spec.items[:4])
        plot = c.after(column + 48 * u)
        free = Box(c.x, c.y + head.height + 54 * u, column, c.h - head.height - 54 * u)
        if not spec.items and sheet.subject and min(free.w, free.h) > 120 * u:
            side = min(free.w, free.h, 300 * u)
            show_lens(sheet, Box(c.x, c.bottom - side, side, side))
    else:
        plot = head_with_lens(sheet, 0.24, 64)
        if spec.items:
            low = plot.h * (0.26 if len(spec.items) <= 3 else 0.36)
            entries(sheet, Box(plot.x, plot.bottom - low, plot.w, low), spec.items)
            plot = plot.top(plot.h - low - 26 * u)
    plot = _legend(sheet, data, plot)
    {"bar": bars, "line": lines, "pie": shares, "scatter": scatter}[data.kind](sheet, data, plot)


def _check(data: Chart) -> None:
    if not data.series or not data.categories:
        raise BadInput("a chart needs at least one category and one series")
    for name, values in data.series.items():
        if len(values) != len(data.categories):
            raise BadInput(f"series {name!r} has {len(values)} values for {len(data.categories)} categories")
        if any(not math.isfinite(v) for v in values):
            raise BadInput(f"series {name!r} holds a value that is not a finite number")
    if data.kind == "pie" and any(v < 0 for values in data.series.values() for v in values):
        raise BadInput("a pie chart cannot show negative values")


def _named(data: Chart) -> Chart:
    """Names of series that no legend shows become axis titles, so that no given text is lost."""
    names = list(data.series)
    if data.kind == "scatter" and len(names) > 1:
        return data.model_copy(update={"x_title": data.x_title or names[0], "y_title": data.y_title or names[1]})
    if len(names) == 1 or data.kind == "pie":
        return data.model_copy(update={"y_title": data.y_title or names[0]})
    return data


def _legend(sheet: Sheet, data: Chart, box: Box) -> Box:
    """Names of the series with their colors, where there is more than one; returns the rest of the box."""
    names = [name for name in data.series if name]
    told = {data.y_title, data.x_title, sheet.spec.title, sheet.spec.subtitle}
    if all(name in told for name in names) or (data.kind in {"pie", "scatter"} and len(names) > 1):
        return box
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    chip = 19 * u
    width = box.w / len(names) - chip - 22 * u
    fits = page.fit(
        [
            Text(
                f"s{i}",
                name,
                page.style("kicker"),
                width,
                60 * u,
                page.smallest("body") * 0.9,
                24 * u,
                "legend",
                lines=2,
            )
            for i, name in enumerate(names)
        ]
    )
    x, h = box.x, max((f.height for f in fits.values()), default=0.0)
    for i, color in enumerate(series_colors(sheet, len(names))):
        fit = fits.get(f"s{i}")
        if fit is None:
            continue
        page.rect(Box(x, box.y + (h - chip) / 2, chip, chip), color, chip * 0.5 if page.art.radius > 0.2 else 0)
        page.text(fit, Box(x + chip + 8 * u, box.y, fit.width, h), p.ink, valign="middle", on=p.paper)
        x += chip + fit.width + 34 * u
    return box.below(h + 22 * u)
