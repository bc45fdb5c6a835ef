"""Puts search together: a chain of providers from settings, and the one reader for whatever they find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import ConfigError, FetchRefused, SearchUnavailable
from .fetch import PageSource
from .folder import FolderSearch
from .reader import DocumentReader
from .search import DdgsSearch, SearchProvider, SearxngSearch
from .source import Document, SearchHit

__all__ = ["ProviderReader", "SearchChain", "Searching", "build_search"]


class SearchChain:
    """A provider that asks others in order: the first that finds something answers.

    Where all looked and found nothing, the answer is empty; where none could look, SearchUnavailable gives every
    reason. A provider that breaks counts as unavailable: search is never what ends a run.
    """

    def __init__(self, providers: Sequence[SearchProvider], *, seconds: float = 15.0) -> None:
        self._providers = tuple(providers)
        self._seconds = seconds

    @property
    def name(self) -> str:
        return ", ".join(provider.name for provider in self._providers) or "none"

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
        reasons, looked = list[str](), False
        for provider in self._providers:
            try:
                async with asyncio.timeout(self._seconds):
                    hits = await provider.search(query, limit=limit)
            except TimeoutError:
                reasons.append(f"{provider.name}: no answer within {self._seconds:g} s")
            except Exception as error:  # a third party's provider may raise anything
                reasons.append(f"{provider.name}: {error or type(error).__name__}")
            else:
                looked = True
                if hits:
                    return tuple(hits[:limit])
        if looked:
            return ()
        raise SearchUnavailable("; ".join(reasons) or "No search provider is configured. Set SAFELIGHT_SEARCH.")


class ProviderReader:
    """Turns a hit, or its address, into a `Document`: files of a folder are read there, everything else is fetched."""

    def __init__(self, fetcher: PageSource | None, folders: Sequence[FolderSearch] = ()) -> None:
        self._fetcher = fetcher
        self._folders = tuple(folders)

    async def read(self, hit: SearchHit | str) -> Document:
        """Raises FetchRefused where the address is forbidden or what it names cannot be read within bounds."""
        url = hit if isinstance(hit, str) else hit.url
        for folder in self._folders:
            if folder.owns(url):
                return await folder.read(url)
        if self._fetcher is None or url.startswith("folder:"):
            raise FetchRefused(f"Nothing here can read {url[:120]!r}.")
        return await self._fetcher.fetch(url)


@dataclass(frozen=True)
class Searching:
    """What a run needs for research. `provider` None means that search is switched off."""

    provider: SearchChain | None
    reader: ProviderReader


def build_search(
    specs: Sequence[str],
    *,
    documents: DocumentReader,
    fetcher: PageSource | None,
    seconds: float = 12.0,
    hosted: Callable[[str], SearchProvider] | None = None,
) -> Searching:
    """The search chain that settings name: `ddgs`, `ddgs:ENGINE+ENGINE`, `searxng:URL`, `folder:PATH`, `openai:MODEL`,
    `none`.

    `documents` reads the files of folders; `fetcher` the pages (None: only folders can be read); `hosted` gives the
    search of a model service by the model's name. Raises ConfigError.
    """
    providers: list[SearchProvider] = []
    folders: list[FolderSearch] = []
    for spec in specs:
        kind, _, value = spec.strip().partition(":")
        if kind == "ddgs":
            providers.append(DdgsSearch(backends=tuple(value.split("+")) if value else ("auto",), seconds=seconds))
        elif kind == "searxng" and value:
            providers.append(SearxngSearch(value, seconds=seconds))
        elif kind == "openai" and value and hosted is not None:
            providers.append(hosted(value))
        elif kind == "folder" and value:
            folder = FolderSearch(value, documents, refresh_seconds=max(1.0, seconds - 2))
            if any(folder.name == other.name for other in folders):
                raise ConfigError(f"Two search folders are called {folder.name!r}. Rename one.")
            folders.append(folder)
            providers.append(folder)
        elif kind != "none" or value:
            raise ConfigError(
                f"There is no search provider {spec!r}. Choose ddgs, searxng:URL, folder:PATH, openai:MODEL or none."
            )
    chain = SearchChain(providers, seconds=seconds + 3) if providers else None
    return Searching(chain, ProviderReader(fetcher, folders))
