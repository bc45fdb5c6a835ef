"""Which lines read from a picture are the text that was to be set in it, and which are something else.

What was to be set has been judged as exact text; a reader's slip in it is no new text. What a picture says beyond that
has been judged by nobody yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .ocr import Line

__all__ = ["unexpected"]

_LETTERS = re.compile(r"[\W_]+")
_PIECE = 3
_SAME = 0.7  # of a line's three-letter pieces that must occur in the known text


def unexpected(lines: Sequence[Line], known: Iterable[str]) -> list[Line]:
    """The lines that the known texts do not account for. Linear."""
    plain = " ".join(_LETTERS.sub("", text.casefold()) for text in known)
    pieces = {plain[at : at + _PIECE] for at in range(len(plain) - _PIECE + 1)}
    return [line for line in lines if not _accounted(_LETTERS.sub("", line.text.casefold()), plain, pieces)]


def _accounted(line: str, plain: str, pieces: set[str]) -> bool:
    if len(line) <= _PIECE + 1:
        return line.isdigit() or line in plain  # page numbers, axis labels
    own = [line[at : at + _PIECE] for at in range(len(line) - _PIECE + 1)]
    return sum(piece in pieces for piece in own) >= _SAME * len(own)
