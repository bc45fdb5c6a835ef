"""Lifts short, cited facts out of documents. A document is data: it is quoted, never obeyed and never reworded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from ...tools.source import Document, Passage, Source
from ..reasoner import Fact, Understanding
from .words import WORD, fold, lexicon

__all__ = ["Ranker", "addresses_reader", "lift_facts", "sentences_of"]

Ranker = Callable[[str, Sequence[Document], int], tuple[Passage, ...]]

_MOST_FACTS = 16
_MOST_PER_SOURCE = 6
_LONGEST = 180
_SENTENCE = re.compile(
    r"(?:(?<=[^\d\s.][.!?])|(?<=\d\d\d\.)|(?<=\d[!?]))[\"”»)\]]*\s+(?=[\"“«(\[]?[^\W_a-z])|(?<=[。！？])|\n+"
)
_BRACKETS = re.compile(r"\s*(?:\[[^\]]{0,40}\]|\((?:[^()]{0,80})\)|（[^（）]{0,60}）)")
_LEAD = re.compile(
    r"^(?:however|moreover|furthermore|therefore|thus|in addition|additionally|"
    r"also|for example|for instance|"
    r"in fact|indeed|finally|as a result|consequently|jedoch|außerdem|zudem|daher|zum beispiel|cependant|en outre|"
    r"de plus|ainsi|par exemple|sin embargo|además|por ejemplo|inoltre|tuttavia|além disso|no entanto|"
    r"однако|кроме того|например)\s*,\s*",
    re.IGNORECASE,
)
# Pronouns at the start point outside the sentence: alone it would not be understood.
_DANGLING = re.compile(
    r"^(?:it|they|he|she|this|these|those|that|such|there|here|but|and|or|so|we|i|you|click|see|read more|subscribe|"
    r"share|er|sie|es|dies\w*|il|elle|ils|elles|ce|cela|ces|esto|este|esta|estos|ellos|ele|ela|isso|questo|questa|он|она|они|это|"
    r"这|它|他们|それ|これ)\b",
    re.IGNORECASE,
)
# Text that speaks to a machine or a visitor instead of about the subject.
_ADDRESSED = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b"
    r"(?:instruction|prompt|rule|polic|previous|safety)|"
    r"\b(?:system prompt|assistant|as an ai|language model|jailbreak|you must|you should now|you are now)\b|"
    r"\binstead,? (?:draw|generate|write|create)\b|"
    r"\b(?:cookie|javascript|subscribe|sign up|log in|newsletter|all rights reserved)\b|"
    r"\b(?:privacy policy|terms of|advertisement|copyright)\b|"
    r"\b(?:ignorier\w*|vergiss|missachte)\b.{0,60}\b(?:anweisung|regel|vorherig)|"
    r"\b(?:ignore[zr]?|oublie[zr]?)\b.{0,60}\b(?:instructions?|règles|consignes)|"
    r"\b(?:ignora|olvida|omite)\w*\b.{0,60}\b(?:instruccion|reglas|istruzioni|instruções)|игнориру\w*.{0,60}(?:инструкц|правил)|"
    r"(?:忽略|无视).{0,20}(?:指令|指示|规则)|(?:指示|命令|ルール).{0,12}(?:無視|忘れ)|تجاهل.{0,40}(?:التعليمات|الأوامر)|"
    r"https?://|www\.|[{}<>\\]|[\w.]+@[\w.]+",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"\b(?:is|are|was|were|means|consists?|contains?|refers to|known as|called|ist|sind|war|bedeutet|besteht|heißt|"
    r"est|sont|était|signifie|es|son|era|significa|è|sono|são|é|является|это|называется|состоит)\b|とは|である|です|是|指|이다|입니다|هو|هي|है|हैं|คือ|เป็น",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\b(?:I|we|our|my|best|amazing|awesome|click|buy|order now|discount)\b|[!?]$|…$|\.\.\.$", re.IGNORECASE
)


def lift_facts(
    understanding: Understanding, documents: tuple[Document, ...], rank: Ranker, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
    """The best short sentences on the subject, each with its exact words and its source.

    `now` is when the documents were read (UTC). Sentences are only ever shortened by leaving out brackets and lead-in
    words. Sources are numbered `s1`, `s2` … in order of first use; only those with a fact are returned.
    """
    query = (
        " ".join(part for part in (understanding.subject, *understanding.points) if part)[:400] or understanding.summary
    )
    passages = rank(query, documents, 24)
    words = lexicon(understanding.language)
    wanted = _content(query, words.stopwords, words.joined)
    scored: list[tuple[float, int, str, str, Passage]] = []
    best = max((passage.score for passage in passages), default=1.0) or 1.0
    for order, passage in enumerate(passages):
        for sentence in sentences_of(passage.text):
            text = _shorten(sentence)
            if not _liftable(sentence, text):
                continue
            value = _value(text, wanted, words.stopwords, words.joined) + 0.6 * passage.score / best - 0.01 * order
            scored.append((value, order, text, sentence, passage))
    scored.sort(key=lambda item: (-item[0], item[1], item[2]))
    return _choose(scored, words.stopwords, words.joined, now)


def addresses_reader(text: str) -> bool:
    """Whether a text speaks to a machine or a visitor instead of about its subject: never a fact."""
    return _ADDRESSED.search(text) is not None


def sentences_of(text: str) -> tuple[str, ...]:
    """`text` cut into sentences, in any script; white space collapsed."""
    return tuple(clean for part in _SENTENCE.split(text) if part and (clean := " ".join(part.split())))


def _choose(
    scored: list[tuple[float, int, str, str, Passage]], stopwords: tuple[str, ...], joined: bool, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
    facts: list[Fact] = []
    sources: dict[str, Source] = {}
    seen: list[frozenset[str]] = []
    used: dict[str, int] = {}
    for value, _, text, sentence, passage in scored:
        content = _content(text, stopwords, joined)
        if value < 0.5 or used.get(passage.url, 0) >= _MOST_PER_SOURCE or any(_alike(content, other) for other in seen):
            continue
        if passage.url not in sources:
            number = f"s{len(sources) + 1}"
            sources[passage.url] = Source(
                id=number, url=passage.url, title=passage.title or passage.url, quote=sentence, read_at=now
            )
        facts.append(Fact(text=text, quote=sentence, source=sources[passage.url].id))
        seen.append(content)
        used[passage.url] = used.get(passage.url, 0) + 1
        if len(facts) == _MOST_FACTS:
            break
    return tuple(facts), tuple(sources.values())


def _shorten(sentence: str) -> str:
    text = _LEAD.sub("", _BRACKETS.sub("", sentence)).strip(' -–—•*·\t"“”«»')
    text = re.sub(r"\s+([.,;:])", r"\1", text)
    return text[:1].upper() + text[1:] if text else ""


def _liftable(sentence: str, text: str) -> bool:
    wide = len(re.findall("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text))
    length = len(text) + 2 * wide
    if not 28 <= length <= _LONGEST + wide or sentence.endswith(":") or sentence.startswith("#"):
        return False
    if _ADDRESSED.search(sentence) or _DANGLING.match(text) or _OPINION.search(text):
        return False
    return sum(char.isalpha() for char in text) >= 0.55 * len(text)


def _value(text: str, wanted: frozenset[str], stopwords: tuple[str, ...], joined: bool) -> float:
    content = _content(text, stopwords, joined)
    shared = len(content & wanted) / max(1, min(len(wanted), 4))
    value = min(shared, 1.0)
    value += 0.25 if re.search(r"\d", text) else 0.0
    value += 0.25 if _DEFINES.search(text) else 0.0
    value -= 0.15 if len(text) > 120 else 0.0
    return value


def _content(text: str, stopwords: tuple[str, ...], joined: bool) -> frozenset[str]:
    """Content words, cut to stems of five letters; pairs of signs in scripts without spaces."""
    low = fold(text).casefold()
    if joined or re.search("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]", low):
        runs = re.findall("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+", low)
        return frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    return frozenset(word[:5] for word in re.findall(f"{WORD}{{2,}}", low) if word not in stopwords)


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= 0.6 * max(1, min(len(one), len(other)))
