"""Puts facts where they belong: definitions first, figures together, the rest to the question that each answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..reasoner import Fact
from .icons import icon_of
from .part import Entry, Part
from .reading import Reading
from .voice import Voice
from .words import WORD

__all__ = ["Encoder", "Grouped", "entry_of", "group_facts"]

Encoder = Callable[[Sequence[str], bool], "np.ndarray[Any, np.dtype[np.float32]]"]
"""Maps texts to unit vectors, one row each; the flag says whether they are questions rather than passages."""

_MOST_A_PART = 4
# A fact answers a question if it fits it that much better than the other questions (cosine, multilingual-e5-small).
# A cautious guess, not tuned on data: a fact under the wrong question reads worse than one under "good to know".
_MARGIN = 0.018
_FIGURE = re.compile(  # not the 4 of "class 4b"
    r"(?<![\w.,])(?!\d+[a-fh-kn-su-z]\b)\d[\d.,\u00a0\u202f]*\d?"
    r"(?:\s?(?:%|°[CF]|€|\$|(?:percent|Prozent|pour cent|km|mm|cm|kg|m|g|t|l)\b))?"
)
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_DEFINITION = re.compile(
    r"\b(?:is an?|are|means|refers to|is the|ist eine?|sind|est une?|sont|es una?|son|è una?|sono|é uma?|são)\b|"
    r"[—–-] это|とは|是一|이란|هو|है|คือ",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Grouped:
    """Parts with facts in them; `used` is how many facts found a place."""

    parts: tuple[Part, ...]
    used: int


def group_facts(
    facts: tuple[Fact, ...],
    parts: tuple[Part, ...],
    reading: Reading,
    voice: Voice,
    encoder: Encoder | None,
    *,
    keep: bool,
) -> Grouped:
    """Facts as parts of the story.

    With `keep`, `parts` are an outline: all stay, and each gains at most two facts that fit it. Without, they are open
    questions: one that facts answer becomes a part of theirs; what answers none is “good to know”.
    """
    if not facts:
        return Grouped(parts if keep else (), 0)
    if keep:
        return _onto_outline(facts, parts, reading, encoder)
    figures = tuple(fact for fact in facts if _figure(fact.text))
    rest = tuple(fact for fact in facts if fact not in figures)
    defining = tuple(fact for fact in rest if _defines(fact.text, reading))[:2]
    rest = tuple(fact for fact in rest if fact not in defining)
    answered, loose = _answers(rest, parts, reading, encoder)
    made: list[Part] = []
    if defining:
        made.append(_part(voice.modules["what"][0], defining, "diagram"))
    made += answered
    made += [
        _part(voice.say("good_to_know"), loose[i : i + _MOST_A_PART], "facts")
        for i in range(0, len(loose), _MOST_A_PART)
    ][:1]
    if figures:
        made.append(_part(voice.say("in_figures"), figures[:_MOST_A_PART], "facts"))
    return Grouped(tuple(made), len(facts))


def entry_of(fact: Fact) -> Entry:
    """A fact as an entry: its figure set large where it has one, its words unchanged."""
    figure = _figure(fact.text)
    return Entry(fact.text, value=figure, icon=icon_of(fact.text), source=fact.source)


def _figure(text: str) -> str:
    """The first number of `text` that is not just a year, with its unit; the empty string where there is none."""
    bare = _YEAR.sub(lambda match: "·" * len(match[0]), text)
    match = _FIGURE.search(bare)
    return text[match.start() : match.end()].strip(" .,") if match else ""


def _defines(text: str, reading: Reading) -> bool:
    """Whether `text` says what the subject is: a defining verb soon after a word of the subject."""
    match = _DEFINITION.search(text[:90])
    stems = {word[:5] for word in re.findall(f"{WORD}{{3,}}", reading.subject.casefold())} - set(
        reading.lexicon.stopwords
    )
    head = text[: match.start()].casefold() if match else ""
    return bool(head) and len(head) <= 45 and any(stem in head for stem in stems)


def _part(title: str, facts: tuple[Fact, ...], role: str) -> Part:
    entries = tuple(entry_of(fact) for fact in facts)
    icon = next((entry.icon for entry in entries if entry.icon), "")
    return Part(title, role=role, icon=icon, entries=entries, origin="facts")  # type: ignore[arg-type]


def _answers(
    facts: tuple[Fact, ...], parts: tuple[Part, ...], reading: Reading, encoder: Encoder | None
) -> tuple[list[Part], tuple[Fact, ...]]:
    """Questions with the facts that answer them, and the facts that answer none."""
    if not facts or encoder is None or not parts:
        return [], facts
    margins = _margins(facts, parts, reading, encoder)
    chosen: dict[int, list[Fact]] = {}
    loose = []
    for i, fact in enumerate(facts):
        j = int(margins[i].argmax())
        if margins[i, j] >= _MARGIN and len(chosen.get(j, [])) < _MOST_A_PART:
            chosen.setdefault(j, []).append(fact)
        else:
            loose.append(fact)
    made = [
        replace(parts[j], role="facts", entries=tuple(entry_of(fact) for fact in own), origin="facts")
        for j, own in sorted(chosen.items())
    ]
    return made, tuple(loose)


def _onto_outline(
    facts: tuple[Fact, ...], parts: tuple[Part, ...], reading: Reading, encoder: Encoder | None
) -> Grouped:
    margins = _margins(facts, parts, reading, encoder)
    own: dict[int, list[Fact]] = {}
    for i, fact in enumerate(facts):
        j = int(margins[i].argmax())
        if margins[i, j] > 0 and len(own.get(j, [])) < 2:
            own.setdefault(j, []).append(fact)
    filled = [
        replace(part, entries=(*part.entries, *(entry_of(fact) for fact in own.get(j, []))))
        for j, part in enumerate(parts)
    ]
    return Grouped(tuple(filled), sum(map(len, own.values())))


def _margins(facts: tuple[Fact, ...], parts: tuple[Part, ...], reading: Reading, encoder: Encoder | None) -> Any:
    """How much better each fact (row) fits each part (column) than the other parts, every part first being centered."""
    asked = [
        f"{reading.subject}: {part.title} {part.line} {' '.join(entry.label for entry in part.entries)}"
        for part in parts
    ]
    if encoder is not None:
        fit = np.asarray(encoder([fact.text for fact in facts], False)) @ np.asarray(encoder(asked, True)).T
        fit = fit - (fit.mean(axis=0, keepdims=True) if len(facts) > 2 else 0)
    else:
        fit = np.array([[_overlap(fact.text, text) for text in asked] for fact in facts])
    return fit - (fit.sum(axis=1, keepdims=True) - fit) / max(1, len(parts) - 1)


def _overlap(one: str, other: str) -> float:
    words = [frozenset(word[:5] for word in re.findall(f"{WORD}{{4,}}", text.casefold())) for text in (one, other)]
    return len(words[0] & words[1]) / (1.0 + math.sqrt(len(words[1])))
