"""Charts from tables that were given or read. Nothing is computed beyond reading the cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...tools.images.spec import Chart
from ...tools.source import Document
from .structure import Point, number_in

__all__ = ["chart_of_points", "charts_of"]

_MOST_ROWS = 24
_MOST_SERIES = 5
_FEW = 4  # times that bars still tell better than a line: the quarters of a year
_NUMERIC = re.compile(r"^\s*[^\w\s]?\s*[-−]?\d[\d.,' \u00a0\u202f]*\s*\S{0,6}\s*$")
_TIME = re.compile(r"^\s*(?:\d{4}|\d{4}-\d{2}(?:-\d{2})?|Q[1-4]\b.*|\d{1,2}[./]\d{4})\s*$")


def charts_of(documents: Sequence[Document], sources: dict[str, str]) -> tuple[tuple[str, Chart], ...]:
    """A title and a chart for each usable table of `documents`. `sources` maps an address to the id of its source."""
    found = []
    for document in documents:
        for table in document.tables:
            chart = _chart(table, sources.get(document.url))
            if chart is not None:
                found.append((document.title, chart))
    return tuple(found)


def chart_of_points(points: tuple[Point, ...], *, wanted: bool) -> Chart | None:
    """A chart of label and value pairs in the brief; None where not all have numbers, or where they are prices or years
    and no chart is `wanted`."""
    values = [number_in(point.value) for point in points]
    if len(points) < 2 or any(value is None for value in values):
        return None
    if not wanted:
        return None
    numbers = tuple(value for value in values if value is not None)
    labels = tuple(point.label for point in points)
    percent = all("%" in point.value for point in points)
    kind = "line" if all(_TIME.match(label) for label in labels) else "bar"
    return Chart(
        kind="line" if kind == "line" else "bar",
        y_title="%" if percent else "",
        categories=labels,
        series={"": numbers},
    )


def _chart(table: tuple[tuple[str, ...], ...], source: str | None) -> Chart | None:
    """The first column as categories, each column of numbers as a series; None where the table is not of that form."""
    rows = [row for row in table if any(cell.strip() for cell in row)]
    if len(rows) < 3 or len(rows[0]) < 2:
        return None
    header, *body = rows
    width = len(header)
    body = [row for row in body if len(row) == width][:_MOST_ROWS]
    if len(body) < 2 or any(_NUMERIC.match(cell) and not _TIME.match(cell) for cell in header[1:]):
        return None
    categories = tuple(row[0].strip() for row in body)
    if not all(categories) or len(set(categories)) != len(categories):
        return None
    series: dict[str, tuple[float, ...]] = {}
    for column in range(1, width):
        cells = [row[column] for row in body]
        numbers = [number_in(cell) if _NUMERIC.match(cell) else None for cell in cells]
        name = header[column].strip()
        if name and name not in series and all(number is not None for number in numbers):
            series[name] = tuple(number for number in numbers if number is not None)
    if not series:
        return None
    kept = dict(list(series.items())[:_MOST_SERIES])
    over_time = all(_TIME.match(category) for category in categories)
    single = next(iter(kept)) if len(kept) == 1 else ""
    return Chart(
        kind="line" if over_time and len(categories) > _FEW else "bar",
        x_title=header[0].strip(),
        y_title=single,
        categories=categories,
        series=kept,
        source=source,
    )
