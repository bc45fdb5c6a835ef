"""PDF, DOCX and XLSX to `Document`s, within bounds. Needs the extra `embedded`.

Office files are ZIP archives of XML: the archive is measured before anything is unpacked (`zipfile` never unpacks more
than the directory declares), and a part with a document type declaration is refused, since ECMA-376 part 2 forbids them
and they carry entity attacks.
"""

from __future__ import annotations

import io
import logging
import zipfile
from typing import IO, Any

from ..errors import BadFile, ConfigError
from .source import Document
from .text import clean_line, clean_text
from .webpage import MAX_TEXT_CHARS, bound_table

__all__ = ["read_docx", "read_pdf", "read_xlsx", "table_text", "zip_kind"]

MAX_PAGES = 200
MAX_SHEETS = 12
MAX_ZIP_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 120_000_000
MAX_XML_BYTES = 40_000_000

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DTD = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def zip_kind(data: bytes) -> str:
    """The media type of an Office archive, after it was measured. Raises BadFile."""
    with _archive(data) as archive:
        names = {entry.filename for entry in archive.infolist()}
    if "word/document.xml" in names:
        return DOCX
    if "xl/workbook.xml" in names:
        return XLSX
    if any(name.startswith("ppt/") for name in names):
        raise BadFile("Presentations are not accepted. Save it as a PDF.")
    if "mimetype" in names and "content.xml" in names:
        raise BadFile("OpenDocument files are not accepted. Save it as DOCX, XLSX or PDF.")
    raise BadFile("ZIP archives are not accepted. Attach the files inside one by one.")


def read_docx(data: bytes) -> Document:
    """Paragraphs and tables in reading order. Headers, footnotes, comments and deleted text are left out."""
    try:
        import docx
    except ImportError as error:
        raise _missing("python-docx") from error
    _refuse_hostile_xml(data)
    document = docx.Document(io.BytesIO(data))
    pieces: list[str] = []
    tables: list[tuple[tuple[str, ...], ...]] = []
    size, truncated = 0, False
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            rows, cut = bound_table(
                [[cell.text for cell in row.cells] for _, row in zip(range(501), block.rows, strict=False)]
            )
            truncated |= cut
            if rows and len(tables) < 20:
                tables.append(rows)
            piece = table_text(rows)
        else:
            piece = block.text
        pieces.append(piece)
        size += len(piece)
        if size > MAX_TEXT_CHARS:
            truncated = True
            break
    text = clean_text("\n\n".join(pieces))
    if not text:
        raise BadFile("The document holds no text. Choose another file.")
    title = clean_line(str(document.core_properties.title or ""))
    return Document(title=title, url="", text=text[:MAX_TEXT_CHARS], tables=tuple(tables), truncated=truncated)


def read_xlsx(data: bytes) -> Document:
    """One table a sheet, with the values that were last computed; hidden sheets are left out."""
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError as error:
        raise _missing("openpyxl") from error
    _refuse_hostile_xml(data)
    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    pieces, tables = list[str](), []
    truncated = len(workbook.worksheets) > MAX_SHEETS
    try:
        for sheet in workbook.worksheets[:MAX_SHEETS]:
            if sheet.sheet_state != "visible":
                continue
            rows, cut = bound_table(sheet.iter_rows(max_row=502, max_col=41, values_only=True))
            truncated |= cut
            if rows:
                tables.append(rows)
                pieces.append(f"{sheet.title}\n{table_text(rows)}")
    finally:
        workbook.close()
    if not tables:
        raise BadFile("The workbook holds no values. Choose another file.")
    text = clean_text("\n\n".join(pieces))
    return Document(
        title=clean_line(str(workbook.properties.title or "")),
        url="",
        text=text[:MAX_TEXT_CHARS],
        tables=tuple(tables),
        truncated=truncated or len(text) > MAX_TEXT_CHARS,
    )


def read_pdf(data: bytes) -> Document:
    """The text of the first 200 pages, separated by form feeds. Scripts, forms and attachments are never looked at."""
    try:
        import pypdf
    except ImportError as error:
        raise _missing("pypdf") from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw of every file
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise BadFile("The PDF is protected by a password. Save it without one.")
    pages, size = list[str](), 0
    count = len(reader.pages)
    for number in range(min(count, MAX_PAGES)):
        page = clean_text(reader.pages[number].extract_text(), MAX_TEXT_CHARS)
        pages.append(page)
        size += len(page)
        if size > MAX_TEXT_CHARS:
            break
    if not size:
        raise BadFile("The PDF holds no text (it seems to be scanned). Attach its pages as images.")
    metadata: Any = reader.metadata
    return Document(
        title=clean_line(str((metadata and metadata.title) or "")),
        url="",
        text="\f".join(pages)[:MAX_TEXT_CHARS],
        truncated=count > len(pages) or size > MAX_TEXT_CHARS,
    )


def table_text(rows: tuple[tuple[str, ...], ...]) -> str:
    """The table as lines, cells separated by bars."""
    return "\n".join(" | ".join(row) for row in rows)


def _missing(package: str) -> ConfigError:
    return ConfigError(f"{package} is not installed: pip install 'safelight[embedded]'")


def _archive(data: bytes) -> zipfile.ZipFile:
    """The archive, after its directory was measured. Raises BadFile."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadFile(f"The file is damaged and cannot be read ({error}). Save it again.") from error
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise BadFile("The file is protected by a password. Save it without one.")
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ZIP_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
        raise BadFile(
            f"The file unpacks to {len(entries):,} parts and {unpacked / 1e6:,.0f} MB; at most {MAX_ZIP_ENTRIES:,} and "
            f"{MAX_UNPACKED_BYTES / 1e6:g} MB are read. Shorten it."
        )
    return archive


def _refuse_hostile_xml(data: bytes) -> None:
    with _archive(data) as archive:
        for entry in archive.infolist():
            if not entry.filename.lower().endswith((".xml", ".rels", ".vml")):
                continue
            if entry.file_size > MAX_XML_BYTES:
                raise BadFile(f"A part of the file has {entry.file_size / 1e6:,.0f} MB of text. Shorten it.")
            with archive.open(entry) as part:
                if _declares_dtd(part):
                    raise BadFile(
                        "The file holds a document type declaration, which Office files never do. Save it again."
                    )


def _declares_dtd(part: IO[bytes]) -> bool:
    tail = b""
    while chunk := part.read(1 << 20):
        window = tail + chunk
        if any(mark in window for mark in _DTD):
            return True
        tail = window[-32:]
    return False
