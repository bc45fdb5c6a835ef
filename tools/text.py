"""Untrusted bytes to clean text: the encoding is found, and characters that hide or forge text are removed."""

from __future__ import annotations

import codecs
import re

__all__ = ["clean_line", "clean_text", "decode_text", "looks_binary", "visible"]

# Controls but tab and line breaks; lone surrogates; noncharacters; and what is invisible but read by a language model:
# zero-width spaces, bidirectional overrides, and tag characters (U+E0000, an ASCII alphabet that nobody sees).
# The zero-width joiners U+200C and U+200D stay: Persian, Indic scripts and emoji are misspelled without them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NON_ASCII = bytes(range(128, 256))
# Python knows many more codecs than texts are written in, some of which are no character encodings, or are slow.
_TRUSTED = re.compile(
    r"utf-?(8|16|16-?le|16-?be|32|32-?le|32-?be)|us-?ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?\d{3,4}|cp\d{3,4}"
    r"|koi8-?[ru]|mac-?roman|gb2312|gbk|gb18030|big5(-?hkscs)?|shift[_-]?jis|sjis|euc-?(jp|kr)|iso-?2022-?jp|tis-?620"
)


def decode_text(data: bytes, declared: str | None = None) -> str:
    """The text of `data`: by byte order mark, else as UTF-8, else as declared, else by detection. Never raises.

    UTF-8 goes before the declaration, since what is valid UTF-8 practically always is UTF-8, and declarations are often
    wrong. What cannot be decoded becomes U+FFFD.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    head = data[:4096]
    if len(head) >= 4 and head.count(0) > len(head) // 4:  # UTF-16 without its mark; as UTF-8 it would be valid, too
        return data.decode("utf-16-be" if head[0] == 0 else "utf-16-le", "replace")
    stateful = declared is not None and declared.lower().startswith("iso-2022")  # valid ASCII, too
    for candidate in [declared, "utf-8"] if stateful else ["utf-8", declared]:
        if candidate and _TRUSTED.fullmatch(candidate.strip().lower()):
            try:
                return data.decode(candidate.strip())
            except (UnicodeDecodeError, LookupError):
                continue
    return _detected(data)


def _detected(data: bytes) -> str:
    """By charset-normalizer where it is installed and has something to go by, else as Windows-1252."""
    if len(data[:2000]) - len(data[:2000].translate(None, _NON_ASCII)) < 20:
        return data.decode("cp1252", "replace")
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return data.decode("cp1252", "replace")
    best = from_bytes(data[:200_000]).best()
    return data.decode(best.encoding if best is not None else "cp1252", "replace")


def visible(text: str) -> str:
    """The text without hidden characters, with plain line breaks."""
    return _HIDDEN.sub("", _LINE_BREAK.sub("\n", text))


def clean_text(text: str, limit: int | None = None) -> str:
    """The text with plain line breaks, without hidden characters, runs of blanks or more than one empty line together;
    at most `limit` characters."""
    shown = visible(text if limit is None else text[: 4 * limit])
    lines = (_BLANKS.sub(" ", line).strip() for line in shown.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:limit]


def clean_line(text: str, limit: int = 300) -> str:
    """The text as one line of at most `limit` characters; a cut is marked by an ellipsis."""
    text = text[: 4 * limit]
    plain = text.isascii() and text.isprintable()  # nearly every table cell: nothing to clean
    line = " ".join((text if plain else clean_text(text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def looks_binary(data: bytes) -> bool:
    """Whether the first 4 kB hold bytes that no text file has. UTF-16 and UTF-32 are text."""
    head = data[:4096]
    if any(head.startswith(bom) for bom, _ in _BOMS):
        return False
    zeros = head.count(0)
    if zeros:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return not (len(head) >= 4 and zeros > len(head) // 4 and min(even, odd) * 10 <= zeros)
    return sum(byte < 32 and byte not in b"\t\n\r\f\v\x1b" for byte in head) > len(head) // 100
