"""One sentence of a brief, taken apart; and what its parts are trimmed of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .words import Lexicon, alternation

__all__ = ["CLAUSE", "EDGE", "SEPARATOR", "Framed", "clean"]

SEPARATOR = "␟"  # stands where a quoted text was taken out


CLAUSE = re.compile(r"\s*(?:[,，、،;；]|\s[–—-]\s|␟)\s*(?!\d{3}\b)")


EDGE = " \t\n.,:;!?–—-…·•、。，；：！？␟()[]{}<>|/\\*_#=+~\"'«»“”„‘’「」『』،؛؟।॥"


_MAX_SUBJECT = 160


@dataclass(frozen=True)
class Framed:
    """One sentence of a brief. `aside` marks a remark on look or making, which is never set; `topic` is what a kind in
    a clause of its own is about ("two friends on a bench, a poster of hope"): the heading of what `subject` depicts;
    `named` is the kind with what stands before it ("safety notice")."""

    kind: str = ""
    subject: str = ""
    topic: str = ""
    modifiers: str = ""
    named: str = ""
    audience: str = ""
    details: tuple[str, ...] = ()
    plural: bool = False
    series: bool = False
    aside: bool = False


def clean(text: str, words: Lexicon) -> str:
    """`text` without loose punctuation, connectors and particles at its edges; empty where nothing is left."""
    text = " ".join(text.replace(SEPARATOR, " ").split()).strip(EDGE)
    if words.trailing:
        tail = re.compile(f"\\s*{alternation(words.trailing, joined=words.joined or words.glued)}$", re.IGNORECASE)
        for _ in range(4):
            shorter = tail.sub("", text).strip(EDGE)
            if not shorter or shorter == text:
                break
            text = shorter
    return text[:_MAX_SUBJECT].strip() if re.search(r"\w", text) else ""
