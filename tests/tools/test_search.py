"""Search providers against real servers: a fake engine inside ddgs, a fake SearXNG, and chains of them."""

from __future__ import annotations

import asyncio
import json
import time
import unicodedata
from typing import Any

import ddgs.engines
import pytest
from ddgs.engines.duckduckgo import Duckduckgo
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import ConfigError, FetchRefused, SearchUnavailable
from safelight.tests.tools.loopback import Request, answer, serving
from safelight.tools.providers import ProviderReader, SearchChain, build_search
from safelight.tools.reader import DocumentReader
from safelight.tools.search import DdgsSearch, SearchProvider, SearxngSearch, clean_hits
from safelight.tools.source import Document, SearchHit


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[Duckduckgo]:
    """ddgs with one more engine, `fake`, whose address a test sets."""

    class Fake(Duckduckgo):
        name = "fake"
        provider = "fake"

    monkeypatch.setitem(ddgs.engines.ENGINES["text"], "fake", Fake)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "DDGS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return Fake


def results(*rows: tuple[str, str, str]) -> bytes:
    return "".join(
        f"<div class='body'><h2>{title}</h2><a href='{url}'>{snippet}</a></div>" for title, url, snippet in rows
    ).encode()


async def test_ddgs_results_are_cleaned(engine: type[Duckduckgo]) -> None:
    page = results(
        ("Vaccines", "https://example.com/vaccines#x", "How vaccines\u200b are\n made"),
        ("Twice", "http://www.example.com/vaccines/", "how vaccines are made, again"),
        ("Script", "javascript:alert(1)", "vaccines"),
        ("File", "file:///etc/passwd", "vaccines"),
        ("Login", "https://user:pw@example.org/", "vaccines"),
        ("Other", "https://example.org/b", "vaccines " * 200),
    )
    async with serving(answer(b"<html><body>" + page)) as server:
        engine.search_url = f"{server.url}/html/"
        hits = await DdgsSearch(backends=("fake",)).search("how are vaccines\x00 made", limit=5)
    assert sorted(hit.url for hit in hits) == ["https://example.com/vaccines", "https://example.org/b"]
    assert all(hit.provider == "ddgs" and len(hit.snippet) <= 500 and "\u200b" not in hit.snippet for hit in hits)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        answer(b"", status="429 Too Many Requests"),
        answer(b"<html><body>nothing here"),
        answer(results(("Ad", "ftp://example.com/", "ad"))),
        answer(b"\x00\xff" * 100),
        b"",
    ],
)
async def test_ddgs_without_a_usable_result_is_unavailable(engine: type[Duckduckgo], response: bytes) -> None:
    async with serving(response) as server:
        engine.search_url = f"{server.url}/html/"
        with pytest.raises(SearchUnavailable):
            await DdgsSearch(backends=("fake",)).search("vaccines", limit=5)


async def test_ddgs_is_bounded_in_time(engine: type[Duckduckgo]) -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.5)

    async with serving(respond) as server:
        engine.search_url = f"{server.url}/html/"
        start = time.monotonic()
        with pytest.raises(SearchUnavailable, match=r"within 0\.3 s"):
            await DdgsSearch(backends=("fake",), seconds=0.3).search("vaccines", limit=5)
        assert time.monotonic() - start < 1.2


@pytest.mark.parametrize("backends", [("fake ",), ("gooogle",), ("auto", "nope"), ()])
def test_ddgs_with_an_unknown_engine_is_refused_and_goes_nowhere(backends: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="Choose among auto"):
        DdgsSearch(backends=backends)


@pytest.mark.parametrize(("query", "limit"), [("", 5), ("\x00\u200b ", 5), ("vaccines", 0)])
async def test_an_empty_query_asks_nobody(query: str, limit: int) -> None:
    assert await DdgsSearch().search(query, limit=limit) == ()
    assert await SearxngSearch("http://127.0.0.1:9").search(query, limit=limit) == ()


def searxng(*rows: Any, **more: Any) -> bytes:
    return answer(json.dumps({"results": rows} | more).encode(), media_type="application/json")


ROW = {"title": "Vaccines", "url": "https://example.com/", "content": "How they are made", "engine": "x"}


async def test_searxng_answers() -> None:
    async with serving(searxng(ROW, "nonsense", {"url": 5}, {**ROW, "url": "http://127.0.0.1/admin"})) as server:
        hits = await SearxngSearch(f"{server.url}/sub/").search("vaccines & more", limit=5)
    assert hits == (
        SearchHit(title="Vaccines", url="https://example.com/", snippet="How they are made", provider="searxng"),
    )
    assert server.requests[0].target.startswith("/sub/search?q=vaccines+%26+more&format=json")


