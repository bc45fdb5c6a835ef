"""Reads a brief: how many images of what kind, about what, for whom, with which exact texts, in which look."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .framed import Framed, clean
from .framing import unframe
from .language import identify, requested
from .look import Look, read_look
from .structure import Point, read_structure
from .words import Lexicon, alternation, fold, lexicon, number_of

__all__ = ["Reading", "count_in", "read"]

_MAX_READ = 6000  # characters that are parsed; longer briefs put their material after the request
_ABBREVIATED = r"(?<!\bChr)(?<!\bv)(?<!\bca)(?<!\bNr)(?<!\bSt)(?<!\bDr)"
_SENTENCE = re.compile(rf"(?<=[^\d\s.A-Z]){_ABBREVIATED}[.!](?=\s|$)|[?？](?=\s|$)|[。！]|(?<=[？])|\n+")


@dataclass(frozen=True)
class Reading:
    """A brief, read. `language` is that of the brief, `output` that of the text to set. `count` and `entries` are None
    where the brief names no number; `details` are remarks beside the subject, in the brief's words; `topic` is a
    heading for pictures of the subject, where the brief names one apart from it; `named` what the brief calls the thing
    itself, where that is all that it says of its subject ("safety notice")."""

    language: str
    output: str
    lexicon: Lexicon
    kind: str
    subject: str
    count: int | None = None
    entries: int | None = None
    plural: bool = False
    series: bool = False
    audience: str = ""
    audience_class: str = ""
    modifiers: str = ""
    details: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    chained: bool = False
    sides: tuple[str, ...] = ()
    topic: str = ""
    named: str = ""
    look: Look = field(default_factory=Look)


def read(prompt: str, language: str | None = None) -> Reading:
    """Everything that rules can tell about a brief. Never raises; whatever is not found stays empty."""
    text = fold(prompt)[:_MAX_READ]
    code = language or identify(text)
    words = lexicon(code)
    structure = read_structure(text, words)
    look = read_look(structure.rest, words)
    sentences = [part for part in _sentences(structure.rest) if re.search(r"\w", part)]
    framed = [unframe(sentence, words, look) for sentence in sentences]
    main = _main(framed)
    count = count_in(structure.rest, words)
    entries = _number(structure.rest, words, words.entry_patterns)
    subject = main.subject or next((part.subject for part in framed if part.subject), "")
    named = "" if subject else clean(main.named, words)
    subject = subject or clean(main.modifiers, words)
    details = _details(main, framed, subject)
    points = structure.points
    if not points and count and (listed := _listed(subject, details, count, words)):
        points, subject, details = listed, clean(main.modifiers, words), ()
    explains = bool(words.explains) and words.find(words.explains, subject) is not None
    kind = main.kind or next((part.kind for part in framed if part.kind), "")
    if kind == "comic" and count and (counted := _number(structure.rest, words, words.panel_patterns)):
        count, entries = None, counted  # one page of so many panels
    kind = "" if kind == "scene" and explains else kind  # "5 images: how bread is made" asks to be told
    sides = _sides(subject, words, compared=kind == "comparison")
    audience = main.audience or next((part.audience for part in framed if part.audience), "")
    return Reading(
        language=code,
        output=requested(text, code),
        lexicon=words,
        kind=_settled_kind(kind, sides, points),
        subject=subject,
        count=None if count is None else min(count, 8),
        entries=entries,
        plural=main.plural,
        series=main.series or any(part.series for part in framed),
        audience=audience,
        audience_class=_class_of(audience, words) or _childrens(subject, words),
        modifiers=main.modifiers,
        details=details,
        texts=structure.texts,
        points=points,
        chained=structure.chained,
        sides=sides,
        topic=main.topic,
        named=named,
        look=look,
    )


def count_in(text: str, words: Lexicon) -> int | None:
    """The number of images that `text` asks for, if it says; never below 1."""
    return _number(text, words, words.count_patterns)


def _number(text: str, words: Lexicon, patterns: tuple[re.Pattern[str], ...]) -> int | None:
    found = [(match.start(), match) for pattern in patterns for match in pattern.finditer(text)]
    for _, match in sorted(found, key=lambda item: item[0]):
        value = number_of(match["n"], words)
        if value is not None and 1 <= value <= 99:
            return value
    return None


def _sentences(text: str) -> list[str]:
    parts, cursor = [], 0
    for mark in _SENTENCE.finditer(text):
        keep = mark.end() if mark[0] in {"?", "？"} else mark.start()
        parts.append(text[cursor:keep])
        cursor = mark.end()
    parts.append(text[cursor:])
    return [part.strip() for part in parts if part.strip()]


def _main(framed: list[Framed]) -> Framed:
    """The sentence that carries the request: the first with a kind and a subject, else the first with a subject."""
    ranked = sorted(
        framed,
        key=lambda part: (
            not (part.kind and part.subject),
            not (part.kind and part.modifiers),
            not (part.subject and not part.aside),
            not part.subject,
        ),
    )
    return ranked[0] if ranked else Framed()


def _details(main: Framed, framed: list[Framed], subject: str) -> tuple[str, ...]:
    """Remarks beside the subject that may be set: not those on the look, the audience or the making."""
    others = [part.subject for part in framed if part is not main and not part.aside and part.subject]
    extra = [detail for part in framed if part is not main and not part.aside for detail in part.details]
    return tuple(dict.fromkeys(item for item in (*main.details, *others, *extra) if item and item != subject))[:6]


def _listed(subject: str, details: tuple[str, ...], count: int, words: Lexicon) -> tuple[Point, ...]:
    """ "four posters for Lisbon, Porto, Faro and Coimbra": one image each. Empty where the numbers do not meet."""
    pieces = [subject, *details]
    if words.also:
        *head, last = pieces
        pieces = [*head, *words.pattern(words.also).split(last)]
    labels = [clean(piece, words) for piece in pieces]
    if count >= 2 and len(labels) == count and all(1 <= len(label) <= 40 for label in labels):
        return tuple(Point(label) for label in labels)
    return ()


def _settled_kind(kind: str, sides: tuple[str, ...], points: tuple[Point, ...]) -> str:
    if kind in {"", "scene"} and sides:
        return "comparison"
    if not kind and len(points) >= 2 and all(re.match(r"\d{3,4}\b", point.value) for point in points):
        return "timeline"
    return kind


def _sides(subject: str, words: Lexicon, *, compared: bool) -> tuple[str, ...]:
    """The two things compared in `subject`: "tea vs coffee". Empty where nothing is set against another."""
    strong = tuple(word for word in words.against if word not in words.also and word not in {"or", "oder", "ou", "o"})
    for marks in (strong, words.against if compared else (), words.also if compared else ()):
        halves = words.pattern(marks).split(subject, maxsplit=1) if marks and subject else []
        sides = tuple(clean(half, words) for half in halves)
        if len(sides) == 2 and all(1 <= len(side) <= 48 for side in sides):
            return sides[0], _without_aim(sides, words)
    return ()


def _childrens(subject: str, words: Lexicon) -> str:
    """ "A children's story" says whom it is for, though no preposition does."""
    group = words.audiences.get("children", ())
    return "children" if group and subject and words.find(group, subject) else ""


def _without_aim(sides: tuple[str, ...], words: Lexicon) -> str:
    """The second side without what both are compared for: "bicycles and cars for the city"."""
    if not words.audience_before:
        return sides[1]
    aim = re.compile(f"\\s{alternation(words.audience_before)}\\s.*$", re.IGNORECASE)
    return sides[1] if aim.search(sides[0]) else aim.sub("", sides[1])


def _class_of(audience: str, words: Lexicon) -> str:
    if not audience:
        return ""
    hits = ((words.find(group, audience), name) for name, group in words.audiences.items())
    return min(((hit.start(), name) for hit, name in hits if hit), default=(0, "public"))[1]
