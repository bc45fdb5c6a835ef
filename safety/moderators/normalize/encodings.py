"""Encoded passages decoded in place: base64, base32, hexadecimal, percent, entities, escapes, bits, Morse, Braille."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

__all__ = ["uncover"]

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}={0,2}|[A-Za-z0-9+/_-]{6,}={1,2})")
_WRAPPED = re.compile(r"(?<=[A-Za-z0-9+/]{40})\r?\n(?=[A-Za-z0-9+/=])")
_BASE32 = re.compile(r"(?<![A-Z2-7])[A-Z2-7]{16,}={0,6}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ :,-]?){6,}(?![0-9A-Za-z])")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2}){3,}")
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9A-Fa-f]{2,6}|[a-zA-Z]{2,8});")
_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\x([0-9A-Fa-f]{2})|U\+([0-9A-Fa-f]{4,6})\s?")
_DECIMALS = re.compile(r"(?<!\d)(?:\d{2,3}[ ,;-]{1,2}){4,}\d{2,3}(?!\d)")
_BITS = re.compile(r"(?<![01])(?:[01]{8}[ ,]?){3,}(?![01])")
_MORSE = re.compile(r"(?:[.\-·•−–—_]{1,6}(?:\s{1,3}|\s?[/|]\s?)){5,}[.\-·•−–—_]{1,6}")
_BRAILLE = re.compile("[\u2801-\u283f][\u2800-\u283f\\s]*")

_MORSE_CODE = dict(zip(
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
    "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))  # fmt: skip
_MORSE_SIGNS = str.maketrans("·•−–—_", "..----")
_BRAILLE_CELLS = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵⠀", "abcdefghijklmnopqrstuvwxyz ", strict=True))
_NAMES = str.maketrans("-_", "+/")


def uncover(text: str) -> Iterator[tuple[str, str]]:
    """(step, text) for each encoding of which the text holds at least one passage, that passage decoded in place."""
    for name, decode in _DECODERS:
        plain = decode(text)
        if plain is not None and plain != text:
            yield name, plain


def _readable(data: bytes) -> str | None:
    """The bytes as text, where they are text: UTF-8 (or UTF-16), nearly all printable, mostly letters and spaces."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        printable = sum(sign.isprintable() or sign in "\n\t" for sign in text)
        wordlike = sum(sign.isalpha() or sign in " \n" for sign in text)
        ascii_letters = sum(sign.isascii() for sign in text)
        enough = wordlike >= 0.6 * len(text) and (encoding == "utf-8" or ascii_letters > 0.9 * len(text))
        if len(text) >= 3 and printable >= 0.97 * len(text) and enough:
            return text
    return None


def _replace(pattern: re.Pattern[str], text: str, decode: Callable[[str], str | None]) -> str | None:
    found = False

    def swap(match: re.Match[str]) -> str:
        nonlocal found
        plain = decode(match[0])
        if plain is None:
            return match[0]
        found = True
        return plain

    changed = pattern.sub(swap, text)
    return changed if found else None


def _base64(text: str) -> str | None:
    def decode(run: str) -> str | None:
        body = run.rstrip("=").translate(_NAMES)
        if len(body) % 4 == 1:
            return None
        try:
            return _readable(base64.b64decode(body + "=" * (-len(body) % 4)))
        except (binascii.Error, ValueError):
            return None

    return _replace(_BASE64, _WRAPPED.sub("", text), decode)


def _base32(text: str) -> str | None:
    def decode(run: str) -> str | None:
        body = run.rstrip("=")
        try:
            return _readable(base64.b32decode(body + "=" * (-len(body) % 8)))
        except (binascii.Error, ValueError):
            return None

    return _replace(_BASE32, text, decode)


def _hex(text: str) -> str | None:
    def decode(run: str) -> str | None:
        digits = re.sub(r"0x|\\x|[ :,-]", "", run)
        if len(digits) % 2:
            return None
        plain = _readable(bytes.fromhex(digits))
        return None if plain is None else plain + (" " if run[-1] in " ,:-" else "")

    return _replace(_HEX, text, decode)


def _percent(text: str) -> str | None:
    return unquote(text.replace("+", " "), errors="ignore") if len(_PERCENT.findall(text)) >= 3 else None


def _quoted(text: str) -> str | None:
    return _replace(_QUOTED, text, lambda run: _readable(bytes.fromhex(run.replace("=", ""))))


def _entities(text: str) -> str | None:
    return html.unescape(text) if _ENTITY.search(text) else None


def _escapes(text: str) -> str | None:
    if len(_ESCAPE.findall(text)) < 2:
        return None

    def sign(match: re.Match[str]) -> str:
        code = int(match[1] or match[2] or match[3], 16)
        return match[0] if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)

    return _ESCAPE.sub(sign, text)


def _decimals(text: str) -> str | None:
    def decode(run: str) -> str | None:
        numbers = [int(number) for number in re.findall(r"\d+", run)]
        return _readable(bytes(numbers)) if all(32 <= number < 127 for number in numbers) else None

    return _replace(_DECIMALS, text, decode)


def _bits(text: str) -> str | None:
    def decode(run: str) -> str | None:
        digits = re.sub(r"[ ,]", "", run)
        return _readable(bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) - 7, 8)))

    return _replace(_BITS, text, decode)


def _morse(text: str) -> str | None:
    def decode(run: str) -> str | None:
        words = re.split(r"\s*[/|]\s*|\s{3,}", run.translate(_MORSE_SIGNS).strip())
        plain = " ".join("".join(_MORSE_CODE.get(sign, "?") for sign in word.split()) for word in words)
        return plain if plain.count("?") * 5 < len(plain) and len(set(plain)) > 3 else None

    return _replace(_MORSE, text, decode)


def _braille(text: str) -> str | None:
    return _replace(_BRAILLE, text, lambda run: "".join(_BRAILLE_CELLS.get(cell, " ") for cell in run))


_DECODERS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("entities", _entities),
    ("percent-encoding", _percent),
    ("escapes", _escapes),
    ("quoted-printable", _quoted),
    ("base64", _base64),
    ("hexadecimal", _hex),
    ("base32", _base32),
    ("character codes", _decimals),
    ("bits", _bits),
    ("morse", _morse),
    ("braille", _braille),
)
