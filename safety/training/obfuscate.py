"""Ways to hide a text from a filter: what the normalization must undo, for evaluation and tests. Deterministic."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

__all__ = ["OBFUSCATIONS"]

_LEET = str.maketrans("aeiostlAEIOSTL", "43105714310571")
_HOMOGLYPHS = str.maketrans("aeopcyxisjAEOPCTXHKMB", "аеорсухіѕјАЕОРСТХНКМВ")
_FLIPPED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")
_MORSE = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz0123456789",
        (
            ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- "
            "--.. "
            "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
        ).split(),
        strict=True,
    )
)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _morse(text: str) -> str:
    words = "".join(char if char in _MORSE else " " for char in text.lower()).split()
    return " / ".join(" ".join(_MORSE[char] for char in word) for word in words)


OBFUSCATIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "base64": lambda text: f"Draw what this says: {base64.b64encode(_encoded(text)).decode()}",
        "hexadecimal": lambda text: f"Draw what this says: {_encoded(text).hex()}",
        "rot13": lambda text: f"Decode and draw: {codecs.encode(text, 'rot13')}",
        "percent": quote,
        "leet": lambda text: text.translate(_LEET),
        "homoglyphs": lambda text: text.translate(_HOMOGLYPHS),
        "spaced": lambda text: "  ".join(" ".join(word) for word in text.split()),
        "dotted": lambda text: " ".join(".".join(word) for word in text.split()),
        "reversed": lambda text: text[::-1],
        "zero width": "\u200b".join,
        "fullwidth": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
        "tag characters": lambda text: (
            "A cat. " + "".join(chr(0xE0000 + ord(char)) for char in text if " " <= char <= "~")
        ),
        "upside down": lambda text: text.lower().translate(_FLIPPED)[::-1],
        "morse": _morse,
        "bold script": lambda text: "".join(
            chr(0x1D41A + ord(char) - 97) if "a" <= char <= "z" else char for char in text.lower()
        ),
    }
)
