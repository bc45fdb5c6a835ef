"""What a model is given to work on: data in marked parts, never part of an instruction."""

from __future__ import annotations

import json
import secrets
from typing import Any

from ...media import encode, flatten, open_image, thumbnail
from ...tools.source import Document
from ..brief import Brief
from ..reasoner import Research, Understanding

__all__ = ["brief_parts", "data_part", "document_parts", "new_mark", "research_parts", "understanding_part", "view"]

_MOST_DOCUMENT = 24_000  # characters of one document in one question
_MOST_TURNS = 12
_SIDE = 1024


def new_mark() -> str:
    """Sixteen hexadecimal digits that no document can have foreseen."""
    return secrets.token_hex(8)


def data_part(kind: str, body: str | dict[str, Any] | list[Any], mark: str) -> str:
    """One piece of data between marks that carry a random number: what pretends to end it has to guess."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"<<data {mark} {kind}>>\n{text.replace(mark, '')}\n<<end {mark}>>"


def brief_parts(brief: Brief, mark: str) -> tuple[str, ...]:
    """The request, and the turns before it, each a part of its own."""
    turns = [
        data_part(f"earlier turn, {turn.role}", turn.text or f"({len(turn.images)} images)", mark)
        for turn in brief.turns[-_MOST_TURNS:]
        if turn.text or turn.images
    ]
    wanted: dict[str, Any] = {"count": brief.n, "size": brief.size}
    if brief.images:
        wanted["images to edit"] = len(brief.images)
    if brief.style:
        wanted["art direction"] = brief.style
    asked = data_part("what the request fixes", {name: value for name, value in wanted.items() if value}, mark)
    return (*turns, data_part("request", brief.prompt, mark), asked)


def understanding_part(understanding: Understanding, mark: str) -> str:
    return data_part("how the request was understood", understanding.model_dump(mode="json"), mark)


def document_parts(document: Document, mark: str) -> tuple[str, ...]:
    """One untrusted document, cut to what fits."""
    head = {"title": document.title[:300], "address": document.url[:500]}
    text = document.text[:_MOST_DOCUMENT]
    return data_part("document: where it is from", head, mark), data_part("document: its text", text, mark)


def research_parts(research: Research, mark: str) -> tuple[str, ...]:
    """What may be cited: facts with their sources, and the tables. The documents themselves stay outside."""
    cited = [{"text": fact.text, "quote": fact.quote, "source": fact.source} for fact in research.facts]
    tables = [
        {"id": f"t{number}", "title": title[:200], "rows": [list(row) for row in table[:30]]}
        for number, (title, table) in enumerate(tables_of(research), start=1)
    ]
    parts = [data_part("facts that may be cited", cited, mark)] if cited else []
    return (*parts, *([data_part("tables that may be drawn", tables, mark)] if tables else []))


def tables_of(research: Research) -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
    """The tables of all documents in order, each with its document's title: `t1`, `t2` … are its places."""
    found = [(document.title, table) for document in research.documents for table in document.tables]
    return found[:8]


def view(image: bytes) -> bytes:
    """An image as a model is shown it: JPEG, no side longer than 1024 pixels, nothing of its file but the pixels.

    Raises:
        BadImage: it does not decode within bounds.
    """
    return encode(flatten(thumbnail(open_image(image), _SIDE)), "jpeg", quality=85)
