"""Charts from given data: bars, lines, shares and scatter, drawn in the direction's own colors."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .....errors import BadInput
from ...spec import Chart
from ..brush import icon_mark
from ..color import distance, mix, readable
from ..page import Box
from ..typeset import Fit, Text
from .entries import entries, listing
from .frame import Sheet, head_with_lens, ornament, place_head, set_head, show_lens
from .marks import icon_for

__all__ = ["chart", "format_number", "ticks"]

_COMMA = frozenset("de fr es it pt ru uk pl nl sv da nb no fi cs sk tr el id ro hu bg".split())


def format_number(value: float, language: str) -> str:
    """A number as it is written in running text of that language: grouped from 10,000 on, no trailing zeros."""
    text = f"{value:,.6g}" if abs(value) < 1e15 else f"{value:.3g}"
    if "e" in text:
        return text
    whole, _, fraction = text.partition(".")
    if abs(value) < 10_000:
        whole = whole.replace(",", "")
    fraction = fraction.rstrip("0")
    if language in _COMMA:
        whole, mark = (
            whole.replace(",", "\u00a0" if language in {"fr", "ru", "uk", "pl", "cs", "sv", "nb", "fi"} else "."),
            ",",
        )
    else:
        mark = "."
    return whole + (mark + fraction if fraction else "")


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round values that span low..high (Heckbert 1990, "Nice numbers for graph labels")."""
    if not math.isfinite(low + high):
        raise BadInput("a chart needs finite numbers")
    if high <= low:
        high = low + 1
    raw = (high - low) / max(1, count - 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True)
class _Axis:
    """Maps a value in low..high to px: `start` at low, `start + length` at high (a negative length points up)."""

    low: float
    high: float
    start: float
    length: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * self.length


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
    {"bar": _bars, "line": _lines, "pie": _shares, "scatter": _scatter}[data.kind](sheet, data, plot)


def _named(data: Chart) -> Chart:
    """Names of series that no legend shows become axis titles, so that no given text is lost."""
    names = list(data.series)
    if data.kind == "scatter" and len(names) > 1:
        return data.model_copy(update={"x_title": data.x_title or names[0], "y_title": data.y_title or names[1]})
    if len(names) == 1 or data.kind == "pie":
        return data.model_copy(update={"y_title": data.y_title or names[0]})
    return data