async def test_searxng_that_looked_and_found_nothing_is_not_unavailable() -> None:
    async with serving(searxng()) as server:
        assert await SearxngSearch(server.url).search("vaccines", limit=5) == ()
    async with serving(searxng(unresponsive_engines=[["google", "timeout"]])) as server:
        with pytest.raises(SearchUnavailable, match="did not respond"):
            await SearxngSearch(server.url).search("vaccines", limit=5)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (answer(b"", status="403 Forbidden"), "settings.yml"),
        (answer(b"", status="429 Too Many"), "limiter"),
        (answer(b"<html>"), "no JSON"),
        (answer(b"[]"), "no JSON"),
        (answer(b'{"results": 5}'), "no JSON"),
        (answer(b"[" * 100_000), "no JSON"),
        (answer(b"", status="302 Found", Location="http://169.254.169.254/"), "did not answer"),
        (b"", "did not answer"),
    ],
)
async def test_searxng_that_fails_is_unavailable(response: bytes, words: str) -> None:
    async with serving(response) as server:
        with pytest.raises(SearchUnavailable, match=words):
            await SearxngSearch(server.url).search("vaccines", limit=5)


@pytest.mark.parametrize("url", ["", "ftp://x", "localhost:8080", "http://user:pw@x/"])
def test_searxng_needs_a_web_address(url: str) -> None:
    with pytest.raises(ConfigError, match="SearXNG address"):
        SearxngSearch(url)


@given(
    st.lists(st.fixed_dictionaries({}, optional={name: st.text(max_size=40) for name in ("url", "title", "snippet")}))
)
def test_hits_are_clean_whatever_comes(rows: list[dict[str, str]]) -> None:
    rows += [{**row, "url": f"https://example.com/{row.get('url', '')}"} for row in rows]
    hits = clean_hits(rows, "p", 3)
    assert len(hits) <= 3
    for hit in hits:
        assert hit.url.startswith(("http://", "https://"))
        assert hit.title
        assert not {unicodedata.category(char) for char in hit.title + hit.snippet} & {"Cc", "Cs", "Zl", "Zp"}


class Scripted:
    """A provider that gives hits, fails, hangs or breaks."""

    def __init__(self, name: str, outcome: tuple[SearchHit, ...] | Exception | float) -> None:
        self.name = name
        self.outcome = outcome
        self.asked = 0

    async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
        self.asked += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if isinstance(self.outcome, float):
            await asyncio.sleep(self.outcome)
            return ()
        return self.outcome


HIT = SearchHit(title="t", url="https://example.com/", snippet="", provider="p")


async def test_the_first_that_finds_something_answers() -> None:
    last = Scripted("e", (HIT,))
    chain = SearchChain(
        [
            Scripted("a", SearchUnavailable("down")),
            Scripted("b", KeyError("x")),
            Scripted("c", 5.0),
            Scripted("d", ()),
            Scripted("good", (HIT, HIT)),
            last,
        ],
        seconds=0.1,
    )
    assert isinstance(chain, SearchProvider)
    assert await chain.search("q", limit=1) == (HIT,)
    assert last.asked == 0
    assert chain.name == "a, b, c, d, good, e"


async def test_nothing_found_and_nobody_reachable_are_different() -> None:
    assert await SearchChain([Scripted("a", SearchUnavailable("down")), Scripted("b", ())]).search("q", limit=1) == ()
    with pytest.raises(SearchUnavailable, match="a: down; b: no answer within"):
        await SearchChain([Scripted("a", SearchUnavailable("down")), Scripted("b", 5.0)], seconds=0.1).search(
            "q", limit=1
        )
    with pytest.raises(SearchUnavailable, match="No search provider"):
        await SearchChain([]).search("q", limit=1)


async def test_cancelling_a_chain_is_not_swallowed() -> None:
    task = asyncio.create_task(SearchChain([Scripted("a", 5.0), Scripted("b", (HIT,))]).search("q", limit=1))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_building_from_settings(documents: DocumentReader, tmp_path: Any) -> None:
    search = build_search(
        ["ddgs:wikipedia", "searxng:http://localhost:8080", f"folder:{tmp_path}"], documents=documents, fetcher=None
    )
    assert search.provider is not None
    assert search.provider.name == f"ddgs, searxng, folder:{tmp_path.name}"
    assert build_search(["none"], documents=documents, fetcher=None).provider is None
    assert build_search([], documents=documents, fetcher=None).provider is None
    for spec in ("bing", "ddgs:nope", "searxng:", "folder:/no/such/folder", "none:x", "searxng:ftp://x"):
        with pytest.raises(ConfigError):
            build_search([spec], documents=documents, fetcher=None)
    with pytest.raises(ConfigError, match="Rename one"):
        build_search([f"folder:{tmp_path}"] * 2, documents=documents, fetcher=None)


async def test_the_reader_routes_by_address() -> None:
    class Pages:
        async def fetch(self, url: str) -> Document:
            return Document(title="", url=url, text="page")

    assert (await ProviderReader(Pages()).read(HIT)).url == HIT.url
    for reader, url in ((ProviderReader(None), HIT.url), (ProviderReader(Pages()), "folder:x/a.txt")):
        with pytest.raises(FetchRefused, match="Nothing here can read"):
            await reader.read(url)
