"""The kind of thing that a brief asks for, and what stands around its word."""

from __future__ import annotations

import re

from .framed import EDGE, Framed
from .words import WORD, Lexicon, alternation

__all__ = ["strip_about", "strip_kind", "trailing_kind"]


def strip_kind(text: str, words: Lexicon) -> tuple[Framed, str] | None:
    """Consume `[article number adjective …] KIND [connector]`; None where `text` does not begin so.

    Up to three unknown words may stand before the kind ("a travel poster"); they are kept as modifiers.
    """
    position = 0
    unknown: list[str] = []
    plain = re.compile(
        f"\\s*(?:{alternation(words.articles)}|{alternation(words.adjectives)}|{words.number}(?:[.-]?{WORD}+)*|[-–&])\\s*",
        re.IGNORECASE,
    )
    kinds = {name: words.pattern(group) for name, group in words.kinds.items()}
    unit = words.pattern(words.images) if words.images else None
    counted = words.count_patterns
    while position < len(text):
        rest = text[position:].lstrip()
        position = len(text) - len(rest)
        hits = [(match.end(), name) for name, pattern in kinds.items() if (match := pattern.match(rest))]
        if hits or (unit is not None and unit.match(rest)):
            end, kind = max(hits) if hits else (unit.match(rest).end(), "scene")  # type: ignore[union-attr]
            return _after_kind(text, position, position + end, kind, unknown, words)
        if found := next((match for pattern in counted if (match := pattern.match(rest))), None):
            if unknown and found[0].split(maxsplit=1)[0].casefold() in words.stopwords:
                return None  # "growth of plants in four pictures": what stands before it is the subject
            inner = list(unit.finditer(found[0]))[-1:] if unit is not None else []
            # "three travel posters" leads to its noun; "four-part" is an adjective as a whole.
            if inner and found[0][: inner[0].start()].endswith((" ", "\u00a0")):
                position += inner[0].start()
                unknown += _unknown_in(found[0][: inner[0].start()], words)
            else:
                position += found.end()
        elif not unknown and (match := plain.match(rest)) and match.end():
            position += match.end()
        else:
            if unknown and words.about and words.pattern(words.about).match(rest):
                return None  # "history of …": the noun is the subject, not a modifier of some kind further on
            word = re.match(f"\\s*({WORD}+(?:['-]{WORD}+)*'?)\\s*", rest)
            if word is None or len(unknown) >= 3 or word[1].casefold() in words.stopwords:
                return None
            unknown.append(word[1])
            position += word.end()
    return None


def _unknown_in(text: str, words: Lexicon) -> list[str]:
    known = re.compile(f"{words.number}|{alternation(words.adjectives)}|{alternation(words.articles)}", re.IGNORECASE)
    return re.findall(f"{WORD}{{2,}}", known.sub(" ", text))[:3]


def _after_kind(
    text: str, start: int, end: int, kind: str, unknown: list[str], words: Lexicon
) -> tuple[Framed, str] | None:
    """Accept a kind only where it heads a phrase: "a card for …", not "a card player in a bar"."""
    taken, rest = text[start:end], text[end:]
    again = re.match(r"[\s-]+", rest)
    if again:  # "a guide poster", "poster design", "infographic poster"
        for name, group in words.kinds.items():
            if (more := words.pattern(group).match(rest, again.end())) and name != "scene":
                kind, rest, taken = (kind if kind != "scene" else name), rest[more.end() :], text[start:end] + more[0]
                break
    follows = (*words.about, *words.audience_before, *words.says, *words.style_before)
    bare = rest.strip(EDGE) == ""
    connected = (
        bare
        or re.match(r"\s*[,:;.!?␟–—(\d-]", rest)
        or (follows and words.pattern(follows).match(rest.lstrip()))
        or (" " in taken and (taken.rsplit(None, 1)[-1]) in words.about)  # "portrait of …" brings its own connector
    )
    counted = any(pattern.search(text[:end]) for pattern in words.count_patterns)
    if not connected and (start > 0 or kind == "scene") and not counted:
        return None
    plural = bool(words.images) and taken.strip().casefold().endswith(("s", "en", "i", "e", "ы", "и", "ς", "x"))
    framed = Framed(
        kind=kind,
        named=" ".join([*unknown, taken.strip()]) if unknown else "",
        modifiers=" ".join(unknown) or (taken.strip() if kind == "card" and len(taken.strip()) > 5 else ""),
        plural=plural and taken.strip().casefold() in {form.casefold() for form in words.images},
        series=bool(words.series) and words.find(words.series, text[:end]) is not None,
    )
    rest = _strip_lead_count(rest, words)
    audience_next = words.audience_before and words.pattern(words.audience_before).match(rest.lstrip())
    return framed, rest if audience_next else strip_about(rest, words)


def _strip_lead_count(text: str, words: Lexicon) -> str:
    """ "[a guide] in four parts about …": the count right after the kind."""
    links = tuple(dict.fromkeys((*words.style_before, *words.about, *words.trailing)))
    lead = re.compile(f"\\s*(?:{alternation(links)}\\s+)?" if links else r"\s*", re.IGNORECASE)
    start = lead.match(text)
    for pattern in words.count_patterns:
        for position in dict.fromkeys((start.end() if start else 0, len(text) - len(text.lstrip()))):
            if found := pattern.match(text, position):
                return text[found.end() :]
    return text


def strip_about(text: str, words: Lexicon) -> str:
    if not words.about:
        return text
    text = text.lstrip(EDGE)
    match = re.match(f"{alternation(words.about)}\\s*,?\\s*", text, re.IGNORECASE)
    return text[match.end() :] if match and text[match.end() :].strip(EDGE) else text


def trailing_kind(subject: str, words: Lexicon) -> tuple[str, str] | None:
    """ "Photosynthesis infographic", "tea vs coffee comparison": the kind at the end."""
    for name, group in words.kinds.items():
        if name == "scene" and " " not in subject:
            continue
        for match in words.pattern(group).finditer(subject):
            if match.end() == len(subject) and match.start() > 0:
                return name, subject[: match.start()]
    return None
