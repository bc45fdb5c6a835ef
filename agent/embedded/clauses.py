"""What a clause of a brief is: audience, kind, look, announcement of a text, or a detail."""

from __future__ import annotations

import re

from .framed import EDGE, SEPARATOR
from .kinds import strip_kind
from .look import Look
from .words import WORD, Lexicon, alternation

__all__ = ["classify", "is_aside", "names_audience", "strip_says", "strip_style", "tail_audience"]


def names_audience(phrase: str, words: Lexicon) -> bool:
    """ "for grandma" names one; "for grandma's apple pie" names a pie."""
    hits = (words.find(group, phrase) for group in words.audiences.values())
    return any(hit and not re.match(r"['’]s\s+\w", phrase[hit.end() :]) for hit in hits)


def tail_audience(text: str, words: Lexicon, *, sole: bool) -> tuple[str, str]:
    """The audience at the end of a clause: "how bees make honey for a kindergarten"."""
    del sole
    if words.audience_prefix:  # Arabic and Hebrew write "for" as one letter at the start of the word
        match = re.search(f"\\s{words.audience_prefix}({WORD}{{2,}}(?:\\s+{WORD}+){{0,3}})\\s*$", text)
        if match and text[: match.start()].strip(EDGE) and names_audience(match[1], words):
            return text[: match.start()], match[1]
    if not words.audience_before:
        return text, ""
    marks = list(re.finditer(f"\\s{alternation(words.audience_before)}\\s+", text, re.IGNORECASE))
    for mark in reversed(marks):
        phrase = text[mark.end() :]
        if text[: mark.start()].strip(EDGE) and names_audience(phrase, words) and len(phrase.split()) <= 8:
            return text[: mark.start()], phrase
    return text, ""


def strip_says(text: str, words: Lexicon) -> str:
    """Drop the announcement of a quoted text ("that says …"), which stands right before the separator or the end."""
    if not words.says:
        return text
    return re.sub(
        f"\\s*{alternation(words.says, prefix=words.prefix)}\\s*(?:{SEPARATOR}.*)?$", "", text, flags=re.IGNORECASE
    )


def strip_style(text: str, words: Lexicon, look: Look) -> str:
    """Drop a look at the end of a clause: "in a flat vector style", "as watercolor"."""
    if words.style_before:
        end = alternation(words.style_after) if words.style_after else "(?!)"
        text = re.sub(
            f"\\s+{alternation(words.style_before)}\\s+(?:{WORD}+[\\s-]+){{0,5}}{end}\\s*$",
            "",
            text,
            flags=re.IGNORECASE,
        )
        for term in look.terms:
            text = re.sub(
                f"\\s+{alternation(words.style_before)}\\s+(?:{WORD}+[\\s-]+){{0,2}}{re.escape(term)}(?:\\s+{WORD}+)?\\s*$",
                "",
                text,
                flags=re.IGNORECASE,
            )
    return _strip_count(text, words)


def _strip_count(text: str, words: Lexicon) -> str:
    """Drop "in four images" at the end of a clause."""
    for pattern in (*words.count_patterns, *words.entry_patterns):
        for match in pattern.finditer(text):
            before = text[: match.start()].rstrip()
            if text[match.end() :].strip(EDGE) == "" and before:
                shorter = re.sub(
                    f"\\s+{alternation((*words.style_before, *words.trailing))}$", "", before, flags=re.IGNORECASE
                )
                return shorter if shorter.strip(EDGE) else text
    return text


def classify(clause: str, words: Lexicon, look: Look) -> tuple[str, str]:
    """What a later clause is: the audience, a kind ("as a poster"), a remark on the look, or a detail."""
    bare = clause.strip(EDGE)
    if words.audience_before:
        match = re.match(f"{alternation(words.audience_before)}\\s+", bare, re.IGNORECASE)
        if match:
            return "audience", bare[match.end() :]
    if any((found := pattern.search(bare)) and len(found[0]) >= 0.4 * len(bare) for pattern in words.count_patterns):
        kind = next((name for name, group in words.kinds.items() if words.find(group, bare)), "scene")
        return "kind", "" if kind == "scene" else kind
    if is_aside(bare, words, look):
        return "aside", bare
    if words.style_before:
        start = re.match(f"{alternation(words.style_before)}\\s+", bare, re.IGNORECASE)
        for name, group in words.kinds.items():
            if start and (found := words.find(group, bare)) and found.end() >= len(bare) - 2:
                return "kind", name
    headed = strip_kind(bare, words)
    if headed is not None and headed[0].kind != "scene":
        return ("headed", bare) if headed[1].strip(EDGE) else ("kind", headed[0].kind)
    return "detail", bare


def is_aside(text: str, words: Lexicon, look: Look, *, wholly: bool = False) -> bool:
    """Whether `text` speaks of the look, the format or the making, and of little else."""
    content = [word for word in re.findall(f"{WORD}+", text.casefold()) if word not in words.stopwords]
    if not content:
        return True
    says = words.find(words.says, text) if words.says else None
    if says and len(content) <= 3:
        return True
    if words.style_after and words.find(words.style_after, text) and len(content) <= 7:
        return True
    covered = sum(len(re.findall(f"{WORD}+", term)) for term in look.terms if term.casefold() in text.casefold())
    known = sum(1 for word in content if words.pattern(words.adjectives or ("\0",)).fullmatch(word))
    return (covered + known) * (1 if wholly else 2) >= len(content) and covered + known > 0
