"""Tells in which language a text is written: by script, then by small words, then by py3langid."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache

from ...errors import ConfigError
from ...safety.moderators.language import languages_of
from .bundled import listed, load
from .words import WORD, fold

__all__ = ["identify", "is_cased", "requested", "script_of"]

_SCRIPTS = {
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "CJK": "han",
    "HANGUL": "hangul",
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "THAI": "thai",
    "LATIN": "latin",
}
_BY_SCRIPT = {
    "kana": "ja",
    "han": "zh",
    "hangul": "ko",
    "greek": "el",
    "hebrew": "he",
    "devanagari": "hi",
    "thai": "th",
}
# One sign of these says as much as a few letters of an alphabet.
_WEIGHT = {"kana": 2.5, "han": 2.5, "hangul": 2.5}
_TOKEN = re.compile(f"{WORD}+")


def script_of(char: str) -> str:
    """The script of a letter (`latin`, `han`, …), the empty string for anything else or any other script."""
    if not char.isalpha():
        return ""
    if char < "\u0250":
        return "latin"
    name = unicodedata.name(char, "")
    return next((script for prefix, script in _SCRIPTS.items() if name.startswith(prefix)), "")


def identify(text: str) -> str:
    """ISO 639-1 code of the language of `text`; `en` where nothing tells (digits, emoji, an unknown script).

    Deterministic, without a network. Text in quotes is not counted, since it may be set in another language.
    """
    sample = _unquoted(text)[:4000]
    scripts: Counter[str] = Counter()
    for char in sample:
        if script := script_of(char):
            scripts[script] += 1
    if not scripts:
        return "en"
    weighed = {script: count * _WEIGHT.get(script, 1.0) for script, count in scripts.items()}
    # Kana beside Han is Japanese, however many of the signs are Han.
    if weighed.get("kana", 0) and weighed.get("kana", 0) + weighed.get("han", 0) >= max(weighed.values()):
        return "ja"
    script = max(sorted(weighed), key=lambda name: weighed[name])
    if script in _BY_SCRIPT:
        return _BY_SCRIPT[script]
    if script == "arabic":
        return _arabic(sample)
    if script == "cyrillic":
        return _cyrillic(sample)
    return _latin(sample)


def requested(text: str, default: str) -> str:
    """The language that the brief asks for the *text of the images* ("in German", "auf Englisch"), or `default`."""
    for pattern, code in _requests():
        if pattern.search(text):
            return code
    return default


def is_cased(text: str) -> bool:
    """Whether `text` is in a script with capital letters."""
    return any(char.isupper() or char.islower() for char in text)


def _unquoted(text: str) -> str:
    bare = re.sub(r"[“„«「『\"][^”“»」』\"]{1,400}[”“»」』\"]", " ", text)
    return bare if any(char.isalpha() for char in bare) else text


def _arabic(text: str) -> str:
    if re.search("[ٹڈڑےں]", text):
        return "ur"
    return "fa" if re.search("[پچژگ]", text) or len(re.findall("[یک]", text)) > len(re.findall("[يك]", text)) else "ar"


def _cyrillic(text: str) -> str:
    low = text.casefold()
    if re.search("[іїєґ]", low):
        return "uk"
    if re.search("[ыэё]", low):
        return "ru"
    if re.search(r"\b(?:для|что|чтобы|об?|от|из|или|это|мы|как|пожалуйста|нарисуй|сделай)\b", low):
        return "ru"
    guess = _model_guess(text, ("ru", "uk", "bg", "sr", "mk", "be")) if len(low) >= 24 else None
    return guess or "ru"


def _latin(text: str) -> str:
    words = [word.casefold() for word in _TOKEN.findall(fold(text))][:400]
    small = _small_words()
    votes: dict[str, float] = dict.fromkeys(small, 0.0)
    for word in words:
        holders = [code for code, known in small.items() if word in known]
        for code in holders:
            votes[code] += 1 / len(holders)
    for code, pattern in _letters():
        votes[code] = votes.get(code, 0.0) + 0.6 * len(pattern.findall(text.casefold()))
    guess = _model_guess(text, tuple(votes))
    if guess is not None:
        # Small words tell best, but a few are shared: the model breaks near ties, and speaks where there are none. Of a
        # language that is not read by words of its own it has to be surer.
        near = 1.2 if guess in listed("lexicon") else 0.4
        votes[guess] += near if any(votes.values()) else 0.6 + 0.2 * len(words)
    best, score = min(votes.items(), key=lambda item: (-item[1], item[0] != "en", item[0]))
    return best if score >= 1 else "en"


@cache
def _small_words() -> dict[str, frozenset[str]]:
    extra = load("languages")["small_words"]
    known = {code: frozenset(str(word).casefold() for word in words) for code, words in extra.items()}
    for code in listed("lexicon"):
        raw = load(f"lexicon/{code}")
        if not raw.get("joined") and code not in {"ru", "uk", "el", "ar", "he", "hi", "ko"}:
            own = {str(word).casefold() for key in ("stopwords", "openers") for word in raw.get(key, [])}
            known[code] = known.get(code, frozenset()) | frozenset(word for word in own if " " not in word)
    return known


@cache
def _letters() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((code, re.compile(f"[{letters}]")) for code, letters in load("languages")["letters"].items())


@cache
def _requests() -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for code, phrases in load("languages")["requests"].items():
        body = "|".join(re.escape(str(phrase)).replace(r"\ ", r"\s+") for phrase in phrases)
        found.append((re.compile(f"(?:{body})(?!{WORD})" if phrases else "(?!)", re.IGNORECASE), code))
    return tuple(found)


def _model_guess(text: str, among: tuple[str, ...]) -> str | None:
    """py3langid's best guess among a few languages; None where it does not load."""
    try:
        ranked = languages_of(text)
    except ConfigError:
        return None
    return next((code for code in ranked if code in among), None)
