"""The words by which a brief is read, one `Lexicon` a language, compiled to patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Self

from .bundled import listed, load

__all__ = ["WORD", "Lexicon", "Words", "alternation", "fold", "lexicon", "number_of", "same_case"]

# A letter, digit or combining mark: Python's \w leaves out the vowel signs of Arabic, Hebrew, Devanagari and Thai.
WORD = (
    "[\\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670"
    "\u0900-\u0903\u093a-\u094f\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
)
_UNSPACED = "[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_PREFIXES = (
    "(?:[\u0648\u0641]?(?:\u0628\u0627\u0644|\u0627\u0644|\u0644\u0644|[\u0628\u0644\u0643])?"
    "|[\u05d5\u05d4\u05d1\u05dc\u05de\u05e9]{0,2})"
)
_DIGITS = "[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u0e50-\u0e59\uff10-\uff19]"


def fold(text: str) -> str:
    """`text` in NFC with straight apostrophes, so that look-ups do not miss by encoding. Case is kept."""
    return unicodedata.normalize("NFC", text).replace("’", "'").replace("\u00a0", " ")


def alternation(words: tuple[str, ...] | list[str], *, joined: bool = False, prefix: str = "") -> str:
    """One non-capturing group matching any of `words`, longest first; a `*` stands for the rest of the word.

    `joined` leaves out word boundaries (scripts without spaces); `prefix` is an optional pattern before each word.
    """
    if not words:
        return "(?!)"
    ordered = sorted({fold(str(word)) for word in words}, key=lambda word: (-len(word), word))
    parts = (re.escape(word).replace(r"\*", f"{WORD}*").replace(r"\ ", r"\s+") for word in ordered)
    body = "|".join(parts)
    if joined:
        return f"(?:{body})"
    return f"(?:(?<!{WORD}){prefix}(?:{body})(?!{WORD}))"


@dataclass(frozen=True)
class Words:
    """Words of all languages together (a `*` stands for the rest of a word), found in a text in any case: boundaries
    where their script has them, and with the prefixes that Arabic and Hebrew write onto a word.

    Their pattern is dear to compile, and most never occur: it is not made before one of them can.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, table: Iterable[object]) -> Self:
        """The words of a bundled table, in which YAML may have taken one for a number or a truth value."""
        return cls(tuple(str(word) for word in table))

    def search(self, text: str) -> re.Match[str] | None:
        """The first of them in `text`."""
        return self._pattern.search(text) if self.may_occur(same_case(text)) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All of them in `text`, in its order."""
        return self._pattern.finditer(text) if self.may_occur(same_case(text)) else iter(())

    def sub(self, replacement: str, text: str) -> str:
        return self._pattern.sub(replacement, text) if self.may_occur(same_case(text)) else text

    def may_occur(self, plain: str) -> bool:
        """Whether any can be in a text, given as `same_case` writes it."""
        return any(beginning in plain for beginning in self._beginnings)

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple(same_case(_OPEN.split(fold(word))[0]) for word in self.words)

    @property
    def expression(self) -> str:
        """One of them, as part of a pattern that ignores case."""
        return _any_script(self.words)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.expression, re.IGNORECASE)


_OPEN = re.compile(r"[*\s]")  # from where on a word's pattern leaves open what stands there
_DOTS = str.maketrans({"İ": "i", "ı": "i"})  # which patterns that ignore case take for an i, and casefolding does not


def same_case(text: str) -> str:
    """Text in which whatever differs by case alone is written the same."""
    return text.translate(_DOTS).casefold()


def _any_script(words: tuple[str, ...]) -> str:
    joined = [word for word in words if re.search(_UNSPACED, word)]
    semitic = [word for word in words if re.search("[\u0590-\u06ff]", word)]
    spaced = [word for word in words if word not in joined and word not in semitic]
    return "|".join((alternation(spaced), alternation(semitic, prefix=_PREFIXES), alternation(joined, joined=True)))


@dataclass(frozen=True)
class Lexicon:
    """What one language calls things. All matching ignores case.

    `joined` marks scripts without spaces between words, `head_final` languages whose framing follows the subject,
    `glued` ones that put particles at the end of the word; `audience_prefix` is a "for" written onto the word.
    `kinds` and `audiences` map a canonical name to its words; `counts` are patterns with `{n}` for a number.
    """

    code: str
    joined: bool = False
    head_final: bool = False
    glued: bool = False
    prefix: str = ""
    audience_prefix: str = ""
    stopwords: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    adjectives: tuple[str, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    series: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    audience_before: tuple[str, ...] = ()
    audience_after: tuple[str, ...] = ()
    audiences: dict[str, tuple[str, ...]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    style_before: tuple[str, ...] = ()
    style_after: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    making: tuple[str, ...] = ()
    working: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    occasions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    trailing: tuple[str, ...] = ()

    def find(self, words: tuple[str, ...] | list[str], text: str) -> re.Match[str] | None:
        """The first of `words` in `text`."""
        return self.pattern(tuple(words)).search(text)

    def pattern(self, words: tuple[str, ...]) -> re.Pattern[str]:
        return _compiled(self.code, words, self.joined, self.prefix)

    @cached_property
    def number(self) -> str:
        """Pattern of a number, in digits or words."""
        return f"(?:{_DIGITS}{{1,3}}(?!{_DIGITS})|{alternation(list(self.numbers), joined=True)})"

    @cached_property
    def count_patterns(self) -> tuple[re.Pattern[str], ...]:
        """Patterns whose group `n` is the number of images that a phrase asks for."""
        return tuple(self._count(pattern) for pattern in self.counts) + self._counted(self.images)

    @cached_property
    def entry_patterns(self) -> tuple[re.Pattern[str], ...]:
        """Patterns whose group `n` is the number of list entries (steps, tips) that a phrase asks for."""
        return self._counted(self.entries)

    @cached_property
    def panel_patterns(self) -> tuple[re.Pattern[str], ...]:
        """Patterns whose group `n` is the number of panels of a comics page."""
        return self._counted(self.panels)

    def _counted(self, units: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        if not units:
            return ()
        if self.joined:
            return (self._count(f"{{n}}\\s*{alternation(units, joined=True)}"),)
        # Up to two words may stand between: "three vintage travel posters".
        between = f"(?:[ \\u00a0-]{WORD}+){{0,2}}[ \\u00a0-]"
        return (self._count(f"{{n}}{between}{alternation(units, prefix=self.prefix)}"),)

    def _count(self, pattern: str) -> re.Pattern[str]:
        start = "" if self.joined else f"(?<!{WORD})"
        return re.compile(start + pattern.replace("{n}", f"(?P<n>{self.number})"), re.IGNORECASE)


_PLAIN = ("joined", "head_final", "glued", "prefix", "audience_prefix", "numbers")


@cache
def _compiled(code: str, words: tuple[str, ...], joined: bool, prefix: str) -> re.Pattern[str]:
    del code
    return re.compile(alternation(words, joined=joined, prefix=prefix), re.IGNORECASE)


@cache
def lexicon(code: str) -> Lexicon:
    """The lexicon of a language; English where there is none of its own."""
    if code not in listed("lexicon"):
        code = "en"
    raw: dict[str, Any] = load(f"lexicon/{code}")
    lists = {key: tuple(str(word) for word in value) for key, value in raw.items() if isinstance(value, list)}
    groups = {
        key: {name: tuple(str(word) for word in words) for name, words in raw.get(key, {}).items()}
        for key in ("kinds", "audiences", "occasions")
    }
    plain = {key: raw[key] for key in _PLAIN if key in raw}
    fields: dict[str, Any] = {**lists, **groups, **plain}
    return Lexicon(code=code, **fields)


def number_of(text: str, lexicon: Lexicon) -> int | None:
    """The value of a number in digits of any script or in words; None where it is neither."""
    word = fold(text).strip().casefold()
    if word.isdecimal():
        return int("".join(str(unicodedata.digit(char)) for char in word))
    return next((value for name, value in lexicon.numbers.items() if fold(name).casefold() == word), None)
