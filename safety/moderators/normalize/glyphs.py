"""Unicode: one canonical spelling for what looks, or prints, the same.

`canonical` is idempotent and linear. It removes what cannot be seen (format controls, variation selectors, fillers,
stacked combining marks), applies NFKC (UAX #15), spells letter-like signs as letters, and maps letters that are
borrowed from another script to look Latin (UTS #39, "whole-script" and "mixed-script" confusables) back to Latin.
Words that are honestly written in another script are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["canonical", "hidden", "lookalikes", "upside_down"]

# Letters of other scripts that read as Latin ones, by the Latin letter (a subset of confusables.txt, UTS #39).
_CONFUSABLE = {
    "a": "аɑαаꭺ", "b": "Ьɓъƅꮟ", "c": "сϲᴄⅽꮯ", "d": "ԁժɗꭰ", "e": "еҽєꭼ", "f": "ƒғꝼք", "g": "ɡցɢᶃ", "h": "һհнᏂ",
    "i": "іιӏıɩꙇ", "j": "јϳ", "k": "кκᴋҝ", "l": "ӏǀוⵏ", "m": "мʍⅿ", "n": "пոηռ", "o": "оοσօס᧐ჿ", "p": "рρϱթ",
    "q": "ԛզգ", "r": "гᴦꭇꭈ", "s": "ѕꜱʂꮪ", "t": "тτᴛե", "u": "υսцʋ", "v": "ѵνⅴט", "w": "ԝωшա", "x": "хχҳ", "y": "уγүყ",
    "z": "ᴢʐզ",
    "A": "АΑᎪ", "B": "ВΒᏴ", "C": "СϹᏟ", "D": "ᎠÐ", "E": "ЕΕᎬ", "F": "ϜᖴҒ", "G": "ԌᏀ", "H": "НΗᎻ", "I": "ІΙӀ", "J": "ЈᎫ",
    "K": "КΚᏦ", "L": "ᏞԼ", "M": "МΜᎷ", "N": "ΝИᴎ", "O": "ОΟՕ", "P": "РΡᏢ", "Q": "Ԛ", "R": "ᎡЯ", "S": "ЅՏᏚ", "T": "ТΤᎢ",
    "U": "Ս", "V": "ѴᏙ", "W": "ԜᎳ", "X": "ХΧ", "Y": "ҮΥ", "Z": "ΖᏃ",
}  # fmt: skip
_LOOKALIKE = {ord(sign): latin for latin, signs in _CONFUSABLE.items() for sign in signs if not sign.isascii()}
_SCRIPTS = re.compile(
    r"[\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u13a0-\u13ff\u1d00-\u1d7f\u10a0-\u10ff\ua640-\ua69f\uab30-\uabbf]"
)
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")

# Signs that are letters to a reader, though NFKC leaves them: small capitals, negative circled and squared letters.
_LETTERLIKE = {
    ord(sign): latin for sign, latin in zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqqrstuvwyz", strict=True)
}
for _first in (0x1F150, 0x1F170):
    _LETTERLIKE |= {_first + offset: chr(ord("a") + offset) for offset in range(26)}

_INDICATORS = re.compile(r"[\U0001F1E6-\U0001F1FF](?:\s?[\U0001F1E6-\U0001F1FF]){2,}")
_MARKS = re.compile(r"[\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_STACKED = re.compile(r"([\u0591-\u05bd\u064b-\u065f\u0670\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\1{2,}")
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Joiners spell words in Indic, Persian and emoji text; anywhere else they only hide.
_JOINER = re.compile(
    "(?<![\u0600-\u06ff\u0700-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u2600-\u27bf\U0001f000-\U0001faff])[\u200c\u200d]+"
)
_BLANK = re.compile("[\t\v\f\r\u0085\u2028\u2029\u2800]")

_FLIPPED = dict(zip("ɐqɔpǝɟƃɓɥᴉıɾʞןlɯuodbɹsʇnʌʍxʎz∀ᗺƆᗡƎℲ⅁פHIſʞ˥WNOԀΌᴚS┴∩ΛMX⅄Z¿¡˙'ʻ",
                    "abcdefgghiijkllmnopqrstuvwxyzabcdefgghijklmnopqrstuvwxyz?!.,'", strict=True))  # fmt: skip
_FLIPPED_ONLY = re.compile("[ɐɔǝɟƃɥᴉɾʞןɯɹʇʌʍʎ∀ƆƎℲ⅁˥┴⅄Ԁ]")

_TAGS = re.compile("[\U000e0020-\U000e007e]{2,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
_ZERO_WIDTH_BITS = re.compile("[\u200b\u200c\u200d\u2060\u2062\u2063\ufeff]{16,}")
_OVERRIDE = re.compile("\u202e([^\u202c\u202e\n]*)[\u202c\u202e]?")


_ROUNDS = 4


def canonical(text: str) -> tuple[str, tuple[str, ...]]:
    """The text in canonical spelling, and the names of the steps that changed it."""
    steps: list[str] = []
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates become question marks
    for _ in range(_ROUNDS):  # spelling out a letter may bring to light what an earlier step takes away
        before = text
        for name, step in (
            ("invisible", _strip),
            ("compatibility", _compose),
            ("letterlike", _spell),
            ("mixed scripts", _unmix),
        ):
            changed = step(text)
            if changed != text:
                steps.append(name)
                text = changed
        if text == before:
            break
    return text, tuple(dict.fromkeys(steps))


def lookalikes(text: str) -> str:
    """The text with every letter that can pass for a Latin one written as Latin, whole words of them included."""
    return text.translate(_LOOKALIKE)


def upside_down(text: str) -> str | None:
    """The text turned the right way up, or None where no letter of it can only be read upside down."""
    if len(_FLIPPED_ONLY.findall(text)) < 3:
        return None
    return "".join(_FLIPPED.get(sign, sign) for sign in reversed(text))


def hidden(text: str) -> Iterator[tuple[str, str]]:
    """What the raw text carries in characters that are not shown: (step, text smuggled).

    Tag characters (U+E0020..7E), bytes in variation selectors, bits in zero-width characters, and passages that a
    right-to-left override shows backwards.
    """
    if tags := "".join(chr(ord(sign) - 0xE0000) for run in _TAGS.findall(text) for sign in run):
        yield "tag characters", tags
    data = bytes(
        code - 0xFE00 if code < 0x10000 else code - 0xE0100 + 16
        for run in _SELECTORS.findall(text)
        for code in map(ord, run)
        if code < 0x10000 or code - 0xE0100 + 16 < 256
    )
    if data and (smuggled := data.decode("utf-8", "ignore")).isprintable():
        yield "variation selectors", smuggled
    for run in _ZERO_WIDTH_BITS.findall(text)[:8]:
        yield from _bits(run)
    if "\u202e" in text:
        yield "right-to-left override", _OVERRIDE.sub(lambda match: match[1][::-1], text)


def _bits(run: str) -> Iterator[tuple[str, str]]:
    """Two kinds of zero-width characters read as bits, either way round, eight to a letter."""
    kinds = sorted(set(run))
    if len(kinds) != 2:
        return
    for one in kinds:
        bits = "".join("1" if sign == one else "0" for sign in run)
        data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))
        found = data.decode("utf-8", "ignore")
        if found.isprintable() and found.isascii() and sum(map(str.isalpha, found)) * 2 > len(found):
            yield "zero-width bits", found


def _strip(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    return _JOINER.sub("", text)


def _compose(text: str) -> str:
    """NFKC without stacked or free-standing marks; to a fixed point, which the second pass reaches."""
    for _ in range(2):
        text = unicodedata.normalize("NFKC", _BLANK.sub(" ", text))
        text = _STACKED.sub(r"\1", _MARKS.sub("", text))
        text = _strip(text)
    return text


def _spell(text: str) -> str:
    text = text.translate(_LETTERLIKE)
    return _INDICATORS.sub(
        lambda match: "".join(chr(ord(sign) - 0x1F1E6 + 97) for sign in match[0] if not sign.isspace()), text
    )


def _unmix(text: str) -> str:
    """Latin spelling for words that mix scripts, and for the rest of a text that has such words."""
    if text.isascii() or not any(_is_mixed(word) for word in _WORD.findall(text)):
        return text
    return _WORD.sub(lambda match: match[0].translate(_LOOKALIKE) if _maps(match[0]) else match[0], text)


def _is_mixed(word: str) -> bool:
    return not word.isascii() and _LATIN.search(word) is not None and _SCRIPTS.search(word) is not None and _maps(word)


def _maps(word: str) -> bool:
    """Every letter from another script can pass for a Latin one."""
    return not word.isascii() and _SCRIPTS.search(word.translate(_LOOKALIKE)) is None
