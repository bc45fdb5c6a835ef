"""Text as it will be set: direction, what has no glyph, what may be broken, and what was left out."""

# ruff: noqa: E501 (the pattern stays in one piece)
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .fonts import covered

__all__ = ["Cleaned", "breakable", "clean", "direction", "language_of", "longest_words", "phrases", "shorten", "upper"]

RTL = frozenset({"ar", "he", "fa", "ur", "yi", "ps", "dv"})
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef\u3000-\u303f]")
# Between letters, or after one, a typewriter's mark stands for an apostrophe.
_APOSTROPHE = re.compile(r"(?<=[A-Za-zÀ-ɏͰ-ϿЀ-ӿ])'(?=[A-Za-zÀ-ɏͰ-ϿЀ-ӿ\s]|$)")
# Joiners shape Arabic and Indic text; every other format character can only hide or reorder text, and is dropped.
_JOINERS = "\u200c\u200d\u00ad"
_NAMES = {"iw": "he", "jp": "ja", "kr": "ko", "cn": "zh", "in": "id"}


@dataclass(frozen=True)
class Cleaned:
    """Text that every bundled font stack can draw; `dropped` are the characters that had no glyph."""

    text: str
    dropped: tuple[str, ...] = ()


def language_of(tag: str) -> str:
    """The primary ISO 639-1 code of a language tag; `en` where it is none."""
    code = tag.strip().lower().replace("_", "-").split("-")[0]
    code = _NAMES.get(code, code)
    return code if re.fullmatch(r"[a-z]{2,3}", code) else "en"


def direction(language: str) -> str:
    return "rtl" if language in RTL else "ltr"


def clean(text: str) -> Cleaned:
    """One line of NFC text without control, override or undrawable characters; white space collapsed, apostrophes
    as printers set them.

    A character without a glyph is replaced by its compatibility form, or dropped and reported (emoji, mostly)."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode("utf-8"))
    text = "".join(
        c
        if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
        else (" " if c.isspace() else "")
        for c in text
    )
    text = _APOSTROPHE.sub("’", text)
    text = re.sub(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]", "", text)
    known = covered(text)
    dropped: list[str] = []
    out = []
    for c in text:
        if c in known or c in _JOINERS or c.isspace():
            out.append(c)
            continue
        plain = unicodedata.normalize("NFKC", c)
        if plain != c and covered(plain) >= set(plain):
            out.append(plain)
        else:
            dropped.append(c)
    return Cleaned(re.sub(r"\s+", " ", "".join(out)).strip(), tuple(dict.fromkeys(dropped)))


def upper(text: str, language: str) -> str:
    """Capitals, where that is safe: Turkic dotted i and scripts without case are left alone, Greek loses its tonos."""
    if language in {"tr", "az", "ka"}:
        return text
    if language == "el":
        bare = "".join(c for c in unicodedata.normalize("NFD", text) if c != "\u0301")
        return unicodedata.normalize("NFC", bare).upper()
    return text.upper().replace("ẞ", "SS")


def longest_words(text: str, count: int = 4) -> list[str]:
    """The longest runs that a line breaker may not split: spaced scripts only."""
    words = [word for word in re.split(r"[\s\u200b\u00ad]+", text) if word and not _UNSPACED.search(word)]
    parts = [part for word in words for part in re.split(r"(?<=[-–—/])", word) if part]
    return sorted(set(parts), key=lambda word: (-len(word), word))[:count]


def breakable(text: str, run: int = 10) -> str:
    """The text with break opportunities inside words longer than `run`: a soft hyphen in words, none shown in the rest."""

    def split(match: re.Match[str]) -> str:
        word = match.group()
        joint = "\u00ad" if word.isalpha() else "\u200b"
        return joint.join(word[i : i + run] for i in range(0, len(word), run))

    return re.sub(rf"[^\s]{{{run + 1},}}", lambda m: m.group() if _UNSPACED.search(m.group()) else split(m), text)


_PHRASE_END = re.compile(
    # a particle or ending in hiragana before a word in kanji, katakana or Latin; は, を and が before anything; punctuation
    r"(?<=[\u3041-\u309f])(?=[\u3400-\u9fff\u30a1-\u30fa「『（A-Za-z0-9])|(?<=[はをが])(?=[\u3041-\u309f])|(?<=[、。！？・：」』）])"
)


def phrases(text: str, longest: int = 9) -> list[str]:
    """A Japanese text cut where a reader would pause, roughly: titles break there rather than within words. A piece
    beyond `longest` characters is cut further, at any character."""
    pieces: list[str] = []
    for piece in _PHRASE_END.split(text):
        pieces += [piece] if len(piece) <= longest else list(piece)
    return [piece for piece in pieces if piece]


def shorten(text: str, fraction: float) -> str:
    """At most that fraction of the text, cut at a word where there are words, with an ellipsis."""
    keep = max(1, int(len(text) * fraction) - 1)
    head = text[:keep]
    if " " in head and not _UNSPACED.search(head) and keep < len(text) and not text[keep].isspace():
        cut = head.rsplit(" ", 1)[0]
        head = cut if len(cut) >= keep * 0.5 else head
    return head.rstrip(" ,;:.–—-\u00ad\u200b،、。") + "…"
