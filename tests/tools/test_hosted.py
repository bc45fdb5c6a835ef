"""The hosted search of a model service: what it cites becomes hits, and what goes wrong goes to the next provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from safelight.errors import SearchUnavailable
from safelight.services import Bill, Endpoint, Price, PriceTable, Retry, Service, billing
from safelight.testing import ScriptedSearch
from safelight.tests.upstream import Simulator
from safelight.tools.hosted import HostedSearch
from safelight.tools.providers import SearchChain
from safelight.tools.source import SearchHit


@pytest.fixture
async def hosted(upstream: Simulator) -> AsyncIterator[HostedSearch]:
    service = Service(Endpoint("reasoner", base_url=upstream.url), retry=Retry(attempts=2, backoff=0.01))
    yield HostedSearch(service, "gpt-6-luna")
    await service.aclose()


async def test_what_it_cites_are_hits_and_it_is_billed(upstream: Simulator, hosted: HostedSearch) -> None:
    sources = [{"url": "https://bees.example/honey", "title": "Honey"}, {"url": "http://10.0.0.1/", "title": "Inside"}]
    upstream.answer({"text": "Bees make honey.", "sources": sources})
    with billing(Bill(PriceTable({"gpt-6": Price(search=0.01)}))) as bill:
        hits = await hosted.search("how bees make honey", limit=5)
    assert [(hit.url, hit.title) for hit in hits] == [("https://bees.example/honey", "Honey")]
    assert bill.costs() == {"total": 0.01, "search": 0.01}
    (call,) = upstream.asked("responses")
    assert call.body["input"] == "how bees make honey"
    assert call.body["store"] is False


@pytest.mark.parametrize("kind", ["404", "500", "html", "empty", "429_quota"])
async def test_where_it_cannot_the_next_provider_does(kind: Any, upstream: Simulator, hosted: HostedSearch) -> None:
    upstream.fault(kind)
    with pytest.raises(SearchUnavailable):
        await hosted.search("bees", limit=3)
    hit = SearchHit(title="t", url="https://own.example/", snippet="", provider="own")

    class Own:
        name = "own"

        async def search(self, query: str, *, limit: int) -> tuple[SearchHit, ...]:
            return await ScriptedSearch(default=(hit,)).search(query, limit)

    assert await SearchChain([hosted, Own()]).search("bees", limit=3) == (hit,)
