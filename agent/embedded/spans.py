"""Framing of languages in which it follows the subject, or that put no spaces between words."""

from __future__ import annotations

import re

from .clauses import names_audience
from .framed import CLAUSE, EDGE, Framed, clean
from .look import Look
from .words import Lexicon, alternation

__all__ = ["by_spans"]


def by_spans(sentence: str, words: Lexicon, look: Look) -> Framed:
    """Cut out every framing phrase; the longest piece that is left is the subject."""
    cut = "▮"
    kind, kind_end = "", -1
    for name, group in words.kinds.items():
        for match in words.pattern(group).finditer(sentence):
            if (name != "scene" or not kind) and (match.end() > kind_end or kind == "scene"):
                kind, kind_end = name, match.end()
    text = sentence
    for pattern in (*words.count_patterns, *words.entry_patterns):
        text = pattern.sub(cut, text)
    for group in (words.openers, words.about, words.says):
        if group:
            text = words.pattern(group).sub(cut, text)
    text, audience = _span_audience(text, words, cut)
    for group in (*words.kinds.values(), words.images, words.adjectives, look.terms, words.style_after):
        if group:
            text = words.pattern(tuple(group)).sub(cut, text)
    pieces = [clean(piece, words) for piece in re.split(f"{cut}|{CLAUSE.pattern}", text)]
    pieces = [piece for piece in pieces if piece and (len(piece) > 1 or not words.joined)]
    leftovers = sum(len(piece) for piece in pieces)
    # A date or a price is a detail, wherever it stands and however long it is.
    plain = [piece for piece in pieces if not any(char.isdigit() for char in piece)]
    subject = max(plain or pieces, key=len, default="")
    whole = {clean(clause, words) for clause in CLAUSE.split(sentence)}
    least = 4 if words.joined else 6
    details = tuple(piece for piece in pieces if piece != subject and (len(piece) >= least or piece in whole))
    aside = not kind and leftovers * 2 < len(sentence.strip(EDGE)) and bool(look.terms)
    topic = _headed(sentence, kind, subject, details, words)
    if sentence.rstrip().endswith(("?", "？")) and subject and not kind:
        subject += "？" if words.joined and words.code != "th" else "?"
    return Framed(
        kind=kind,
        subject=subject,
        topic=topic,
        audience=clean(audience, words),
        details=tuple(detail for detail in details if detail != topic),
        series=bool(words.series) and words.find(words.series, sentence) is not None,
        aside=aside,
    )


def _headed(sentence: str, kind: str, subject: str, details: tuple[str, ...], words: Lexicon) -> str:
    """What a kind in another clause than the subject's is about; the empty string where there is no such clause."""
    clauses = [clause for clause in CLAUSE.split(sentence) if clause.strip(EDGE)]
    if kind in {"", "scene"} or len(clauses) < 2:
        return ""
    own = [clause for clause in clauses[1:] if words.find(words.kinds[kind], clause) and subject not in clause]
    return next((detail for clause in own for detail in details if detail in clause), "")


def _span_audience(text: str, words: Lexicon, cut: str) -> tuple[str, str]:
    stop = f"[^{cut},，、،;；。.!?！？␟]"
    if words.audience_after:
        mark = alternation(words.audience_after, joined=True)
        for match in re.finditer(f"({stop}{{1,30}}?)\\s*{mark}", text, re.IGNORECASE):
            if names_audience(match[1], words):
                return text[: match.start()] + cut + text[match.end() :], match[1]
    if words.audience_before:
        mark = alternation(words.audience_before, joined=words.joined)
        for match in re.finditer(f"{mark}({stop}{{1,24}})", text, re.IGNORECASE):
            if names_audience(match[1], words):
                return text[: match.start()] + cut + text[match.end() :], match[1]
    return text, ""
