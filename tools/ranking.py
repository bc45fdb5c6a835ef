"""Ranks passages by a query, in any language, with BM25.

Written here rather than taken from a package: the ranking is twenty lines, and what decides its quality are the tokens.
Scripts that put no spaces between words are cut into overlapping pairs (as Lucene's CJKBigramFilter does), Latin words
lose their plural (Harman's S stemmer, 1991), and inflected Cyrillic and Greek words keep their first five letters
(McNamee and Mayfield, 2004, found that nearly as good as a stemmer).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files

from .source import Document, Passage

__all__ = ["Bm25", "query_terms", "rank_passages", "split_passages", "split_sentences", "tokenize"]

MAX_PASSAGES = 20_000

# Han, kana, Hangul, and the South-East Asian scripts: written without spaces, or with particles glued on.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[\u0900-\u0dff])*)")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_TRUNCATED = re.compile("[\u0370-\u03ff\u0400-\u052f]{6,}")
_MARKS = re.compile("[\u0300-\u036f\u0640\u064b-\u0652\u0670]")  # accents, Arabic tatweel and vowel signs
_ARABIC = str.maketrans("أإآٱىةؤئ", "اااايهوي")


def tokenize(text: str) -> list[str]:
    """The index terms of a text, in order; the same word in another case, width or number gives the same term."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_ARABIC)
    folded = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", folded)))
    terms: list[str] = []
    for run in _RUN.finditer(folded):
        if (characters := run["unspaced"]) is not None:
            terms += _HAN.findall(characters) if len(characters) > 1 else [characters]
            terms += [characters[start : start + 2] for start in range(len(characters) - 1)]
        else:
            terms.append(_stem(run["word"]))
    return terms


def _stem(word: str) -> str:
    if _TRUNCATED.match(word):
        return word[:5]
    if not word.isascii() or len(word) < 4:
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss", "es")):
        return word[:-1]
    return word


@lru_cache(maxsize=1)
def _stop_terms() -> frozenset[str]:
    lines = (files(__package__) / "stopwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(term for line in lines if not line.startswith("#") for term in tokenize(line))


def query_terms(query: str) -> list[str]:
    """The distinct terms of a query without function words, or with them where nothing else is left."""
    terms = list(dict.fromkeys(tokenize(query)))
    return [term for term in terms if term not in _stop_terms()] or terms


class Bm25:
    """An inverted index over tokenized texts, scored by BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75)
    with Lucene's idf, which is never negative."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = {}
        self._lengths: list[int] = []
        for number, terms in enumerate(texts):
            self._lengths.append(len(terms))
            for term, count in Counter(terms).items():
                self._postings.setdefault(term, []).append((number, count))
        self._mean = max(1.0, sum(self._lengths) / max(1, len(self._lengths)))

    def __len__(self) -> int:
        return len(self._lengths)

    def scores(self, terms: Iterable[str]) -> dict[int, float]:
        """The score of every text that holds one of the terms, by its number. Texts that hold more of the distinct
        terms are preferred: the sum is scaled by a half plus half the share of terms found."""
        wanted = list(dict.fromkeys(terms))
        sums: defaultdict[int, float] = defaultdict(float)
        found: Counter[int] = Counter()
        for term in wanted:
            postings = self._postings.get(term, ())
            idf = math.log(1 + (len(self._lengths) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, count in postings:
                norm = 1.2 * (0.25 + 0.75 * self._lengths[number] / self._mean)
                sums[number] += idf * count * 2.2 / (count + norm)
                found[number] += 1
        return {number: total * (0.5 + 0.5 * found[number] / len(wanted)) for number, total in sums.items()}


_SENTENCE_END = re.compile(r"(?<=[。！？｡])\s*|(?<=[.!?؟।…])[\"'”’)\]]*\s+(?=[^a-zà-ÿа-я\s])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|[Dd]r|[Mm]rs?|[Pp]rof|[Ss]t|[Nn]o|[Ff]ig|vs|[Cc]a|approx|e\.g|i\.e|etc|bzw|z\.B))\.$"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without empty ones; a line break ends a sentence too."""
    sentences: list[str] = []
    for line in text.splitlines():
        start = 0
        for end in _SENTENCE_END.finditer(line):
            if not _ABBREVIATION.search(line[max(start, end.start() - 12) : end.start()]):
                sentences.append(line[start : end.end()].strip())
                start = end.end()
        sentences.append(line[start:].strip())
    return [sentence for sentence in sentences if sentence]


def split_passages(text: str, *, size: int = 480) -> list[str]:
    """Pieces of a text of at most `size` characters, cut between paragraphs where possible, else between sentences,
    and inside a sentence only where one alone is longer."""
    passages: list[str] = []
    current = ""
    for paragraph in re.split(r"\n\s*\n|\f", text):
        for sentence in split_sentences(paragraph):
            for piece in _hard_wrapped(sentence, size):
                if current and len(current) + 1 + len(piece) > size:
                    passages.append(current)
                    current = ""
                # A Markdown heading is no sentence: what follows it begins on a line of its own.
                joint = "\n" if piece.startswith("#") or current.rpartition("\n")[2].startswith("#") else " "
                current = f"{current}{joint}{piece}" if current else piece
        if len(current) >= size // 2:
            passages.append(current)
            current = ""
    if current:
        passages.append(current)
    return passages


def _hard_wrapped(sentence: str, size: int) -> Iterable[str]:
    while len(sentence) > size:
        cut = sentence.rfind(" ", size // 2, size)
        cut = cut if cut > 0 else size
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence


def rank_passages(query: str, documents: Sequence[Document], limit: int = 12) -> tuple[Passage, ...]:
    """The passages that answer a query best, best first, without near-duplicates and without any that share no term.

    Linear in the text; at most 20,000 passages are looked at. CPU-bound: for megabytes, call it in a thread.
    """
    candidates: list[tuple[str, Document]] = []
    terms: list[list[str]] = []
    for document in documents:
        title = tokenize(document.title)[:30]
        for passage in split_passages(document.text):
            candidates.append((passage, document))
            terms.append(tokenize(passage) + title)
            if len(candidates) >= MAX_PASSAGES:
                break
    scores = Bm25(terms).scores(query_terms(query))
    chosen: list[Passage] = []
    seen: list[set[str]] = []
    for number, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        if len(chosen) >= limit:
            break
        vocabulary = set(terms[number])
        if any(len(vocabulary & other) > 0.85 * min(len(vocabulary), len(other)) for other in seen):
            continue
        text, document = candidates[number]
        chosen.append(Passage(text=text, url=document.url, title=document.title, score=score))
        seen.append(vocabulary)
    return tuple(chosen)
