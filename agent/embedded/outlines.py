"""What can be said about a subject with no source: a curated outline where there is one, open questions elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from .bundled import listed, load
from .part import Entry, Part
from .reading import Reading
from .voice import Voice
from .words import WORD, Words

__all__ = ["Outline", "family_of", "find_outline", "questions", "theme"]


@dataclass(frozen=True)
class Outline:
    """A topic of general knowledge: its parts in one language, in order."""

    id: str
    family: str
    motif: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Theme:
    """A family of subjects: its recurring motif and icons, and the questions that suit it."""

    id: str
    motif: str
    icons: tuple[str, ...]
    modules: tuple[str, ...]


def find_outline(reading: Reading, language: str) -> Outline | None:
    """The curated outline on exactly this subject, in `language`; None where there is none.

    An outline has to meet the question too: one on how something is made does not answer when to use it. So its topic
    must be named, and either its aspect, or nothing else of weight; what it `needs` must be named besides. Outlines on
    something that is done (choosing, growing) fit whatever it is done to (`any`).
    """
    for name in _topics():
        raw = load(f"topics/{name}")
        if language in raw["texts"] and _fits(raw, name, reading):
            return Outline(name, raw["family"], raw["motif"], _parts(raw, language))
    return None


def family_of(reading: Reading) -> str:
    """The family of the subject, told by its words; the empty string where none tells."""
    text = " ".join((reading.subject, reading.modifiers, *(point.label for point in reading.points)))
    if not text.strip():
        return ""
    best, score = "", 0.0
    for name, words in _families():
        hits = list(words.finditer(text))
        # A word near the end of a subject is usually what it is about ("honey bees"): later words weigh a little more.
        weight = sum(1 + match.start() / (100 * (len(text) + 1)) + 0.02 * len(match[0]) for match in hits)
        if weight > score:
            best, score = name, weight
    if (
        best
        and best not in {"history", "safety", "event"}
        and _asks(reading, "making")
        and best in {"technology", "product", "learning", "art"}
    ):
        return "making"
    if not best and _asks(reading, "making"):
        return "making"
    return best


def theme(family: str) -> Theme:
    """The theme of a family; a general one for the empty string."""
    raw = load("families")["families"].get(family)
    if raw is None:
        return Theme("", "sun", ("sun",), _GENERAL)  # a fair day goes with anything
    return Theme(family, raw["motif"], tuple(raw["icons"]), tuple(raw["modules"]))


_GENERAL = ("why", "how", "people", "start", "today", "think")


def questions(modules: tuple[str, ...], voice: Voice) -> tuple[Part, ...]:
    """Parts that ask and claim nothing, in the voice's language."""
    table = load("families")["modules"]
    parts = []
    for name in modules:
        title, *lines = voice.modules[name]
        icon, *icons = table[name]["icons"]
        entries = tuple(Entry(line, icon=noun) for line, noun in zip(lines, icons, strict=False))
        parts.append(
            Part(title, role=table[name]["role"], icon=icon, icons=(icon, *icons), entries=entries, origin="questions")
        )
    return tuple(parts)


def _fits(raw: dict[str, Any], name: str, reading: Reading) -> bool:
    subject = reading.subject
    if not (hit := _words(name).search(subject)):
        return False
    if raw.get("needs") and not _words(name, "needs").search(subject):
        return False
    if raw.get("any"):  # an outline on what is done, to whatever it is done
        return True
    if raw.get("unless") and _words(name, "unless").search(subject):
        return False
    aspects = raw.get("aspects", [])
    if any(_asks(reading, aspect) for aspect in aspects):
        return True
    rest = subject[: hit.start()] + " " + subject[hit.end() :]
    rest = _words(name).sub(" ", rest)
    left = [word for word in re.findall(f"{WORD}+", rest.casefold()) if word not in reading.lexicon.stopwords]
    # Without spaces one run may hold many words: up to three signs are taken for particles.
    alone = sum(map(len, left)) < 4 if reading.lexicon.joined else not left
    return alone and bool(raw.get("alone", True)) and not _asks_other(reading, aspects)


def _asks(reading: Reading, aspect: str) -> bool:
    words = {"making": reading.lexicon.making, "working": reading.lexicon.working}.get(aspect, ())
    return bool(words) and reading.lexicon.find(words, reading.subject) is not None


def _asks_other(reading: Reading, aspects: list[str]) -> bool:
    return any(_asks(reading, aspect) for aspect in ("making", "working") if aspect not in aspects)


def _parts(raw: dict[str, Any], language: str) -> tuple[Part, ...]:
    parts = []
    for frame, text in zip(raw["parts"], raw["texts"][language], strict=True):
        title, line, *rows = text
        icons = tuple(frame["icons"])
        entries = tuple(
            Entry(row[0], row[1] if len(row) > 1 else "", icon=icons[i % len(icons)]) for i, row in enumerate(rows)
        )
        parts.append(
            Part(title, line, frame["role"], frame["icon"], (frame["icon"], *icons), entries, origin="outline")
        )
    return tuple(parts)


@cache
def _topics() -> tuple[str, ...]:
    return listed("topics")


@cache
def _words(name: str, key: str = "match") -> Words:
    """What a topic lists under a key."""
    return Words.of(load(f"topics/{name}")[key])


@cache
def _families() -> tuple[tuple[str, Words], ...]:
    return tuple((name, Words.of(entry["match"])) for name, entry in load("families")["families"].items())
