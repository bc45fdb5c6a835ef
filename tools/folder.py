"""Searches a local folder of documents, offline: PDF, DOCX, XLSX, CSV, HTML, Markdown and text, ranked by BM25.

A hit's address is `folder:LABEL/relative/path.pdf#page=3` (percent-encoded; the label is the folder's own name, and
`#page` stands only where a document has pages). It is stable, can be cited, says nothing about where the folder lies,
and is resolved by this folder alone: anything that leaves it, by `..` or by a link, is refused.

The index lives in memory and follows the folder: each search first reads what is new or changed, for at most
`refresh_seconds`; what is left is read by the next one. Files are untrusted and read in `DocumentReader`'s process.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from ..errors import BadFile, ConfigError, FetchRefused, SearchUnavailable
from .files import MAX_FILE_BYTES
from .ranking import Bm25, query_terms, split_passages, tokenize
from .reader import DocumentReader
from .source import Document, SearchHit
from .text import clean_line

__all__ = ["FolderSearch"]

MAX_FILES = 5_000
MAX_PASSAGES = 100_000
HITS_PER_FILE = 3

_SUFFIXES = frozenset(
    (".pdf", ".docx", ".xlsx", ".csv", ".tsv", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text", ".rst")
)


@dataclass(frozen=True)
class _Passage:
    url: str
    title: str
    text: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """One file as it was when it was read; `passages` is empty where it could not be."""

    fingerprint: tuple[int, int]
    passages: tuple[_Passage, ...]


class FolderSearch:
    """A `SearchProvider` over a local folder, and the reader of its hits."""

    def __init__(
        self,
        path: Path | str,
        reader: DocumentReader,
        *,
        refresh_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = Path(path).expanduser().resolve()
        if not self._root.is_dir():
            raise ConfigError(f"The search folder {path} does not exist. Create it, or mend the search setting.")
        self._label = quote(self._root.name or "root", safe="")
        self._reader = reader
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._entries: dict[Path, _Entry] = {}
        self._passages: list[_Passage] = []
        self._index = Bm25([])
        self._outdated = False
        self._refreshed = float("-inf")
        self._lock = asyncio.Lock()
        self.complete = False
        """Whether the last refresh got through the whole folder."""

    @property
    def name(self) -> str:
        return f"folder:{self._label}"

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
        """The pages that hold the query's words, best first, at most three of one file."""
        await self.refresh()
        if not self._passages:
            raise SearchUnavailable(f"The folder {self._root.name} holds no document that can be read.")
        return await asyncio.to_thread(self._ranked, query, limit)

    async def read(self, hit: SearchHit | str) -> Document:
        """The document of a hit; where the hit names a page, that page and its neighbors. Raises FetchRefused."""
        url = hit if isinstance(hit, str) else hit.url
        address, _, fragment = url.partition("#page=")
        path = self._locate(address)
        try:
            data = await asyncio.to_thread(_read_bytes, path)
            document = await self._reader.read(data, path.name, url=url)
        except (BadFile, OSError) as error:
            raise FetchRefused(f"{clean_line(address, 120)} cannot be read: {error}") from error
        pages = document.text.split("\f")
        if fragment.isdecimal() and len(fragment) < 6 and 1 <= int(fragment) <= len(pages):
            number = int(fragment)
            window = "\f".join(pages[max(0, number - 2) : number + 1])
            document = document.model_copy(update={"text": window})
        return document

    def owns(self, url: str) -> bool:
        """Whether `url` is an address of this folder."""
        return url.startswith(f"{self.name}/")

    async def refresh(self) -> None:
        """Reads what is new or changed, for at most `refresh_seconds`, and drops what is gone."""
        asked = self._clock()
        async with self._lock:
            if self._refreshed >= asked:  # another search did it while this one waited for its turn
                return
            deadline = self._clock() + self._refresh_seconds
            found = await asyncio.to_thread(self._listing)
            stale = [
                path
                for path, mark in found.items()
                if path not in self._entries or self._entries[path].fingerprint != mark
            ]
            gone = self._entries.keys() - found.keys()
            self._outdated |= bool(stale or gone)  # until the index is rebuilt, even if this is cancelled on the way
            for path in gone:
                del self._entries[path]
            self.complete = True
            for batch in _batches(stale):
                if self._clock() > deadline:
                    self.complete = False
                    break
                read = await asyncio.gather(*(self._indexed(path, found[path]) for path in batch))
                self._entries.update(zip(batch, read, strict=True))
            if self._outdated:
                await asyncio.to_thread(self._rebuild)
                self._outdated = False
            self._refreshed = self._clock()

    def _listing(self) -> dict[Path, tuple[int, int]]:
        """The readable files with their time and size, in a stable order. Hidden ones and links are left out."""
        found: dict[Path, tuple[int, int]] = {}
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith(".") or path.suffix.lower() not in _SUFFIXES or path.is_symlink():
                    continue
                try:
                    status = path.stat()
                except OSError:
                    continue
                if path.is_file() and 0 < status.st_size <= MAX_FILE_BYTES:
                    found[path] = (status.st_mtime_ns, status.st_size)
                if len(found) >= MAX_FILES:
                    return found
        return found

    async def _indexed(self, path: Path, fingerprint: tuple[int, int]) -> _Entry:
        url = f"{self.name}/{quote(path.relative_to(self._root).as_posix())}"
        try:
            data = await asyncio.to_thread(_read_bytes, path)
            document = await self._reader.read(data, path.name, url=url)
        except (BadFile, OSError):  # one bad file must not keep the others from being found
            return _Entry(fingerprint, ())
        return _Entry(fingerprint, await asyncio.to_thread(_cut, document))

    def _rebuild(self) -> None:
        passages = [passage for path in sorted(self._entries) for passage in self._entries[path].passages]
        self._passages = passages[:MAX_PASSAGES]
        self._index = Bm25(passage.terms for passage in self._passages)

    def _ranked(self, query: str, limit: int) -> tuple[SearchHit, ...]:
        passages, scores = self._passages, self._index.scores(query_terms(query))
        hits: dict[str, SearchHit] = {}
        per_file: dict[str, int] = {}
        for number, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
            if len(hits) >= limit:
                break
            passage = passages[number]
            file = passage.url.partition("#")[0]
            if passage.url in hits or per_file.get(file, 0) >= HITS_PER_FILE:
                continue
            per_file[file] = per_file.get(file, 0) + 1
            hits[passage.url] = SearchHit(
                title=passage.title, url=passage.url, snippet=clean_line(passage.text, 500), provider=self.name
            )
        return tuple(hits.values())

    def _locate(self, address: str) -> Path:
        if not self.owns(address):
            raise FetchRefused(f"{clean_line(address, 120)} does not lie in the folder {self._root.name}.")
        try:
            path = (self._root / unquote(address.removeprefix(f"{self.name}/"))).resolve()
        except (ValueError, OSError) as error:
            raise FetchRefused(f"{clean_line(address, 120)} is no address of a file.") from error
        if not path.is_relative_to(self._root) or not path.is_file():
            raise FetchRefused(f"{clean_line(address, 120)} does not lie in the folder {self._root.name}.")
        return path


def _batches(paths: list[Path], size: int = 4) -> Iterator[list[Path]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _cut(document: Document) -> tuple[_Passage, ...]:
    pages = document.text.split("\f")
    title_terms = tokenize(document.title)[:30]
    passages = []
    for number, page in enumerate(pages, start=1):
        url = f"{document.url}#page={number}" if len(pages) > 1 else document.url
        for text in split_passages(page):
            passages.append(_Passage(url, document.title, text, (*tokenize(text), *title_terms)))
    return tuple(passages)
