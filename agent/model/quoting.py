"""Facts that a model lifted, held against the document that they are said to be from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from ...tools.source import Document, Source
from ..embedded.facts import addresses_reader
from ..reasoner import Fact
from .answers import LiftedFact

__all__ = ["checked_facts", "find_quote", "numbers_in", "supported"]

_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")
_SHORTEST, _LONGEST = 12, 400
_MOST_FACTS, _MOST_PER_SOURCE = 24, 8
_ALIKE = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00ad": "", "\u00a0": " "})


def find_quote(quote: str, document: Document) -> str | None:
    """The words of the document that `quote` repeats; None where it has no such words.

    Only white space, quotation marks, dashes and case may differ. What comes back is the document's own spelling.
    """
    wanted = _plain(quote)
    if not _SHORTEST <= len(wanted) <= _LONGEST:
        return None
    for text in (document.text, *("\n".join(" ".join(row) for row in table) for table in document.tables)):
        squeezed = " ".join(unicodedata.normalize("NFC", text).translate(_ALIKE).split())
        place = squeezed.casefold().find(wanted)
        if place >= 0 and len(squeezed.casefold()) == len(squeezed):
            return squeezed[place : place + len(wanted)]
        if place >= 0:  # a letter that grew when it was folded: places differ, words do not
            return " ".join(quote.split())
    return None


def numbers_in(text: str) -> set[str]:
    """The numbers that a text states, without their separators."""
    return {re.sub(r"\D", "", found) for found in _NUMBER.findall(unicodedata.normalize("NFKC", text))}


def supported(text: str, evidence: Iterable[str]) -> bool:
    """Whether every number of `text` stands in the evidence. Words can be put differently; numbers cannot."""
    return numbers_in(text) <= set().union(*map(numbers_in, evidence))


def checked_facts(
    lifted: Iterable[tuple[Document, LiftedFact]], now: datetime
) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
    """Those facts whose quote stands in their document, word for word, and carries their numbers.

    Left out is whatever speaks to a machine or a visitor. Sources are numbered `s1`, `s2` … by first use; `now` (UTC)
    is when the documents were read.
    """
    facts: list[Fact] = []
    sources: dict[str, Source] = {}
    used: dict[str, int] = {}
    for document, fact in lifted:
        quote = find_quote(fact.quote, document)
        text = " ".join(fact.text.split())
        if quote is None or not text or len(text) > _LONGEST or not supported(text, [quote]):
            continue
        if addresses_reader(quote) or addresses_reader(text) or used.get(document.url, 0) >= _MOST_PER_SOURCE:
            continue
        if any(known.text.casefold() == text.casefold() for known in facts):
            continue
        if document.url not in sources:
            number = f"s{len(sources) + 1}"
            sources[document.url] = Source(
                id=number, url=document.url, title=document.title or document.url, quote=quote, read_at=now
            )
        facts.append(Fact(text=text, quote=quote, source=sources[document.url].id))
        used[document.url] = used.get(document.url, 0) + 1
        if len(facts) == _MOST_FACTS:
            break
    return tuple(facts), tuple(sources.values())


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).translate(_ALIKE).split()).casefold()
