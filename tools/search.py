"""The plug point of search, and the providers that ask the web.

A provider answers with hits, which are untrusted: cleaned and bounded here, but data all the same. It raises
`SearchUnavailable` where it cannot tell what there is; an empty answer means that it looked and there is nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode, urlsplit

from ..errors import ConfigError, FetchRefused, SearchUnavailable
from .fetch import FetchLimits, fetch_bytes
from .net import AddressPolicy, check_url
from .source import SearchHit
from .text import clean_line

__all__ = ["DdgsSearch", "SearchProvider", "SearxngSearch", "clean_hits"]

MAX_QUERY_CHARS = 400

_ANY_PORT = AddressPolicy(ports=None)
_OPERATORS_OWN = AddressPolicy(ports=None, exempt=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))


@runtime_checkable
class SearchProvider(Protocol):
    """Whatever finds pages or files for a query. At most `limit` hits, best first. Raises SearchUnavailable."""

    @property
    def name(self) -> str: ...

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]: ...


def clean_hits(rows: Iterable[Mapping[str, Any]], provider: str, limit: int) -> tuple[SearchHit, ...]:
    """The usable ones of raw results (`title`, `url`, `snippet`): http(s) only, no duplicates, without control
    characters, titles up to 200 and snippets up to 500 characters."""
    hits: list[SearchHit] = []
    seen: set[str] = set()
    for row in rows:
        url = row.get("url")
        if len(hits) >= limit:
            break
        if not isinstance(url, str):
            continue
        try:
            address = str(check_url(url.strip(), _ANY_PORT))
        except FetchRefused:
            continue
        key = address.split("://", 1)[1].rstrip("/").removeprefix("www.").lower()
        if key in seen:
            continue
        seen.add(key)
        title = clean_line(str(row.get("title") or ""), 200) or urlsplit(address).hostname or address
        snippet = clean_line(str(row.get("snippet") or ""), 500)
        hits.append(SearchHit(title=title, url=address, snippet=snippet, provider=provider))
    return tuple(hits)


class DdgsSearch:
    """Several public search engines by the `ddgs` package: no key needed, no promise given.

    The package scrapes, in threads, with a timeout for each engine; `seconds` bounds the whole. It reports a rate limit
    as "No results found", so an empty answer is not taken for one: it raises SearchUnavailable. `backends` are engine
    names; an unknown one raises ConfigError (the package itself would silently ask other engines instead).
    """

    def __init__(
        self,
        *,
        backends: tuple[str, ...] = ("auto",),
        region: str = "us-en",
        safesearch: str = "on",
        seconds: float = 12.0,
        proxy: str | None = None,
    ) -> None:
        from ddgs.engines import ENGINES  # imports a TLS stack: only when used

        if unknown := sorted(set(backends) - set(ENGINES["text"]) - {"auto"}) or not backends:
            known = ", ".join(["auto", *sorted(ENGINES["text"])])
            raise ConfigError(f"ddgs has no engine {unknown!r}. Choose among {known}.")
        self._backend = ",".join(backends)
        self._region = region
        self._safesearch = safesearch
        self._seconds = seconds
        self._proxy = proxy

    @property
    def name(self) -> str:
        return "ddgs"

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
        query = clean_line(query, MAX_QUERY_CHARS)
        if not query or limit < 1:
            return ()
        try:
            async with asyncio.timeout(self._seconds):
                rows = await asyncio.to_thread(self._ask, query, limit)
        except TimeoutError as error:
            raise SearchUnavailable(f"The search engines did not answer within {self._seconds:g} s.") from error
        hits = clean_hits(rows, self.name, limit)
        if not hits:
            raise SearchUnavailable("The search engines gave no usable result, or refused (which looks the same).")
        return hits

    def _ask(self, query: str, limit: int) -> list[dict[str, Any]]:
        from ddgs import DDGS
        from ddgs.exceptions import DDGSException

        client = DDGS(proxy=self._proxy, timeout=max(1, int(self._seconds / 2)))
        try:
            rows = client.text(
                query,
                region=self._region,
                safesearch=self._safesearch,
                max_results=2 * limit,
                backend=self._backend,
            )
        except DDGSException as error:
            raise SearchUnavailable(
                f"The search engines gave no result, or refused (which looks the same): {clean_line(str(error), 160)}"
            ) from error
        except Exception as error:  # it parses strangers' pages, and not every flaw is caught there
            raise SearchUnavailable(f"The search engines' answer cannot be read ({type(error).__name__}).") from error
        return [{"title": row.get("title"), "url": row.get("href"), "snippet": row.get("body")} for row in rows]


class SearxngSearch:
    """A SearXNG instance by its JSON interface (`search.formats` in its settings.yml must list `json`).

    `base_url` is the operator's choice, so it may lie on a private network; it is asked without following redirects.
    """

    def __init__(self, base_url: str, *, seconds: float = 12.0, language: str = "auto") -> None:
        try:
            check_url(base_url, _OPERATORS_OWN)
        except FetchRefused as error:
            raise ConfigError(f"The SearXNG address {base_url!r} cannot be used: {error}") from error
        self._base = base_url.partition("#")[0].rstrip("/")
        self._limits = FetchLimits(bytes=4_000_000, seconds=seconds, idle_seconds=seconds, redirects=0)
        self._language = language

    @property
    def name(self) -> str:
        return "searxng"

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
        query = clean_line(query, MAX_QUERY_CHARS)
        if not query or limit < 1:
            return ()
        fields = {"q": query, "format": "json", "safesearch": "2", "categories": "general", "language": self._language}
        try:
            response = await fetch_bytes(
                f"{self._base}/search?{urlencode(fields)}",
                policy=_OPERATORS_OWN,
                limits=self._limits,
                headers={"accept": "application/json"},
            )
            answer = json.loads(response.data)
            rows = [_searxng_row(row) for row in answer["results"] if isinstance(row, dict)]
        except FetchRefused as error:
            raise SearchUnavailable(
                f"SearXNG did not answer: {error} A status of 403 means that its settings.yml lists no `json` under "
                "search.formats, 429 that its limiter is on."
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SearchUnavailable("SearXNG's answer is no JSON result list. Check its address.") from error
        hits = clean_hits(rows, self.name, limit)
        if not hits and answer.get("unresponsive_engines"):
            raise SearchUnavailable("SearXNG's engines did not respond.")
        return hits


def _searxng_row(row: dict[str, Any]) -> dict[str, Any]:
    return {"title": row.get("title"), "url": row.get("url"), "snippet": row.get("content")}
