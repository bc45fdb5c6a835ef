"""Bars, upright or across."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from ...spec import Chart
from ..brush import icon_mark
from ..color import mix
from ..page import Box
from .axes import Axis, axis_labels, axis_titles, format_number, series_colors, ticks
from .frame import Sheet
from .marks import icon_for

__all__ = ["bars", "bars_across"]


def bars(sheet: Sheet, data: Chart, box: Box) -> None:
    longest = max(len(c) for c in data.categories)
    many = len(data.categories)
    cell = box.w / max(1, many)
    if longest * 10 * sheet.page.unit > cell * 1.6 or (many > 7 and box.h > box.w * 0.7):
        bars_across(sheet, data, axis_titles(sheet, data, box))
    else:
        _bars_up(sheet, data, axis_titles(sheet, data, box))


def _range(data: Chart) -> tuple[float, float]:
    values = [v for series in data.series.values() for v in series]
    return min(0.0, *values), max(0.0, *values)


def _fill(sheet: Sheet, data: Chart, s: int, c: int) -> str:
    """One series: the largest bar in the accent, the others in a tint of it. More: a color each."""
    p = sheet.page.art.palette
    if len(data.series) > 1:
        return series_colors(sheet, len(data.series))[s]
    values = next(iter(data.series.values()))
    return p.accent if values[c] == max(values) else mix(p.accent, p.paper, 0.42)


def _bars_up(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    n, m = len(data.categories), len(data.series)
    scale = ticks(*_range(data))
    names = axis_labels(sheet, "c", data.categories, box.w / n * 0.94, 64 * u, 20, 3)
    icons = [icon_for("", name) if page.setting.language == "en" else None for name in data.categories]
    side = min(40 * u, box.w / n * 0.5) if sum(icon is not None for icon in icons) > n / 2 and box.h > 220 * u else 0.0
    foot = max((f.height for f in names.values()), default=0.0) + 12 * u + (side + 8 * u if side else 0)
    area = Box(box.x, box.y + 30 * u, box.w, box.h - foot - 30 * u)
    to_y = Axis(scale[0], scale[-1], area.bottom, -area.h)
    for value in scale:
        page.line(
            [(area.x, to_y(value)), (area.right, to_y(value))],
            mix(p.paper, p.ink, 0.55 if value == 0 else 0.16),
            (1.8 if value == 0 else 1.0) * u,
        )
    band = area.w / n
    width = band * (0.66 if m > 1 else 0.58) / m
    values = [v for series in data.series.values() for v in series]
    shown = axis_labels(
        sheet,
        "n",
        [format_number(v, sheet.page.setting.language) for v in values],
        max(width * 1.35, band / m * 0.92),
        40 * u,
        24 if m == 1 else 18,
        1,
    )
    for s, series in enumerate(data.series.values()):
        for c, value in enumerate(series):
            x = area.x + band * (c + 0.5) + (s - m / 2) * width
            y0, y1 = sorted((to_y(0), to_y(value)))
            _bar(sheet, Box(x + width * 0.04, y0, width * 0.92, max(1.0, y1 - y0)), _fill(sheet, data, s, c))
            fit = shown.get(f"n{s * n + c}")
            if fit:
                spot = (
                    Box(x - (band - width) / 2, y0 - fit.height - 6 * u, band, fit.height)
                    if value >= 0
                    else Box(x - (band - width) / 2, y1 + 6 * u, band, fit.height)
                )
                page.text(fit, spot, p.ink, "center", on=p.paper)
    for c in range(n):
        fit = names.get(f"c{c}")
        icon = icons[c]
        if side and icon:
            spot = page.flip(Box(area.x + band * (c + 0.5) - side / 2, area.bottom + 12 * u, side, side))
            page.svg(
                icon_mark(
                    icon,
                    spot,
                    page.art,
                    p.ink,
                    mix(p.pop2, p.paper, 0.2),
                    p.paper,
                    "duotone" if page.art.icon != "line" else "line",
                    1.7,
                )
            )
        page.text(
            fit,
            Box(
                area.x + band * c + band * 0.03,
                area.bottom + 12 * u + (side + 8 * u if side else 0),
                band * 0.94,
                fit.height if fit else 0,
            ),
            p.muted,
            "center",
            on=p.paper,
        )


def _bar(sheet: Sheet, b: Box, fill: str) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    name = page.art.name
    radius = min(b.w, b.h) * 0.18 if page.art.radius > 0.2 else 0
    if name == "papercut":
        page.rect(Box(b.x + 2 * u, b.y + 3 * u, b.w, b.h), p.ramp[-1], radius, opacity=0.16)
    if name in {"chalkboard", "blueprint"}:
        ident = "hatch" + fill.removeprefix("#")
        page.svg(
            f'<defs><pattern id="{ident}" width="{9 * u:.2f}" height="{9 * u:.2f}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<path d="M0 0V{9 * u:.2f}" stroke="{fill}" stroke-width="{3.2 * u:.2f}"/></pattern></defs>'
        )
        page.rect(b, mix(p.paper, fill, 0.14), radius)
        page.rect(b, f"url(#{ident})", radius, fill, 2.4 * u)
        return
    page.rect(b, fill, radius)


def bars_across(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    n, m = len(data.categories), len(data.series)
    names = axis_labels(sheet, "c", data.categories, box.w * 0.3, box.h / n * 0.96, 22, 3)
    side = max((f.width for f in names.values()), default=0.0) + 16 * u
    values = [v for series in data.series.values() for v in series]
    band = box.h / n
    shown = axis_labels(
        sheet,
        "n",
        [format_number(v, sheet.page.setting.language) for v in values],
        box.w * 0.16,
        band / m * 0.96,
        22 if m == 1 else 17,
        1,
    )
    tail = max((f.width for f in shown.values()), default=0.0) + 12 * u
    low, high = _range(data)
    area = Box(box.x + side + (tail if low < 0 else 0), box.y, box.w - side - tail * (2 if low < 0 else 1), box.h)
    to_x = Axis(low, high, area.x, area.w)
    page.line([(to_x(0), area.y), (to_x(0), area.bottom)], mix(p.paper, p.ink, 0.5), 1.6 * u)
    height = min(band * 0.68, 64 * u * m) / m
    for c in range(n):
        name = names.get(f"c{c}")
        page.text(name, Box(box.x, box.y + band * c, side - 16 * u, band), p.ink, "end", "middle", on=p.paper)
        for s, series in enumerate(data.series.values()):
            value = series[c]
            y = box.y + band * (c + 0.5) + (s - m / 2) * height
            x0, x1 = sorted((to_x(0), to_x(value)))
            _bar(sheet, Box(x0, y + height * 0.06, max(1.0, x1 - x0), height * 0.88), _fill(sheet, data, s, c))
            fit = shown.get(f"n{s * n + c}")
            if fit:
                at = Box(x1 + 8 * u, y, tail, height) if value >= 0 else Box(x0 - 8 * u - tail, y, tail, height)
                page.text(fit, at, p.ink, "start" if value >= 0 else "end", "middle", on=p.paper)
