"""Tells the subject of a request from its framing: "a four-part visual guide to X, for a school hallway"."""

from __future__ import annotations

import re
from dataclasses import replace

from .clauses import classify, is_aside, names_audience, strip_says, strip_style, tail_audience
from .framed import CLAUSE, EDGE, SEPARATOR, Framed, clean
from .kinds import strip_about, strip_kind, trailing_kind
from .look import Look
from .spans import by_spans
from .words import Lexicon, alternation

__all__ = ["unframe"]

_POSSESSIVE = re.compile(r"'s?$")


def unframe(sentence: str, words: Lexicon, look: Look) -> Framed:
    """The subject of one sentence, and the framing that was around it."""
    if words.says:  # "that says “…”": announcement and text are one clause of their own
        said = re.compile(
            f"\\s*{alternation(words.says, joined=words.joined, prefix=words.prefix)}\\s*[:：,]?\\s*{SEPARATOR}", re.I
        )
        sentence = said.sub(f" {SEPARATOR}", sentence)
    if words.joined or words.head_final:
        return by_spans(sentence, words, look)
    return _by_prefix(sentence, words, look)


def _by_prefix(sentence: str, words: Lexicon, look: Look) -> Framed:
    opened, text = _strip_openers(sentence, words)
    head = strip_kind(text, words)
    framed = Framed()
    if head is not None:
        framed, text = head
    text, audience = _lead_audience(text, words, bool(framed.kind))
    if not audience and (owner := _POSSESSIVE.sub("", framed.modifiers)) != framed.modifiers:
        audience = owner if names_audience(owner, words) else ""  # "a kids' guide"
    elif audience:
        text = strip_about(text, words)
    first, *rest = [part for part in CLAUSE.split(text) if part.strip(EDGE)] or [""]
    first = strip_style(first, words, look)
    if framed.kind and is_aside(first.strip(EDGE), words, look, wholly=True):
        first = ""
    first, occasion = _split_occasion(first, words)
    rest = [*occasion, *rest]
    first, aimed = tail_audience(first, words, sole=not rest)
    first = strip_style(first, words, look)
    framed, audience, details, asides = _take_clauses(rest, framed, audience, words, look)
    subject = clean(strip_says(first, words), words)
    if not subject and details and framed.kind != "":
        subject, details = details[0], details[1:]
    trailing = trailing_kind(subject, words) if not framed.kind else None
    if trailing is not None:
        framed = replace(framed, kind=trailing[0])
        subject = clean(trailing[1], words)
    if (
        sentence.rstrip().endswith(("?", "？"))
        and subject
        and subject.casefold() in sentence.casefold()
        and not details
    ):
        subject = subject if _is_polite(sentence, words) else subject + "?"
    aside = not framed.kind and (is_aside(sentence, words, look) or (opened == "" and asides > 0 and not subject))
    return replace(
        framed,
        subject=subject,
        audience=clean(audience or aimed, words),
        details=tuple(detail for detail in details if detail),
        aside=aside,
    )


def _take_clauses(
    clauses: list[str], framed: Framed, audience: str, words: Lexicon, look: Look
) -> tuple[Framed, str, list[str], int]:
    """What the later clauses add: audience, kind and topic, details; and how many are remarks on the look."""
    details: list[str] = []
    asides = 0
    for clause in clauses:
        bare, aimed = tail_audience(clause.strip(EDGE), words, sole=False)
        audience = audience or aimed
        label, value = classify(bare, words, look)
        if label == "audience":
            audience = audience or value
        elif label == "kind":
            framed = framed if framed.kind else replace(framed, kind=value)
        elif label == "headed":
            headed = strip_kind(value, words) or (Framed(), "")
            if not framed.kind:
                framed = replace(framed, kind=headed[0].kind, topic=clean(headed[1], words))
        elif label == "aside":
            asides += 1
        else:
            details.append(clean(value, words))
    return framed, audience, details, asides


def _is_polite(sentence: str, words: Lexicon) -> bool:
    """ "Can you draw …?" asks for a drawing, not for an answer."""
    return bool(words.openers) and words.pattern(words.openers).match(sentence.lstrip(EDGE)) is not None


def _strip_openers(text: str, words: Lexicon) -> tuple[str, str]:
    text, opened = text.lstrip(EDGE + "-–"), ""
    if not words.openers:
        return opened, text
    pattern = re.compile(f"{alternation(words.openers, prefix=words.prefix)}[\\s,:!.…]*", re.IGNORECASE)
    for _ in range(5):
        match = pattern.match(text)
        if match is None or not text[match.end() :].strip(EDGE):
            break
        opened, text = match[0], text[match.end() :]
    return opened, text


def _split_occasion(text: str, words: Lexicon) -> tuple[str, list[str]]:
    """ "bake sale on 12 July at 6 pm": what it is, and when and where it is."""
    if not words.when:
        return text, []
    match = re.search(f"\\s{alternation(words.when)}\\s+(?=[^,]{{0,24}}\\d)", text, re.IGNORECASE)
    if match is None or not text[: match.start()].strip(EDGE):
        return text, []
    return text[: match.start()], [re.sub(f"^\\s*{alternation(words.when)}\\s+", "", text[match.start() :], flags=re.I)]


def _lead_audience(text: str, words: Lexicon, framed: bool) -> tuple[str, str]:
    """ "[a poster] for kids about teeth": the audience first. "for our bake sale" is a subject instead."""
    if not words.audience_before:
        return text, ""
    text = text.lstrip(EDGE) if framed else text
    match = re.match(f"{alternation(words.audience_before)}\\s+", text, re.IGNORECASE)
    if match is None:
        return text, ""
    tail = text[match.end() :]
    links = tuple(word for word in words.about if len(word) > 2 or word in words.audience_before)
    stop = re.search(f"[,;:.!?␟]|\\s{alternation(links)}\\s", tail, re.IGNORECASE)
    phrase = tail[: stop.start()] if stop else tail
    if not names_audience(phrase, words) or not (stop and tail[stop.end() :].strip(EDGE)):
        if names_audience(phrase, words) and len(phrase.split()) <= 5:
            return "", phrase
        return tail, ""
    return tail[stop.start() :].lstrip(EDGE), phrase
