"""Letters that were moved, swapped or spread apart, put back: leetspeak, spacing, ciphers, writing backwards."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from . import english, glyphs

__all__ = ["uncover"]

# What a digit or sign may stand for inside a word, the usual reading first.
_LEET = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "gp", "@": "a",
    "$": "s", "!": "il", "|": "li", "+": "t", "€": "e", "£": "l", "¥": "y", "¡": "i",
}  # fmt: skip
_LEET_TOKEN = re.compile(r"[A-Za-z0-9@$!|+€£¥¡]{2,}")
_MEASURE = (
    re.compile(  # 4k, 35mm, 3d, mp3, 1990s, covid19, 2020mRNA (a date read from a picture): digits that are digits
        r"\d(?:st|nd|rd|th|s|k|d|p|x|m|g|b|mm|cm|km|kg|mg|ml|px|am|pm|fps|hz|hr|yo|c|f)|\d{2,}[a-z]+|[a-z]+\d+",
        re.IGNORECASE,
    )
)
_TOKENS = re.compile(r"[^\W_]+|[\W_]+")
_INSIDE = re.compile(r"(?<=[^\W\d_])[.*_~^|·•+`\\]{1,2}(?=[^\W\dA-Z_])")
_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|\S{1,64}@\S+|\b[\w-]{1,63}\.(?:com|org|net|io|gov|edu|png|jpe?g|pdf|html?|txt|py|js|md)\b"
)

_ROT13_GAIN = 10.0  # nats by which the deciphered passage must be likelier than what is written
_CIPHER_GAIN = 16.0  # the other shifts are rare, and there are 25 of them to look alike by chance
_BACKWARDS_GAIN = 7.0
_SWAP_GAIN = 4.0  # nats: a name, or a rare word, is not much unlikelier than what a swap would make of it
_MIN_LETTERS = 6  # in words that look like no writing, before anything is deciphered
_ODD = 3.0  # nats a letter and word end, from which a word looks like no writing (the mean of English is 2.4)
_SPACELESS = re.compile(r"\S+")
_SWAPPABLE = re.compile(r"(?<![^\W_])[A-Za-z][a-z]{3,23}(?![^\W_])")


def uncover(text: str) -> Iterator[tuple[str, str]]:
    """(step, text) for each reading of `text` in which its letters make more sense. Linear; none for plain writing."""
    if (joined := _outside_addresses(text, _join_spaced)) != text:
        yield "spaced letters", joined
    if (plain := _remove_inner_marks(text)) is not None:
        yield "punctuated words", plain
    if (spelled := _unleet(text)) is not None:
        yield "leetspeak", spelled
    if (unswapped := _unswap(text)) is not None:
        yield "swapped letters", unswapped
    if (mapped := glyphs.lookalikes(text)) != text and english.cost(mapped) < 3.6:
        yield "lookalike letters", mapped
    if (turned := glyphs.upside_down(text)) is not None:
        yield "upside-down", turned
    yield from _moved(text)


def _join_spaced(text: str) -> str:
    """Runs of three and more single letters, evenly spaced or punctuated, joined; wider gaps are word breaks."""
    tokens = _TOKENS.findall(text)
    out: list[str] = []
    at = 0
    while at < len(tokens):
        end = _run_end(tokens, at)
        if sum(map(str.isalpha, tokens[at:end:2])) >= 3:  # letter gap letter gap letter
            out.append(_joined(tokens[at:end]))
            at = end
        else:
            out += tokens[at:end]
            at = end
    return "".join(out)


def _run_end(tokens: list[str], start: int) -> int:
    """Where the run of single letters that begins at `start` ends (exclusive)."""
    if len(tokens[start]) != 1 or not tokens[start].isalnum():
        return start + 1
    end = start + 1
    while end + 1 < len(tokens) and _is_gap(tokens[end]) and len(tokens[end + 1]) == 1 and tokens[end + 1].isalnum():
        end += 2
    return end


def _is_gap(token: str) -> bool:
    """Spaces and punctuation; not the vowel signs that Indic and Thai words are written with."""
    return len(token) <= 4 and not any(unicodedata.category(sign).startswith("M") for sign in token)


def _joined(run: list[str]) -> str:
    gaps = run[1::2]
    usual = Counter(gaps).most_common(1)[0][0]
    out = [run[0]]
    for gap, letter in zip(gaps, run[2::2], strict=True):
        if gap != usual:
            inner = gap[len(usual) : -len(usual)] if gap.startswith(usual) and gap.endswith(usual) else gap
            out.append(" " if not inner or inner.isspace() or (len(gap) > len(usual) and gap.isspace()) else inner)
        out.append(letter)
    return "".join(out)


def _remove_inner_marks(text: str) -> str | None:
    """Marks inside words removed (`b.o.m.b` is spacing; `bo*mb`, `ki.ll` are this), addresses left alone."""
    if not _INSIDE.search(text):
        return None
    plain = _outside_addresses(text, partial(_INSIDE.sub, ""))
    return plain if plain != text else None


def _outside_addresses(text: str, change: Callable[[str], str]) -> str:
    pieces, last = [], 0
    for match in _ADDRESS.finditer(text):
        pieces += [change(text[last : match.start()]), match[0]]
        last = match.end()
    return "".join([*pieces, change(text[last:])])


def _unleet(text: str) -> str | None:
    """Digits and signs inside words read as letters; whole numbers too where most words are written so."""
    tokens = _LEET_TOKEN.findall(text)
    mixed = sum(_is_leet(token) for token in tokens)
    if not mixed:
        return None
    everywhere = mixed >= 3 and mixed * 3 >= len(tokens)

    def spell(match: re.Match[str]) -> str:
        token = match[0]
        if _is_leet(token) or (everywhere and not token.isalpha()):
            return _spell(token)
        return token

    pattern = re.compile(r"[A-Za-z0-9@$!|+€£¥¡]+") if everywhere else _LEET_TOKEN
    plain = _outside_addresses(text, lambda passage: pattern.sub(spell, passage))
    return plain if plain != text else None


def _is_leet(token: str) -> bool:
    core = token.rstrip("!|+")
    letters = sum(sign.isalpha() for sign in core)
    if not 0 < letters < len(core) <= 24:
        return False
    return _MEASURE.fullmatch(core) is None or (letters >= 3 and core[0].isalpha() and english.is_word(_spell(core)))


def _spell(token: str) -> str:
    """The likeliest word that the token can be read as: `1` is i or l, `6` is g or b."""
    core = token.rstrip("!+")
    return english.likeliest([_LEET.get(sign, sign) for sign in core]) + token[len(core) :]


def _unswap(text: str) -> str | None:
    """Words that are none, and become one when two neighboring letters change places: `cocktial`, `kinfe`."""
    plain = _outside_addresses(text, lambda passage: _SWAPPABLE.sub(lambda match: _unswapped(match[0]), passage))
    return plain if plain != text else None


def _unswapped(word: str) -> str:
    if english.is_word(word):
        return word
    swaps = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    found = [swapped for swapped in swaps if english.is_word(swapped) and _likelier(swapped, word, slack=-_SWAP_GAIN)]
    return min(found, key=english.spelling_cost) if found else word


def _moved(text: str) -> Iterator[tuple[str, str]]:
    """The passage that makes the most sense read backwards, shifted (Caesar, ROT13 among them) or mirrored (Atbash)."""
    letters = english.codes(text)
    plain = english.pair_costs(letters)
    if not _has_odd_passage(text, letters, plain):
        return
    zero_based = np.where(letters > 0, letters - 1, 0).astype(np.int16)
    best: tuple[float, str, int, int] = (0.0, "", 0, 0)
    for key in range(-1, 26):  # -1 stands for reading backwards, 0 for Atbash
        if key < 0:
            gains, toll, needed = plain - english.pair_costs(letters[::-1])[::-1], 0.5, _BACKWARDS_GAIN
        else:
            moved = (25 - zero_based) if key == 0 else (zero_based + key) % 26
            turned = np.where(letters > 0, moved + 1, 0).astype(np.uint8)
            gains, toll = plain - english.pair_costs(turned), 1.0
            needed = _ROT13_GAIN if key == 13 else _CIPHER_GAIN
        start, end, gain = english.best_segment(text, gains, toll=toll)
        if gain > needed and gain > best[0]:
            best = (gain, "reversed" if key < 0 else "atbash" if key == 0 else f"rot{key}", start, end)
    _, name, start, end = best
    if name:
        start, end = _extended(text, start, end, name)
        yield name, text[:start] + _undone(text[start:end], name) + text[end:]


def _extended(text: str, start: int, end: int, name: str) -> tuple[int, int]:
    """The passage with those neighboring tokens that make at least as much sense read like it."""
    while before := re.search(r"\S+\s*$", text[max(0, start - 40) : start]):
        if not _belongs(before[0], name, outermost=start == len(before[0])):
            break
        start -= len(before[0])
    while after := re.match(r"\s*\S+", text[end : end + 40]):
        if not _belongs(after[0], name, outermost=end + len(after[0]) == len(text)):
            break
        end += len(after[0])
    return start, end


def _belongs(token: str, name: str, *, outermost: bool) -> bool:
    """Read like the passage, the token is a word, or likelier than as it stands. What is a word both ways belongs to it
    if it was enciphered (`jung`: "what"); backwards (`spit`: "tips") only where nothing else is left on that side."""
    plain = "".join(filter(str.isalpha, token))
    read = _undone(plain, name)
    if not plain or len(plain) == 1:
        return True
    if english.is_word(plain):
        return english.is_word(read) and (outermost or name.startswith("rot")) and _likelier(read, plain, slack=2.0)
    return english.is_word(read) or _likelier(read, plain, slack=0.0)


def _likelier(read: str, plain: str, *, slack: float) -> bool:
    return english.spelling_cost(read) < english.spelling_cost(plain) + slack


def _undone(passage: str, name: str) -> str:
    return passage[::-1] if name == "reversed" else _shift(passage, name)


def _has_odd_passage(text: str, letters: NDArray[np.uint8], plain: NDArray[np.float32]) -> bool:
    """Some letters stand in words that do not look like writing; cheap, and false for nearly all texts."""
    sums, counts = np.cumsum(plain), np.cumsum(letters > 0)
    odd = 0
    for match in _SPACELESS.finditer(text):
        start, end = match.span()
        number = int(counts[end - 1] - (counts[start - 1] if start else 0))
        surprise = float(sums[end] - (sums[start - 1] if start else 0.0))
        if number and surprise / (number + 1) > _ODD:
            odd += number
    return odd >= _MIN_LETTERS


def _shift(passage: str, name: str) -> str:
    lower = "abcdefghijklmnopqrstuvwxyz"
    key = 0 if name == "atbash" else int(name[3:])
    moved = lower[::-1] if name == "atbash" else lower[key:] + lower[:key]
    return passage.translate(str.maketrans(lower + lower.upper(), moved + moved.upper()))
