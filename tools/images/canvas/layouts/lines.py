"""Lines over categories, and points over two scales."""

from __future__ import annotations

from ...spec import Chart
from ..page import Box
from .axes import Axis, axis_labels, axis_titles, format_number, plot_frame, series_colors, ticks
from .frame import Sheet

__all__ = ["lines", "scatter"]


def lines(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = axis_titles(sheet, data, box)
    values = [v for series in data.series.values() for v in series]
    low, high = min(values), max(values)
    scale = ticks(0.0 if 0 <= low < high * 0.5 else low, high)
    n = len(data.categories)
    every = max(1, -(-n // 8))
    names = axis_labels(
        sheet,
        "c",
        [c if i % every == 0 else "" for i, c in enumerate(data.categories)],
        box.w / max(2, n / every) * 0.94,
        60 * u,
        19,
        2,
    )
    foot = max((f.height for f in names.values()), default=0.0) + 14 * u
    area = plot_frame(sheet, box.top(box.h - foot), scale)
    pad = area.w * 0.03 + 12 * u
    to_x = Axis(0, max(1, n - 1), area.x + pad, area.w - 2 * pad)
    to_y = Axis(scale[0], scale[-1], area.bottom, -area.h)
    colors = series_colors(sheet, len(data.series))
    for s, series in enumerate(data.series.values()):
        points = [(to_x(i), to_y(v)) for i, v in enumerate(series)]
        if len(data.series) == 1:
            flipped = [(page.w - x if page.setting.rtl else x, y) for x, y in points]
            d = (
                "M"
                + "L".join(f"{x:.1f} {y:.1f}" for x, y in flipped)
                + f"L{flipped[-1][0]:.1f} {area.bottom:.1f}L{flipped[0][0]:.1f} {area.bottom:.1f}Z"
            )
            page.svg(f'<path d="{d}" fill="{colors[s]}" opacity=".16"/>')
        page.line(points, colors[s], 4.5 * u)
        for x, y in points if n <= 24 else points[-1:]:
            page.circle(x, y, 6.5 * u, p.paper, colors[s], 3.4 * u)
    if len(data.series) == 1:
        series = next(iter(data.series.values()))
        marked = sorted({n - 1, max(range(n), key=lambda i: series[i])})
        fits = axis_labels(
            sheet,
            "n",
            [format_number(series[i], sheet.page.setting.language) for i in marked],
            box.w * 0.2,
            40 * u,
            23,
            1,
        )
        for i, shown in zip(marked, fits.values(), strict=False):
            x = min(max(area.x, to_x(i) - shown.width / 2), area.right - shown.width)
            y = max(box.y, to_y(series[i]) - shown.height - 16 * u)
            page.text(shown, Box(x, y, shown.width, shown.height), p.ink, on=p.paper)
    for i in range(0, n, every):
        fit = names.get(f"c{i}")
        if fit:
            x = min(max(box.x, to_x(i) - fit.width / 2), box.right - fit.width)
            page.text(fit, Box(x, area.bottom + 14 * u, fit.width, fit.height), p.muted, on=p.paper)


def scatter(sheet: Sheet, data: Chart, box: Box) -> None:
    """Two series are x and y of each category; one series is y over its rank."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = axis_titles(sheet, data, box)
    series = list(data.series.values())
    xs, ys = (
        (series[0], series[1]) if len(series) > 1 else (tuple(float(i) for i in range(len(data.categories))), series[0])
    )
    scale_x, scale_y = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
    feet = axis_labels(
        sheet, "x", [format_number(v, page.setting.language) for v in scale_x], box.w / len(scale_x), 30 * u, 18, 1
    )
    foot = max((f.height for f in feet.values()), default=0.0) + 12 * u
    area = plot_frame(sheet, box.top(box.h - foot), scale_y)
    to_x = Axis(scale_x[0], scale_x[-1], area.x, area.w)
    to_y = Axis(scale_y[0], scale_y[-1], area.bottom, -area.h)
    for i, value in enumerate(scale_x):
        fit = feet.get(f"x{i}")
        if fit:
            x = min(to_x(value) - fit.width / 2, area.right - fit.width)
            page.text(fit, Box(x, area.bottom + 12 * u, fit.width, fit.height), p.muted, on=p.paper)
    for x, y in zip(xs, ys, strict=True):
        page.circle(to_x(x), to_y(y), 9 * u, p.accent, p.paper, 2 * u, 0.9)
    if len(xs) > 12:
        return
    names = axis_labels(sheet, "c", data.categories, area.w * 0.24, 30 * u, 17, 1)
    taken: list[Box] = [Box(to_x(x) - 9 * u, to_y(y) - 9 * u, 18 * u, 18 * u) for x, y in zip(xs, ys, strict=True)]
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        fit = names.get(f"c{i}")
        if fit is None:
            continue
        places = [
            Box(to_x(x) + dx, to_y(y) + dy, fit.width, fit.height)
            for dx, dy in (
                (14 * u, -fit.height * 0.5),
                (-14 * u - fit.width, -fit.height * 0.5),
                (-fit.width / 2, -fit.height - 12 * u),
                (-fit.width / 2, 14 * u),
            )
        ]
        free = [
            s
            for s in places
            if s.x >= area.x
            and s.right <= area.right
            and s.y >= box.y
            and s.bottom <= area.bottom
            and not any(s.overlaps(t) for t in taken)
        ]
        if free:
            taken.append(free[0])
            page.text(fit, free[0], p.ink, on=p.paper)
        else:
            page.notes.append(f"no room to name the point {data.categories[i]!r}")
