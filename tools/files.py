"""Attachments to `Document`s: PDF, DOCX, XLSX, CSV, Markdown, HTML and plain text.

`read_document` decides by content, the name being only a hint among kinds of plain text. It is synchronous, and its
bounds (pages, rows, characters, unpacked bytes) hold for honest and simply hostile files. What remains, a parser driven
into an endless loop, is held by `tools.reader`, which runs this function in a process that can be killed: use that for
anything untrusted.

In a document of several pages these are separated by form feeds, as `pdftotext` does.
"""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import PurePath

from ..containers import sniff
from ..errors import BadFile, SafelightError
from .office import read_docx, read_pdf, read_xlsx, table_text, zip_kind
from .source import Document
from .text import clean_line, clean_text, decode_text, looks_binary
from .webpage import MAX_TEXT_CHARS, bound_table, looks_like_html, read_html

__all__ = ["ACCEPTED_WORDS", "MAX_FILE_BYTES", "document_kind", "read_document"]

MAX_FILE_BYTES = 30_000_000
ACCEPTED_WORDS = "PDF, DOCX, XLSX, CSV, Markdown, HTML or plain text"

_REFUSED = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "It is an old Office file or is protected by a password"),
    (b"{\\rtf", "RTF is not accepted"),
    (b"\x1f\x8b", "Compressed archives are not accepted"),
    (b"Rar!", "Compressed archives are not accepted"),
    (b"7z\xbc\xaf", "Compressed archives are not accepted"),
    (b"%!PS", "PostScript is not accepted"),
)


def document_kind(data: bytes, name: str = "") -> str:
    """The media type of a document, by content. Raises BadFile where it is none that can be read."""
    shown = clean_line(PurePath(name.replace("\\", "/")).name, 80) or "The file"
    if not data.strip(b"\x00 \t\r\n"):
        raise BadFile(f"{shown} is empty. Choose another file.")
    if len(data) > MAX_FILE_BYTES:
        raise BadFile(
            f"{shown} has {len(data) / 1e6:.1f} MB; at most {MAX_FILE_BYTES / 1e6:g} MB are read. Shorten it."
        )
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zip_kind(data)
    for magic, what in _REFUSED:
        if data.startswith(magic):
            raise BadFile(f"{shown} cannot be read. {what}. Save it as {ACCEPTED_WORDS}.")
    if (image := sniff(data)) not in (None, "image/svg+xml", "image/bmp") or (
        image == "image/bmp" and looks_binary(data)
    ):
        raise BadFile(f"{shown} is an image ({image}), not a document. Attach it as an image.")
    if looks_binary(data):
        raise BadFile(f"{shown} is no document that can be read. Give it as {ACCEPTED_WORDS}.")
    if looks_like_html(data):
        return "text/html"
    return _text_kind(data, PurePath(name).suffix.lower())


def read_document(data: bytes, name: str = "", *, url: str = "", charset: str | None = None) -> Document:
    """The text and tables of an untrusted document, within bounds. `url` is what it is cited as.

    Raises BadFile on anything that cannot be read, ConfigError where the extra `embedded` is needed and missing. Not
    for several threads at once (it silences the warnings of its parsers): `tools.reader` gives it a process.
    """
    kind = document_kind(data, name)
    title = clean_line(PurePath(name.replace("\\", "/")).name, 200)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = _READERS[kind](data, charset)
    except SafelightError:
        raise
    except MemoryError as error:
        raise BadFile(f"{title or 'The file'} needs more memory than is allowed. Shorten it.") from error
    except Exception as error:  # parsers raise nearly everything on hostile bytes
        detail = clean_line(str(error), 120) or type(error).__name__
        raise BadFile(f"{title or 'The file'} is damaged and cannot be read ({detail}). Save it again.") from error
    return document.model_copy(
        update={"title": document.title or title, "url": url or document.url, "media_type": kind}
    )


def _text_kind(data: bytes, suffix: str) -> str:
    by_name = {
        ".csv": "text/csv",
        ".tsv": "text/csv",
        ".tab": "text/csv",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
    }
    if suffix in by_name:
        return by_name[suffix]
    if suffix in ("", ".txt", ".dat") and _delimiter(decode_text(data[:20_000])) is not None:
        return "text/csv"
    return "text/plain"


def _delimiter(text: str) -> str | None:
    """The character that separates the same number of columns in every line, at least two in three lines."""
    lines = [line for line in text.splitlines()[:-1][:50] if line.strip()] or [text]
    if len(lines) < 3:
        return None
    for delimiter in "\t;,|":
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        if len(widths) == 1 and widths.pop() >= 2:
            return delimiter
    return None


def _read_csv(data: bytes, charset: str | None) -> Document:
    text = decode_text(data, charset)
    cut = len(text) > 4 * MAX_TEXT_CHARS
    text = text[: 4 * MAX_TEXT_CHARS].replace("\x00", "")
    head = text[:20_000]
    delimiter = _delimiter(head + "\n") or max("\t;,|", key=head.count)
    try:
        rows, cut_rows = bound_table(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise BadFile(f"The table cannot be read: {error}. Save it again as CSV.") from error
    if not rows:
        raise BadFile("The table is empty. Choose another file.")
    return Document(title="", url="", text=table_text(rows), tables=(rows,), truncated=cut or cut_rows)


def _read_text(data: bytes, charset: str | None) -> Document:
    raw = decode_text(data, charset)
    text = clean_text(raw, MAX_TEXT_CHARS)
    if not text:
        raise BadFile("The file holds no readable text. Choose another one.")
    return Document(title="", url="", text=text, truncated=len(raw) > MAX_TEXT_CHARS)


def _read_markdown(data: bytes, charset: str | None) -> Document:
    """Markdown stays as it is, being meant to be read; the first heading is the title, pipe tables are copied out."""
    document = _read_text(data, charset)
    lines = document.text.splitlines()
    heading = next((line.lstrip("# ") for line in lines[:50] if line.startswith("# ")), "")
    tables, block = [], list[list[str]]()
    for line in [*lines, ""]:
        if line.startswith("|") and line.endswith("|") and len(line) > 2:
            cells = [cell.strip() for cell in line[1:-1].split("|")]
            if not all(set(cell) <= set(":-") and cell for cell in cells):
                block.append(cells)
        elif block:
            rows, _ = bound_table(block)
            if len(rows) >= 2:
                tables.append(rows)
            block = []
    return document.model_copy(update={"title": clean_line(heading), "tables": tuple(tables[:20])})


_READERS = {
    "application/pdf": lambda data, _: read_pdf(data),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": lambda data, _: read_docx(data),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": lambda data, _: read_xlsx(data),
    "text/html": lambda data, charset: read_html(data, charset=charset),
    "text/csv": _read_csv,
    "text/markdown": _read_markdown,
    "text/plain": _read_text,
}
