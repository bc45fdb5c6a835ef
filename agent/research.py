"""The research loop: what to look up, what to read, and what may be said of it. Pure orchestration.

It touches the world only through the two callables that it is given, so whoever wires it decides on their guards.
Whatever they block or fail at is left out and noted; nothing is ever filled in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from ..errors import ToolError
from ..tools.source import Document, SearchHit
from .reasoner import Reasoner, Research, Think, Understanding

__all__ = ["Budget", "Read", "Search", "Withheld", "research"]

T = TypeVar("T")


@dataclass(frozen=True)
class Withheld:
    """What a guarded callable gives instead of a result that did not pass. `reason` may be shown to the user."""

    reason: str = "blocked by policy"


Search = Callable[[str], Awaitable[tuple[SearchHit, ...] | Withheld]]
"""Asks one query; the hits that passed their guard. May raise `ToolError`."""

Read = Callable[[SearchHit], Awaitable[Document | Withheld]]
"""Reads one page; its text, if it passed. May raise `ToolError`."""


@dataclass(frozen=True)
class Budget:
    """How much may be looked up. `seconds` is wall-clock time for searching and reading together."""

    queries: int = 3
    pages: int = 6
    seconds: float = 30.0
    concurrency: int = 4


async def research(
    understanding: Understanding,
    *,
    reasoner: Reasoner,
    search: Search | None,
    read: Read | None,
    budget: Budget,
    think: Think,
    documents: tuple[Document, ...] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Research:
    """Everything that could be learned within `budget`. `documents` are attachments that are cleared already.

    `researched` is false where nothing at all could be read: then nothing may be claimed beyond the brief.
    """
    deadline = clock() + budget.seconds
    notes: list[str] = []
    found: tuple[Document, ...] = ()
    queries = understanding.queries[: budget.queries]
    if queries and search is not None:
        hits = await _ask(queries, search, budget, deadline, clock, think, notes)
        if hits and read is not None:
            found = await _open(hits[: budget.pages], read, budget, deadline, clock, notes)
    elif queries:
        notes.append("No search is configured.")
    known = _distinct((*documents, *found))
    facts, sources = await reasoner.learn(understanding, known, think)
    if not known:
        notes.append("Not researched: nothing could be looked up, so nothing is claimed beyond the brief.")
    return Research(
        documents=known, facts=facts, sources=sources, researched=bool(known), notes=tuple(dict.fromkeys(notes))
    )


async def _ask(
    queries: tuple[str, ...],
    search: Search,
    budget: Budget,
    deadline: float,
    clock: Callable[[], float],
    think: Think,
    notes: list[str],
) -> tuple[SearchHit, ...]:
    """The hits of all queries, the best of each in turn, every address once."""
    await think(f"I look up: {'; '.join(queries)}.")
    answers = await _all([partial(search, query) for query in queries], budget, deadline, clock)
    lists: list[tuple[SearchHit, ...]] = []
    for query, answer in zip(queries, answers, strict=True):
        if isinstance(answer, tuple):
            lists.append(answer)
        else:
            notes.append(f"Not searched “{query}”: {_reason(answer)}.")
    ordered = [hits[place] for place in range(max(map(len, lists), default=0)) for hits in lists if place < len(hits)]
    unique = {_address(hit.url): hit for hit in reversed(ordered)}
    return tuple(hit for hit in dict.fromkeys(ordered) if unique[_address(hit.url)] is hit)


async def _open(
    hits: tuple[SearchHit, ...],
    read: Read,
    budget: Budget,
    deadline: float,
    clock: Callable[[], float],
    notes: list[str],
) -> tuple[Document, ...]:
    pages = await _all([partial(read, hit) for hit in hits], budget, deadline, clock)
    for hit, page in zip(hits, pages, strict=True):
        if not isinstance(page, Document):
            notes.append(f"Not read {hit.url}: {_reason(page)}.")
    return tuple(page for page in pages if isinstance(page, Document))


async def _all(
    jobs: list[Callable[[], Awaitable[T]]], budget: Budget, deadline: float, clock: Callable[[], float]
) -> list[T | ToolError | TimeoutError]:
    """Runs `jobs` side by side; a tool that fails or is late gives its error. Anything else is a bug, and is raised."""
    slots = asyncio.Semaphore(max(1, budget.concurrency))

    async def run(job: Callable[[], Awaitable[T]]) -> T | ToolError | TimeoutError:
        async with slots:
            left = deadline - clock()
            if left <= 0:
                return TimeoutError()
            try:
                return await asyncio.wait_for(job(), left)
            except (ToolError, TimeoutError) as error:
                return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(job)) for job in jobs]
    return [task.result() for task in tasks]


def _reason(outcome: object) -> str:
    if isinstance(outcome, Withheld):
        return outcome.reason
    if isinstance(outcome, TimeoutError):
        return "out of time"
    return str(outcome).rstrip(".") or type(outcome).__name__


def _distinct(documents: tuple[Document, ...]) -> tuple[Document, ...]:
    """Each address and each text once; documents without any text or table are left out."""
    seen: set[str] = set()
    kept = []
    for document in documents:
        keys = {_address(document.url), " ".join(document.text.split())[:2000] or document.url}
        if (document.text.strip() or document.tables) and not keys & seen:
            kept.append(document)
        seen |= keys
    return tuple(kept)


def _address(url: str) -> str:
    """An address without what does not change the page: fragment, trailing slash, case of the host, `www.`"""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    host = parts.netloc.casefold().removeprefix("www.")
    return urlunsplit(
        (
            parts.scheme.replace("http", "https").replace("httpss", "https"),
            host,
            parts.path.rstrip("/"),
            parts.query,
            "",
        )
    )
