"""Templates, and how the pages write numbers, dates and the names of policies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .assets import asset
from .story import STAGES

__all__ = ["page", "part"]

# Without a referrer a form would be sent with the origin `null`, which the server takes for a stranger's.
_HEADERS = {"vary": "accept", "referrer-policy": "same-origin"}
_PAGES = (("/", "Studio"), ("/runs", "Runs"), ("/verify", "Verify"), ("/graphs", "Graphs"), ("/docs", "API"))


def page(request: Request, template: str, *, status: int = 200, here: str = "", **values: Any) -> HTMLResponse:
    """A whole page. `here` is the address of the entry in the navigation that it belongs to."""
    server = getattr(request.app.state, "server", None)  # an error page may have to do without
    pages = list(_PAGES)
    if server is not None and server.settings.human_review:
        pages.append(("/review", "Review"))
    if server is not None and not server.access.keyless:
        pages.append(("/session", "Key"))
    text = _environment().get_template(template).render(pages=pages, here=here, **values)
    return HTMLResponse(text, status, headers=_HEADERS)


def part(template: str, **values: Any) -> str:
    """A part of a page, as it is sent along a stream."""
    return _environment().get_template(f"parts/{template}.html").render(**values)


def _seconds(value: float) -> str:
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def _day(value: datetime) -> str:
    return f"{value.day} {value:%B %Y, %H:%M} UTC"


def _policy(name: str) -> str:
    return name.replace("_", " ")


def _capfirst(text: str) -> str:
    return text[:1].upper() + text[1:]


def _by_modality(gaps: Iterable[str]) -> list[tuple[str, list[str]]]:
    """`image:bio_chem` … as [("In images", ["bio chem", …]), …]."""
    groups: dict[str, list[str]] = {}
    for gap in gaps:
        modality, _, policy = gap.partition(":")
        groups.setdefault(f"In {modality}s" if policy else "At all", []).append(_policy(policy or modality))
    return list(groups.items())


def _choice(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> Markup:
    """A labeled select, written as a line of a sentence would be."""
    row = Markup('<option value="{}"{}>{}</option>')
    marked = {True: Markup(" selected"), False: ""}
    lines = Markup("").join(row.format(value, marked[value == chosen], text) for value, text in options)
    return Markup(
        '<span class="choice"><label class="edge" for="{0}">{1}</label><select id="{0}" name="{0}">{2}</select></span>'
    ).format(escape(name), label, lines)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(seconds=_seconds, day=_day, policy=_policy, capfirst=_capfirst, by_modality=_by_modality)
    environment.globals.update(asset=asset, choice=_choice, stages=STAGES)
    return environment
