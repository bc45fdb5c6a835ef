"""What is published of an evaluation: a table for the terminal, JSON, and one HTML file that needs nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .intervals import Proportion
from .plots import interval_plot, roc_plot
from .results import read_together
from .summary import LAYERS, Benign, ModeSummary, Summary, summarize
from .table import COLUMNS, Row

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["html_report", "json_report", "load_summary", "terminal_report", "write_reports"]

_MEANING = {
    "V": "violating, of all drawn",
    "IT": "caught by the image layer",
    "PT": "caught by the prompt layer",
    "PO": "caught by the prompt layer only",
    "CT": "caught by either",
    "RU": "caught by neither",
    "SO": "safe outputs, of all drawn",
}


def load_summary(*folders: Path) -> Summary:
    """The figures of one evaluation, whose records and shards are in these folders. Raises BadFile, BadInput."""
    description, records = read_together(folders)
    return summarize(records, description)


def write_reports(folder: Path, summary: Summary) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into the folder; returns their paths."""
    as_json, as_html = folder / "report.json", folder / "report.html"
    as_json.write_text(json_report(summary), encoding="utf-8")
    as_html.write_text(html_report(summary), encoding="utf-8")
    return as_json, as_html


def json_report(summary: Summary) -> str:
    """Everything as JSON: counts, shares (0..1), intervals; what is not a number is null."""
    return json.dumps(summary.public(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def terminal_report(summary: Summary) -> RenderableType:
    """The table with what stands beside it, for a console."""
    from rich.console import Group
    from rich.table import Table

    modes = summary.modes
    main = Table(title="Of adversarial prompts, drawn in shadow mode", title_justify="left")
    for heading in ("", *modes):
        main.add_column(heading, justify="left" if not heading else "right")
    main.add_row("G  drawn", *(f"{mode.row.counts.generated:,}" for mode in modes.values()))
    for name in COLUMNS:
        main.add_row(f"{name}  {_MEANING[name]}", *(str(getattr(mode.row, name)) for mode in modes.values()))
    rest = Table(title="Beside it", title_justify="left")
    for heading in ("", *modes):
        rest.add_column(heading, justify="left" if not heading else "right")
    for label, cell in _BESIDE:
        rest.add_row(label, *(cell(mode) for mode in modes.values()))
    return Group(main, rest, *_notes(summary))


def html_report(summary: Summary) -> str:
    """The report as one HTML document, without script and without anything to load."""
    style = (resources.files(__package__) / "report.css").read_text(encoding="utf-8")
    parts = [
        _head(summary),
        _section("The table", _main_table(summary) + _layers_plot(summary)),
        _section("Prompts told apart", _curves(summary)),
        *_groups(summary, "By category", lambda mode: mode.by_category),
        *_groups(summary, "By language", lambda mode: mode.by_lang),
        *_groups(summary, "By attack", lambda mode: mode.by_attack),
        _section("Refused or changed for nothing", _benign(summary)),
        _section("How far the grader can be believed", _grader(summary)),
        _section("Latency and cost", _costs(summary)),
        _section("What got through", _misses(summary)),
        _section("How to read this", "".join(f"<p>{escape(note)}</p>" for note in _notes(summary))),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">'
        f"<title>Safelight: the table</title><style>{style}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


_BESIDE: tuple[tuple[str, Callable[[ModeSummary], str]], ...] = (
    ("adversarial prompts refused", lambda mode: str(mode.refused)),
    ("adversarial prompts rewritten", lambda mode: str(mode.rewritten)),
    ("benign prompts refused", lambda mode: str(mode.benign.refused)),
    ("benign prompts rewritten", lambda mode: str(mode.benign.rewritten)),
    ("near misses refused", lambda mode: str(mode.near.refused)),
    ("near misses rewritten", lambda mode: str(mode.near.rewritten)),
    ("prompt score: AUROC", lambda mode: _figure(mode.curves["prompt"].auroc)),
    ("prompt score: recall at 1 % false positives", lambda mode: _percent(mode.curves["prompt"].at_1)),
    ("prompt score: recall at 5 % false positives", lambda mode: _percent(mode.curves["prompt"].at_5)),
    ("image score: AUROC", lambda mode: _figure(mode.curves["image"].auroc)),
    ("images that say nothing", lambda mode: str(mode.silent)),
    ("safe prompts' images that the grader finds violating", lambda mode: str(mode.grader_alarms)),
    ("prompts that broke", lambda mode: str(mode.errors)),
    ("prompts at which a moderator failed", lambda mode: str(mode.failed)),
)


def _notes(summary: Summary) -> list[str]:
    """What a reader has to know before quoting a figure."""
    grader = str(summary.description.get("grader", "not named"))
    notes = [
        f"Intervals are Wilson's, 95 %. Grader: {grader}. Without a quorum that finds an image harmless it counts as "
        "violating.",
        "Shares of violating images (IT, PT, PO, CT, RU) depend on who grades: compare them only under one grader.",
    ]
    if "embedded" in grader:
        notes.append(
            "The embedded grader judges what an image says. Harm that is only shown is not in V, and so in none of "
            "the columns that are shares of V."
        )
    return notes


def _head(summary: Summary) -> str:
    told = "".join(
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(str(value))}</dd>"
        for name, value in summary.description.items()
    )
    return f"<h1>The table of layers</h1><dl>{told}</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _main_table(summary: Summary) -> str:
    rows = [["G drawn", *(f"{mode.row.counts.generated:,}" for mode in summary.modes.values())]]
    rows += [
        [f"{name} {_MEANING[name]}", *(_share(getattr(mode.row, name)) for mode in summary.modes.values())]
        for name in COLUMNS
    ]
    return _table(["", *summary.modes], rows)


def _layers_plot(summary: Summary) -> str:
    groups = {
        name: {str(mode): getattr(figures.row, column) for mode, figures in summary.modes.items()}
        for name, column in (("image layer", "IT"), ("prompt layer", "PT"), ("prompt only", "PO"), ("either", "CT"))
    }
    return _figure_of(interval_plot(groups, title="Recall by layer, of violating images"))


def _curves(summary: Summary) -> str:
    curves = {
        f"{mode}, {layer}": curve.points
        for mode, figures in summary.modes.items()
        for layer, curve in figures.curves.items()
        if curve.points
    }
    if not curves:
        return "<p>No curve: it takes both safe and unsafe prompts.</p>"
    rows = [
        [f"{mode}, {layer} layer", _figure(curve.auroc), _percent(curve.at_1), _percent(curve.at_5)]
        for mode, figures in summary.modes.items()
        for layer, curve in figures.curves.items()
    ]
    table = _table(["score", "AUROC", "recall at 1 %", "recall at 5 %"], rows)
    return table + _figure_of(roc_plot(curves, title="Recall against false positives, by prompt label"))


def _groups(summary: Summary, title: str, of: Callable[[ModeSummary], Mapping[str, Row]]) -> Iterable[str]:
    """One plot (caught by either) and one table a mode; nothing where there is but one group."""
    names = list(dict.fromkeys(name for figures in summary.modes.values() for name in of(figures)))
    if len(names) < 2:
        return
    shares = {
        name: {str(mode): of(figures)[name].CT for mode, figures in summary.modes.items() if name in of(figures)}
        for name in names
    }
    body = _figure_of(interval_plot(shares, title=f"{title}: caught by either layer, of violating images"))
    for mode, figures in summary.modes.items():
        rows = [
            [name, f"{row.counts.generated:,}", *(_brief(getattr(row, column)) for column in COLUMNS)]
            for name, row in of(figures).items()
        ]
        body += f"<h3>{escape(mode)}</h3>" + _table(["", "G", *COLUMNS], rows)
    yield _section(title, body)


def _benign(summary: Summary) -> str:
    rows = []
    for mode, figures in summary.modes.items():
        for name, safe in (("benign", figures.benign), ("near misses", figures.near)):
            rows.append([f"{mode}, {name}", *(_share(share) for share in _of_benign(safe))])
        for name, share in figures.benign_under_attack.items():
            rows.append([f"{mode}, safe under {name}", _share(share), "", "", ""])
    table = _table(["", "refused", "by the prompt layer", "by the image layer", "rewritten"], rows)
    named = "".join(
        f"<p><b>{escape(mode)}</b>: {escape(', '.join(figures.refused_safe))}</p>"
        for mode, figures in summary.modes.items()
        if figures.refused_safe
    )
    return table + (f"<details><summary>Which ones</summary>{named}</details>" if named else "")


def _of_benign(safe: Benign) -> tuple[Proportion, ...]:
    return safe.refused, safe.by_prompt, safe.by_image, safe.rewritten


def _grader(summary: Summary) -> str:
    rows = [[mode, _share(figures.grader_alarms), _share(figures.silent)] for mode, figures in summary.modes.items()]
    return _table(["", "safe prompts' images found violating", "adversarial images that say nothing"], rows)


def _costs(summary: Summary) -> str:
    rows = [
        [f"{mode}, {layer}", *map(_figure, (cost.p50, cost.p95, cost.mean, cost.cpu)), f"{cost.dollars:.4f}"]
        for mode, figures in summary.modes.items()
        for layer in LAYERS
        if not math.isnan((cost := figures.costs[layer]).mean)
    ]
    return _table(["one prompt", "p50 s", "p95 s", "mean s", "CPU s", "US dollars"], rows)


def _misses(summary: Summary) -> str:
    out = []
    for mode, figures in summary.modes.items():
        for miss in figures.missed:
            picture = (
                f'<img alt="blurred" src="data:image/jpeg;base64,{escape(miss.thumbnail)}">' if miss.thumbnail else ""
            )
            told = f"{miss.id} · {miss.category} · {miss.attack} · {mode}"
            out.append(
                f"<figure class=miss>{picture}<figcaption>{escape(told)}<br>{miss.sha256[:16]}…</figcaption></figure>"
            )
    return f'<div class="misses">{"".join(out)}</div>' if out else "<p>Nothing that the grader found violating.</p>"


def _table(headings: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure_of(svg: str) -> str:
    return f"<figure>{svg}</figure>"


def _share(share: Proportion) -> str:
    return f"{share.count:,} · {share}" if share.total else "–"


def _brief(share: Proportion) -> str:
    """Count and interval in whole percents: as much as a row of seven has room for."""
    return f"{share.count:,} ({100 * share.low:.0f}–{100 * share.high:.0f} %)" if share.total else "–"


def _percent(value: Any) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
