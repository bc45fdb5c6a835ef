"""HTML to a `Document`: the main text, the title and the tables, without what a reader would not see.

Hidden elements are emptied before extraction: text that only a machine reads is the usual vehicle of injected
instructions. Nothing is fetched, run or resolved. Needs the extra `embedded` (trafilatura, lxml).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import BadFile, ConfigError
from .source import Document
from .text import clean_line, clean_text, decode_text, visible

__all__ = ["MAX_TEXT_CHARS", "bound_table", "looks_like_html", "read_html"]

MAX_HTML_CHARS = 3_000_000
MAX_TEXT_CHARS = 400_000
MAX_ELEMENTS = 30_000  # beyond, finding the main text takes many seconds; long articles have some 5,000
MAX_TABLES, MAX_ROWS, MAX_COLUMNS, MAX_CELL_CHARS = 20, 500, 40, 500

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*){0,8}<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_INVISIBLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)"
    r"|font-size\s*:\s*0(?:\.0*)?[a-z%]*\s*(?:;|!|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_DROPPED = frozenset(
    (
        "script",
        "style",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "form",
        "select",
        "textarea",
    )
)


def looks_like_html(data: bytes) -> bool:
    """Whether the bytes start as an HTML document does (WHATWG MIME sniffing, simplified)."""
    return _HTML_START.match(data.removeprefix(b"\xef\xbb\xbf")[:8192]) is not None


def read_html(data: bytes, *, url: str = "", charset: str | None = None) -> Document:
    """The readable part of an HTML page. `charset` is what the server declared; the page's own declaration comes next.

    At most 3 million characters of HTML are read, and 400,000 of text kept. Raises BadFile where nothing readable is
    found, ConfigError where the extra is not installed.
    """
    try:
        import trafilatura
        from lxml import etree, html  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigError(f"trafilatura is not installed ({error}): pip install 'safelight[embedded]'") from error
    declared = charset or next((match[1].decode("ascii") for match in _META_CHARSET.finditer(data[:4096])), None)
    source = visible(decode_text(data, declared))
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        tree = html.document_fromstring(source[:MAX_HTML_CHARS].encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise BadFile("The page holds nothing that can be read. Give another one.") from error
    _empty_hidden(tree)
    title = clean_line(_title(tree))
    tables = _tables(tree)
    fallback = _block_text(tree)
    extracted = None
    if sum(1 for _ in tree.iter()) <= MAX_ELEMENTS:
        # A heuristic extractor may fail on hostile markup; the plain text serves as well.
        with contextlib.suppress(Exception):
            extracted = trafilatura.extract(
                tree, include_comments=False, include_tables=True, favor_recall=True, fast=True
            )
    text = clean_text(extracted or "")
    if len(text) < 200 and len(fallback) > 2 * len(text):
        text = clean_text(fallback)
    if not text and not tables:
        raise BadFile("The page holds no text (it may be built by a script). Give another one.")
    truncated = len(source) > MAX_HTML_CHARS or len(text) > MAX_TEXT_CHARS
    return Document(
        title=title,
        url=url,
        text=text[:MAX_TEXT_CHARS],
        tables=tables,
        language=_language(tree),
        media_type="text/html",
        truncated=truncated,
    )


def bound_table(rows: Iterable[Sequence[Any]]) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """The rows as clean strings of equal length, without empty rows and columns, and whether the limits cut them."""
    kept: list[list[str]] = []
    cut = False
    for row in rows:
        if len(kept) >= MAX_ROWS:
            cut = True
            break
        cut |= any(value not in (None, "") for value in row[MAX_COLUMNS:])
        cells = [clean_line(_cell(value), MAX_CELL_CHARS) for value in row[:MAX_COLUMNS]]
        if any(cells):
            kept.append(cells)
    width = max((len(row) for row in kept), default=0)
    padded = [row + [""] * (width - len(row)) for row in kept]
    used = [column for column in range(width) if any(row[column] for row in padded)]
    return tuple(tuple(row[column] for column in used) for row in padded), cut


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _empty_hidden(tree: Any) -> None:
    """Empties in place what is not displayed. Removing elements one by one would be quadratic on hostile pages."""
    for element in list(tree.iter()):
        if not isinstance(element.tag, str):
            continue
        attributes = element.attrib
        hidden = (
            element.tag in _DROPPED
            or "hidden" in attributes
            or attributes.get("aria-hidden", "").lower() == "true"
            or _INVISIBLE.search(attributes.get("style", "")[:2000]) is not None
        )
        if hidden and element is not tree:
            element.clear(keep_tail=True)
            element.tag = "span"


def _title(tree: Any) -> str:
    for path in ("string(//head/title)", "string(//meta[@property='og:title']/@content)", "string(//h1)"):
        if title := str(tree.xpath(path)).strip():
            return title
    return ""


def _language(tree: Any) -> str:
    declared = str(tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "")
    code = declared.replace("_", "-").split("-")[0].strip().lower()
    return code if re.fullmatch("[a-z]{2}", code) else ""


def _block_text(tree: Any) -> str:
    body = tree.find("body")
    pieces = (piece.strip() for piece in (tree if body is None else body).itertext())
    return "\n".join(piece for piece in pieces if piece)


def _tables(tree: Any) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The data tables: at least two rows and columns, and no table inside (that would be layout)."""
    tables: list[tuple[tuple[str, ...], ...]] = []
    for number, table in enumerate(tree.iter("table")):
        if number >= 10 * MAX_TABLES or len(tables) >= MAX_TABLES:
            break
        if next((inner for inner in table.iter("table") if inner is not table), None) is not None:
            continue
        rows, _ = bound_table([_html_row(row) for _, row in zip(range(MAX_ROWS), table.iter("tr"), strict=False)])
        if len(rows) >= 2 and len(rows[0]) >= 2:
            tables.append(rows)
    return tuple(tables)


def _html_row(row: Any) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if cell.tag in ("td", "th"):
            span = str(cell.get("colspan", "1")).strip()
            cells.append(" ".join(cell.itertext())[: 4 * MAX_CELL_CHARS])
            cells += [""] * (min(int(span), MAX_COLUMNS) - 1 if span.isdecimal() and len(span) < 4 else 0)
        if len(cells) > MAX_COLUMNS:
            break
    return cells
