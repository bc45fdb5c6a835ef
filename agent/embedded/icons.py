"""Plain English nouns for what a text speaks of, in any language."""

from __future__ import annotations

import re
from functools import cache

from .bundled import load
from .words import alternation

__all__ = ["icon_of", "icons_in"]


def icon_of(text: str) -> str:
    """The noun for the first thing that `text` names; the empty string where none is known."""
    found = icons_in(text, 1)
    return found[0] if found else ""


def icons_in(text: str, limit: int = 6) -> tuple[str, ...]:
    """The nouns for the things that `text` names, in its order, each once."""
    hits: list[tuple[int, int, str]] = []
    for noun, pattern in _patterns():
        hits += [(match.start(), -len(match[0]), noun) for match in pattern.finditer(text)]
    ordered, taken = [], -1
    for start, negative, noun in sorted(hits):
        if start >= taken:
            ordered.append(noun)
            taken = start - negative
    return tuple(dict.fromkeys(ordered))[:limit]


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for noun, words in load("icons").items():
        joined = [
            str(word)
            for word in words
            if re.search("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", str(word))
        ]
        semitic = [str(word) for word in words if re.search("[\u0590-\u06ff]", str(word))]
        spaced = [str(word) for word in words if str(word) not in joined and str(word) not in semitic]
        prefix = "(?:[\u0648\u0641]?(?:\u0628\u0627\u0644|\u0627\u0644|\u0644\u0644|[\u0628\u0644\u0643])?|[\u05d5\u05d4\u05d1\u05dc\u05de\u05e9]{0,2})"
        body = "|".join((alternation(spaced), alternation(semitic, prefix=prefix), alternation(joined, joined=True)))
        found.append((noun, re.compile(body, re.IGNORECASE)))
    return tuple(found)
