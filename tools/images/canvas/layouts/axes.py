"""What charts share: round numbers, their words, colors, titles, labels and the grid."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .....errors import BadInput
from ...spec import Chart
from ..color import distance, mix, readable
from ..page import Box
from ..typeset import Fit, Text
from .frame import Sheet

__all__ = ["Axis", "axis_labels", "axis_titles", "format_number", "plot_frame", "series_colors", "ticks"]

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
class Axis:
    """Maps a value in low..high to px: `start` at low, `start + length` at high (a negative length points up)."""

    low: float
    high: float
    start: float
    length: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * self.length


def series_colors(sheet: Sheet, n: int) -> list[str]:
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


def axis_titles(sheet: Sheet, data: Chart, box: Box) -> Box:
    """The axis titles: the vertical one lies above the plot, as text that one can read."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    style, low = page.style("kicker"), page.smallest("body") * 0.9
    fits = page.fit([
        Text("ytitle", "" if data.y_title == sheet.spec.title else data.y_title, style, box.w, 50 * u, low, 19 * u, "axis", lines=2),
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


def axis_labels(
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


def plot_frame(sheet: Sheet, box: Box, scale: Sequence[float]) -> Box:
    """Horizontal grid with its numbers; returns the plot area."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    fits = axis_labels(
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
