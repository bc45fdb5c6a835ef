"""Plots as inline SVG, drawn here: no script, no font, nothing to load. Colors come from the page (CSS variables)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from .intervals import Proportion

__all__ = ["interval_plot", "roc_plot"]

_ROW = 20.0  # pixels of one bar with its whisker
_GAP = 12.0  # between groups
_LABEL = 150.0  # to the left of the bars
_SCALE = 420.0  # the width of 100 %
_VALUE = 150.0  # to the right, for the figures


def interval_plot(groups: Mapping[str, Mapping[str, Proportion]], *, title: str) -> str:
    """Horizontal bars from 0 to 100 %, each with its interval as a whisker; one group a key, one color a series.

    What has no cases (0 of 0) is written as a dash, never drawn as a bar of length 0.
    """
    series = list(dict.fromkeys(name for entries in groups.values() for name in entries))
    shown = {label: entries for label, entries in groups.items() if entries}
    top = 44.0
    height = top + sum(len(entries) * _ROW + _GAP for entries in shown.values()) + 8
    width = _LABEL + _SCALE + _VALUE
    out = [_open(width, height, title), _legend(series), _grid(top - 6, height - 8)]
    y = top
    for label, entries in shown.items():
        middle = y + len(entries) * _ROW / 2
        out.append(_text(_LABEL - 10, middle + 4, label, anchor="end"))
        for name, share in entries.items():
            out.append(_bar(y, share, series.index(name)))
            y += _ROW
        y += _GAP
    return "".join(out) + "</svg>"


def roc_plot(curves: Mapping[str, Sequence[tuple[float, float]]], *, title: str) -> str:
    """ROC curves in the unit square: false positives to the right (square-root scale, since what matters lies at the
    left), recall upwards; thin lines stand at 1 % and 5 %."""
    side, left, top = 360.0, 56.0, 40.0
    width, height = left + side + 150, top + side + 48
    out = [_open(width, height, title), _legend(list(curves))]
    for share in (0.0, 0.01, 0.05, 0.2, 0.5, 1.0):
        x = left + math.sqrt(share) * side
        out.append(f'<path class="grid" d="M{x:.1f},{top}v{side}"/>')
        out.append(_text(x, top + side + 16, f"{100 * share:g} %", anchor="middle", small=True))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = top + (1 - share) * side
        out.append(f'<path class="grid" d="M{left},{y:.1f}h{side}"/>')
        out.append(_text(left - 8, y + 4, f"{100 * share:g} %", anchor="end", small=True))
    for number, points in enumerate(curves.values()):
        # Between two thresholds lies no third: the curve goes in steps.
        path, last = "", None
        for false, recall in points:
            x, y = left + math.sqrt(false) * side, top + (1 - recall) * side
            path += f"M{x:.1f},{y:.1f}" if last is None else f"H{x:.1f}V{y:.1f}"
            last = (x, y)
        out.append(f'<path class="line s{number % 4}" d="{path}"/>' if path else "")
    out.append(_text(left + side / 2, top + side + 36, "false positives", anchor="middle", small=True))
    return "".join(out) + "</svg>"


def _bar(y: float, share: Proportion, number: int) -> str:
    if not share.total:
        return _text(_LABEL + 6, y + 14, "–")
    width, low, high = (part * _SCALE for part in (share.value, share.low, share.high))
    middle = y + _ROW / 2
    return (
        f'<rect class="bar s{number % 4}" x="{_LABEL}" y="{y + 3:.1f}" width="{max(width, 0.5):.1f}" '
        f'height="{_ROW - 6:.1f}" rx="2"/>'
        f'<path class="whisker" d="M{_LABEL + low:.1f},{middle:.1f}H{_LABEL + high:.1f}'
        f'M{_LABEL + low:.1f},{middle - 4:.1f}v8M{_LABEL + high:.1f},{middle - 4:.1f}v8"/>'
        + _text(
            _LABEL + _SCALE + 10, middle + 4, f"{100 * share.value:.1f} % ({share.count}/{share.total})", small=True
        )
    )


def _grid(top: float, bottom: float) -> str:
    lines = []
    for share in (0, 25, 50, 75, 100):
        x = _LABEL + share / 100 * _SCALE
        lines.append(f'<path class="grid" d="M{x:.1f},{top:.1f}V{bottom:.1f}"/>')
        lines.append(_text(x, top - 4, f"{share} %", anchor="middle", small=True))
    return "".join(lines)


def _legend(series: Sequence[str]) -> str:
    out, x = [], 8.0
    for number, name in enumerate(series):
        out.append(f'<rect class="bar s{number % 4}" x="{x:.1f}" y="4" width="12" height="12" rx="2"/>')
        out.append(_text(x + 17, 14, name, small=True))
        x += 34 + 7.2 * len(name)
    return "".join(out)


def _open(width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><title>{escape(title)}</title>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", small: bool = False) -> str:
    kind = ' class="small"' if small else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'
