"""Puts the sources of facts on the image itself: a raised number at the fact, and what it stands for at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from ..tools.images.spec import ImageSpec, Item
from ..tools.source import Source
from .plan import Plan

__all__ = ["cited"]

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_TITLE = 60


def cited(plan: Plan, sources: Sequence[Source]) -> Plan:
    """The plan with numbered notes on every image that sets something a source says; unchanged where none does.

    Numbers begin at 1 on each image, in the order in which its entries use them; a chart's source comes last. Of a
    page of the web the note gives title and host, of the user's own file its title alone.
    """
    known = {source.id: source for source in sources}
    return plan.model_copy(update={"images": tuple(_noted(spec, known) for spec in plan.images)})


def _noted(spec: ImageSpec, known: dict[str, Source]) -> ImageSpec:
    chart = spec.chart.source if spec.chart is not None else None
    used = [item.source for item in spec.items] + [chart]
    order = list(dict.fromkeys(source for source in used if source in known))
    if not order or spec.footnotes:
        return spec
    numbers = {source: str(number) for number, source in enumerate(order, 1)}
    items = tuple(_marked(item, numbers[item.source]) if item.source in numbers else item for item in spec.items)
    notes = tuple(f"{number} {_named(known[source])}" for source, number in numbers.items() if source)
    return spec.model_copy(update={"items": items, "footnotes": notes})


def _marked(item: Item, number: str) -> Item:
    field = "detail" if item.detail else "label"
    return item.model_copy(update={field: f"{getattr(item, field)}{number.translate(_RAISED)}"})


def _named(source: Source) -> str:
    title = " ".join(source.title.split())
    title = title if len(title) <= _MOST_TITLE else title[: _MOST_TITLE - 1].rstrip() + "…"
    host = urlsplit(source.url).hostname if source.url.startswith(("http://", "https://")) else None
    host = (host or "").removeprefix("www.")
    return f"{title}, {host}" if host and host != title else title
