"""The research loop keeps its budget, reads each page once, and never fills a gap with anything."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from safelight.agent.embedded import EmbeddedReasoner
from safelight.agent.reasoner import Understanding
from safelight.agent.research import Budget, Withheld, research
from safelight.errors import FetchRefused, SearchUnavailable
from safelight.tools.source import Document, SearchHit

from .conftest import silent

UNDERSTANDING = Understanding(summary="Tea", subject="green tea", queries=("green tea", "green tea explained", "third"))
REASONER = EmbeddedReasoner(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), encode=False)


def hit(url: str) -> SearchHit:
    return SearchHit(title="Tea", url=url, snippet="", provider="test")


def page(url: str) -> Document:
    return Document(title="Tea", url=url, text="Green tea is a drink made from leaves that are not oxidized.")


async def search(query: str) -> tuple[SearchHit, ...]:
    return hit(f"https://a.example/{len(query)}"), hit("https://b.example/same"), hit("http://www.b.example/same/#top")


async def read(found: SearchHit) -> Document:
    return page(found.url)


async def test_pages_are_read_once_and_within_the_budget() -> None:
    asked: list[str] = []
    opened: list[str] = []

    async def asking(query: str) -> tuple[SearchHit, ...]:
        asked.append(query)
        return await search(query)

    async def opening(found: SearchHit) -> Document:
        opened.append(found.url)
        return page(found.url)

    budget = Budget(queries=2, pages=3)
    result = await research(UNDERSTANDING, reasoner=REASONER, search=asking, read=opening, budget=budget, think=silent)
    assert asked == ["green tea", "green tea explained"]
    assert len(opened) == len(set(opened)) <= 3
    assert sum("b.example" in url for url in opened) == 1
    assert result.researched
    assert result.facts
    assert {fact.source for fact in result.facts} <= {source.id for source in result.sources}


async def test_without_anything_reachable_nothing_is_claimed() -> None:
    async def down(query: str) -> tuple[SearchHit, ...]:
        raise SearchUnavailable("no provider answered")

    result = await research(UNDERSTANDING, reasoner=REASONER, search=down, read=read, budget=Budget(), think=silent)
    assert not result.researched
    assert result.facts == ()
    assert any("no provider answered" in note for note in result.notes)
    assert any(note.startswith("Not researched") for note in result.notes)


async def test_what_is_blocked_or_refused_is_left_out_and_noted() -> None:
    async def picky(found: SearchHit) -> Document | Withheld:
        if "a.example" in found.url:
            return Withheld("blocked by policy (bio_chem)")
        raise FetchRefused("a private address")

    result = await research(UNDERSTANDING, reasoner=REASONER, search=search, read=picky, budget=Budget(), think=silent)
    assert not result.researched
    assert any("bio_chem" in note for note in result.notes)
    assert any("private address" in note for note in result.notes)


async def test_a_blocked_query_is_no_obstacle_to_the_others() -> None:
    async def half(query: str) -> tuple[SearchHit, ...] | Withheld:
        return Withheld() if query == "green tea" else await search(query)

    result = await research(UNDERSTANDING, reasoner=REASONER, search=half, read=read, budget=Budget(), think=silent)
    assert result.researched
    assert any("green tea" in note for note in result.notes)


async def test_time_runs_out_for_the_slow_only() -> None:
    async def slow(found: SearchHit) -> Document:
        if "b.example" in found.url:
            await asyncio.sleep(60)
        return page(found.url)

    budget = Budget(seconds=0.2)
    result = await research(UNDERSTANDING, reasoner=REASONER, search=search, read=slow, budget=budget, think=silent)
    assert result.researched
    assert any("out of time" in note for note in result.notes)


async def test_attached_documents_need_no_network() -> None:
    quiet = UNDERSTANDING.model_copy(update={"queries": ()})
    result = await research(
        quiet,
        reasoner=REASONER,
        search=None,
        read=None,
        budget=Budget(),
        think=silent,
        documents=(page("file:tea.md"),),
    )
    assert result.researched
    assert result.documents[0].url == "file:tea.md"


async def test_a_bug_in_a_tool_is_not_taken_for_an_empty_result() -> None:
    async def broken(query: str) -> tuple[SearchHit, ...]:
        raise ValueError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        await research(UNDERSTANDING, reasoner=REASONER, search=broken, read=read, budget=Budget(), think=silent)
    assert caught.group_contains(ValueError, match="a bug")