def _colors(sheet: Sheet, n: int) -> list[str]:
    p = sheet.page.art.palette
    base = [p.accent, p.accent2, p.pop2, p.ramp[2], p.muted, p.pop, p.ramp[3], p.ink]
    out: list[str] = []
    for color in base * (1 + n // len(base)):
        moved = readable(color, p.paper, 2.6)
        if all(distance(moved, other) > 0.09 for other in out):
            out.append(moved)
        if len(out) == n:
            break
    while len(out) < n:
        out.append(mix(out[len(out) % max(1, len(base) // 2)], p.ink, 0.3))
    return out[:n]


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
    for i, color in enumerate(_colors(sheet, len(names))):
        fit = fits.get(f"s{i}")
        if fit is None:
            continue
        page.rect(Box(x, box.y + (h - chip) / 2, chip, chip), color, chip * 0.5 if page.art.radius > 0.2 else 0)
        page.text(fit, Box(x + chip + 8 * u, box.y, fit.width, h), p.ink, valign="middle", on=p.paper)
        x += chip + fit.width + 34 * u
    return box.below(h + 22 * u)


def _titles(sheet: Sheet, data: Chart, box: Box) -> Box:
    """The axis titles: the vertical one lies above the plot, as text that one can read."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    style, low = page.style("kicker"), page.smallest("body") * 0.9
    fits = page.fit([
        Text("ytitle", data.y_title, style, box.w, 50 * u, low, 19 * u, "axis", lines=2),
        Text("xtitle", data.x_title, style, box.w, 50 * u, low, 19 * u, "axis", lines=2),
    ])  # fmt: skip
    y, x = fits.get("ytitle"), fits.get("xtitle")
    if y:
        page.text(y, Box(box.x, box.y, box.w, y.height), p.muted, on=p.paper)
        box = box.below(y.height + 14 * u)
    if x:
        page.text(x, Box(box.x, box.bottom - x.height, box.w, x.height), p.muted, "end", on=p.paper)
        box = box.top(box.h - x.height - 12 * u)
    return box


def _labels(
    sheet: Sheet, prefix: str, texts: Sequence[str], width: float, height: float, size: float = 20.0, lines: int = 2
) -> dict[str, Fit]:
    page = sheet.page
    low = page.smallest("body") * 0.8
    return page.fit(
        [
            Text(
                f"{prefix}{i}",
                t,
                page.style("kicker"),
                max(6.0, width),
                max(low * 1.1, height),
                low,
                size * page.unit,
                prefix,
                lines=lines,
            )
            for i, t in enumerate(texts)
        ]
    )


def _bars(sheet: Sheet, data: Chart, box: Box) -> None:
    longest = max(len(c) for c in data.categories)
    many = len(data.categories)
    cell = box.w / max(1, many)
    if longest * 10 * sheet.page.unit > cell * 1.6 or (many > 7 and box.h > box.w * 0.7):
        _bars_across(sheet, data, _titles(sheet, data, box))
    else:
        _bars_up(sheet, data, _titles(sheet, data, box))


def _range(data: Chart) -> tuple[float, float]:
    values = [v for series in data.series.values() for v in series]
    return min(0.0, *values), max(0.0, *values)


def _fill(sheet: Sheet, data: Chart, s: int, c: int) -> str:
    """One series: the largest bar in the accent, the others in a tint of it. More: a color each."""
    p = sheet.page.art.palette
    if len(data.series) > 1:
        return _colors(sheet, len(data.series))[s]
    values = next(iter(data.series.values()))
    return p.accent if values[c] == max(values) else mix(p.accent, p.paper, 0.42)


def _bars_up(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    n, m = len(data.categories), len(data.series)
    scale = ticks(*_range(data))
    names = _labels(sheet, "c", data.categories, box.w / n * 0.94, 64 * u, 20, 3)
    icons = [icon_for("", name) if page.setting.language == "en" else None for name in data.categories]
    side = min(40 * u, box.w / n * 0.5) if sum(icon is not None for icon in icons) > n / 2 and box.h > 220 * u else 0.0
    foot = max((f.height for f in names.values()), default=0.0) + 12 * u + (side + 8 * u if side else 0)
    area = Box(box.x, box.y + 30 * u, box.w, box.h - foot - 30 * u)
    to_y = _Axis(scale[0], scale[-1], area.bottom, -area.h)
    for value in scale:
        page.line(
            [(area.x, to_y(value)), (area.right, to_y(value))],
            mix(p.paper, p.ink, 0.55 if value == 0 else 0.16),
            (1.8 if value == 0 else 1.0) * u,
        )
    band = area.w / n
    width = band * (0.66 if m > 1 else 0.58) / m
    values = [v for series in data.series.values() for v in series]
    shown = _labels(
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


def _bars_across(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    n, m = len(data.categories), len(data.series)
    names = _labels(sheet, "c", data.categories, box.w * 0.3, box.h / n * 0.96, 22, 3)
    side = max((f.width for f in names.values()), default=0.0) + 16 * u
    values = [v for series in data.series.values() for v in series]
    band = box.h / n
    shown = _labels(
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
    to_x = _Axis(low, high, area.x, area.w)
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


def _plot_frame(sheet: Sheet, box: Box, scale: Sequence[float]) -> Box:
    """Horizontal grid with its numbers; returns the plot area."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    fits = _labels(
        sheet, "t", [format_number(v, sheet.page.setting.language) for v in scale], box.w * 0.2, 30 * u, 18, 1
    )
    side = max((f.width for f in fits.values()), default=0.0) + 14 * u
    area = Box(box.x + side, box.y + 10 * u, box.w - side, box.h - 10 * u)
    for i, value in enumerate(scale):
        y = area.bottom - (value - scale[0]) / (scale[-1] - scale[0]) * area.h
        page.line(
            [(area.x, y), (area.right, y)], mix(p.paper, p.ink, 0.5 if i == 0 else 0.16), (1.6 if i == 0 else 1.0) * u
        )
        fit = fits.get(f"t{i}")
        if fit:
            page.text(fit, Box(box.x, y - fit.size * 0.56, side - 14 * u, fit.height), p.muted, "end", on=p.paper)
    return area


def _lines(sheet: Sheet, data: Chart, box: Box) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = _titles(sheet, data, box)
    values = [v for series in data.series.values() for v in series]
    low, high = min(values), max(values)
    scale = ticks(0.0 if 0 <= low < high * 0.5 else low, high)
    n = len(data.categories)
    every = max(1, -(-n // 8))
    names = _labels(
        sheet,
        "c",
        [c if i % every == 0 else "" for i, c in enumerate(data.categories)],
        box.w / max(2, n / every) * 0.94,
        60 * u,
        19,
        2,
    )
    foot = max((f.height for f in names.values()), default=0.0) + 14 * u
    area = _plot_frame(sheet, box.top(box.h - foot), scale)
    pad = area.w * 0.03 + 12 * u
    to_x = _Axis(0, max(1, n - 1), area.x + pad, area.w - 2 * pad)
    to_y = _Axis(scale[0], scale[-1], area.bottom, -area.h)
    colors = _colors(sheet, len(data.series))
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
        fits = _labels(
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


def _shares(sheet: Sheet, data: Chart, box: Box) -> None:
    """A ring of shares, largest first from the top, named beside it. More than seven parts go into a list of bars."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = _titles(sheet, data, box)
    values = next(iter(data.series.values()))
    total = sum(values)
    if total <= 0 or len(values) > 7:
        _bars_across(sheet, data, box)
        return
    order = sorted(range(len(values)), key=lambda i: -values[i])
    beside = box.w > box.h * 1.15
    side = min(box.h, box.w * 0.52) if beside else min(box.w * 0.9, box.h * 0.58)
    ring = Box(box.x, box.cy - side / 2, side, side) if beside else Box(box.cx - side / 2, box.y, side, side)
    rest = box.after(side + 40 * u) if beside else box.below(side + 28 * u)
    colors = _colors(sheet, len(values))
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
    names = _labels(sheet, "c", [data.categories[i] for i in order], row_w * 0.68, rows[0].h, 26, 3)
    shown = _labels(
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


def _scatter(sheet: Sheet, data: Chart, box: Box) -> None:
    """Two series are x and y of each category; one series is y over its rank."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    box = _titles(sheet, data, box)
    series = list(data.series.values())
    xs, ys = (
        (series[0], series[1]) if len(series) > 1 else (tuple(float(i) for i in range(len(data.categories))), series[0])
    )
    scale_x, scale_y = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
    feet = _labels(
        sheet, "x", [format_number(v, page.setting.language) for v in scale_x], box.w / len(scale_x), 30 * u, 18, 1
    )
    foot = max((f.height for f in feet.values()), default=0.0) + 12 * u
    area = _plot_frame(sheet, box.top(box.h - foot), scale_y)
    to_x = _Axis(scale_x[0], scale_x[-1], area.x, area.w)
    to_y = _Axis(scale_y[0], scale_y[-1], area.bottom, -area.h)
    for i, value in enumerate(scale_x):
        fit = feet.get(f"x{i}")
        if fit:
            x = min(to_x(value) - fit.width / 2, area.right - fit.width)
            page.text(fit, Box(x, area.bottom + 12 * u, fit.width, fit.height), p.muted, on=p.paper)
    for x, y in zip(xs, ys, strict=True):
        page.circle(to_x(x), to_y(y), 9 * u, p.accent, p.paper, 2 * u, 0.9)
    if len(xs) > 12:
        return
    names = _labels(sheet, "c", data.categories, area.w * 0.24, 30 * u, 17, 1)
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
