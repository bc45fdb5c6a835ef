"""Plain English nouns for what a text speaks of, in any language."""

from __future__ import annotations

import re
from functools import cache

from .bundled import load
from .words import Words, same_case

__all__ = ["icon_about", "icon_of", "icons_in"]


def icon_of(text: str) -> str:
    """The noun for the first thing that `text` names; the empty string where none is known."""
    found = icons_in(text, 1)
    return found[0] if found else ""


_AFTER_HEAD = re.compile(r"\s(?:of|for|in|on|with|at|by|von|für|im|in|mit|van|voor|met)\s", re.IGNORECASE)


def icon_about(text: str, language: str) -> str:
    """The noun for what a phrase is about. English and Dutch name it last: a school garden is a garden. A name that
    follows is none of it: Café Luna is no moon."""
    if language not in {"en", "nl"}:
        return icon_of(text)
    first, *rest = _AFTER_HEAD.split(text)[0].split() or [""]
    found = icons_in(" ".join([first, *(word for word in rest if not word[:1].isupper())]))
    return found[-1] if found else icon_of(text)


def icons_in(text: str, limit: int = 6) -> tuple[str, ...]:
    """The nouns for the things that `text` names, in its order, each once."""
    hits: list[tuple[int, int, str]] = []
    plain = same_case(text)
    for noun, words in _nouns():
        if words.may_occur(plain):
            hits += [(match.start(), -len(match[0]), noun) for match in words.finditer(text)]
    ordered, taken = [], -1
    for start, negative, noun in sorted(hits):
        if start >= taken:
            ordered.append(noun)
            taken = start - negative
    return tuple(dict.fromkeys(ordered))[:limit]


@cache
def _nouns() -> tuple[tuple[str, Words], ...]:
    """Each noun with the words for it."""
    table: dict[str, list[str]] = load("icons")
    return tuple((noun, Words.of(words)) for noun, words in table.items())
