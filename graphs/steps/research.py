"""Looking things up: each query and each page is guarded in and out by its effect; these steps only route and keep."""

from __future__ import annotations

import hashlib
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Send

from ...agent.brief import Brief
from ...agent.reasoner import Fact, Understanding
from ...events import SearchMade, SourceRead, Warned
from ...safety.guard import Blocked, Cleared
from ...tools.source import Document, SearchHit, Source
from ..effects import FileJob, Query
from ..guarded import EffectError
from ..services import RunContext
from ..state import RunState

__all__ = [
    "inquire",
    "learn",
    "read_address",
    "read_file",
    "read_query",
    "route_inquiry",
    "route_learned",
    "route_pages",
    "select",
    "write_document",
    "write_hits",
]


async def inquire(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Decide what is looked up: the understanding's queries, within the budget.

    Where the reasoner can say what is still missing, some of the budget is kept for that.
    """
    context = runtime.context
    budget = context.services.budget
    understanding = Understanding.model_validate(state["understanding"])
    kept = budget.queries // 3 if context.reasoner.can_inquire and budget.rounds > 1 else 0
    queries = understanding.queries[: budget.queries - kept] if context.services.tools.search else ()
    return {"understanding": understanding.model_copy(update={"queries": queries}).model_dump(mode="json")}


def route_inquiry(state: RunState) -> list[Send] | str:
    """One branch a query and one an attached document; straight to `learn` where there are none."""
    brief = Brief.model_validate(state["brief"])
    sends = [Send("search", {"query": query}) for query in state["understanding"]["queries"]]
    sends += [
        Send("open_file", {"ref": item.ref, "name": item.name}) for item in brief.attachments if item.kind == "document"
    ]
    return sends or "learn"


async def read_query(payload: dict[str, Any], runtime: Runtime[RunContext]) -> Query:
    return Query(runtime.context.run_id, payload["query"])


async def read_file(payload: dict[str, Any], runtime: Runtime[RunContext]) -> FileJob:
    data = await runtime.context.services.store.blobs.get(payload["ref"])
    return FileJob(payload["name"], data)


async def read_address(payload: dict[str, Any], runtime: Runtime[RunContext]) -> SearchHit:
    return SearchHit.model_validate(payload["hit"])


async def write_hits(
    payload: dict[str, Any],
    outcome: Cleared[tuple[SearchHit, ...]] | Blocked | EffectError,
    runtime: Runtime[RunContext],
) -> RunState:
    """Keep what a search found, or why it found nothing."""
    context, query = runtime.context, payload["query"]
    if isinstance(outcome, EffectError):
        await context.emit(Warned, text=f"Not searched: {outcome.message}")
        return {"search": [{"query": query, "ok": False, "reason": outcome.message}]}
    if isinstance(outcome, Blocked):
        await context.emit(Warned, text="A search was blocked by policy, and left out.")
        return {"search": [{"query": query, "ok": False, "reason": "blocked"}]}
    hits = outcome.value
    provider = hits[0].provider if hits else ""
    await context.emit(SearchMade, query=query, provider=provider, results=len(hits))
    return {
        "search": [{"query": query, "ok": True, "provider": provider, "results": len(hits)}],
        "hits": [{"query": query, "rank": rank, "hit": hit.model_dump(mode="json")} for rank, hit in enumerate(hits)],
    }


async def select(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Choose the pages to read: the best of every query in turn, each address once, within the budget of the run."""
    queries = state["understanding"]["queries"]
    ranked = sorted(state.get("hits", []), key=lambda found: (found["rank"], queries.index(found["query"])))
    unique = {found["hit"]["url"]: found["hit"] for found in reversed(ranked)}
    pages = [unique.pop(url) for url in (found["hit"]["url"] for found in ranked) if url in unique]
    known = state.get("research", {})
    seen = known.get("seen", [])
    left = max(0, runtime.context.services.budget.pages - len(seen))
    chosen = [page for page in pages if page["url"] not in seen][:left]
    return {"research": {**known, "pages": chosen, "seen": [*seen, *(page["url"] for page in chosen)]}}


def route_pages(state: RunState) -> list[Send] | str:
    """One branch a page; straight to `learn` where there are none."""
    return [Send("read", {"hit": page}) for page in state["research"]["pages"]] or "learn"


async def write_document(
    payload: dict[str, Any], outcome: Cleared[Document] | Blocked | EffectError, runtime: Runtime[RunContext]
) -> RunState:
    """Keep a cleared document: its text in the blob store, its reference in the state."""
    context = runtime.context
    name = payload.get("name") or payload["hit"]["url"]
    if isinstance(outcome, EffectError):
        warning = f"Not read: {name}: {outcome.message}"
        await context.emit(Warned, text=warning)
        return {"warnings": [warning]} if "name" in payload else {}
    if isinstance(outcome, Blocked):
        warning = f"Left out by policy ({', '.join(outcome.verdict.policies) or 'not checkable'}): {name}"
        await context.emit(Warned, text=warning)
        return {"warnings": [warning]}
    document = outcome.value
    await context.emit(SourceRead, title=document.title, url=document.url)
    ref = await context.services.store.keep(context.run_id, document.model_dump_json().encode())
    return {"documents": [{"ref": ref, "title": document.title, "url": document.url}]}


async def learn(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Reduce what was read to typed facts with quoted evidence: the planner may cite them, never obey them.

    Then ask whether that is enough. What is looked up next passes the same guards as what was looked up first.
    """
    context = runtime.context
    understanding = Understanding.model_validate(state["understanding"])
    documents = await load_documents(state, context)
    known = state.get("research", {})
    new = tuple(document for document in documents if document.url not in known.get("learned", []))
    with context.timed("learn"):
        facts, sources = _merged(known, (), ())
        if new or "learned" not in known:
            learned = await context.reasoner.learn(understanding, new, context.think)
            facts, sources = _merged(known, *learned)
        more = await _more(understanding, facts, state, context)
    notes = [] if documents else ["Not researched: nothing could be looked up."]
    update: RunState = {
        "research": {
            **known,
            "facts": [fact.model_dump(mode="json") for fact in facts],
            "sources": [source.model_dump(mode="json") for source in sources],
            "researched": bool(documents),
            "notes": notes,
            "learned": [document.url for document in documents],
            "rounds": known.get("rounds", 1) + bool(more),
        },
        "follow_up": list(more),
    }
    if more:
        asked = understanding.model_copy(update={"queries": (*understanding.queries, *more)})
        update["understanding"] = asked.model_dump(mode="json")
    return update


def route_learned(state: RunState) -> list[Send] | str:
    """One branch a query that is still worth asking, else `plan`."""
    return [Send("search", {"query": query}) for query in state["follow_up"]] or "plan"


async def _more(
    understanding: Understanding, facts: tuple[Fact, ...], state: RunState, context: RunContext
) -> tuple[str, ...]:
    """What to look up next, within what is left of rounds, queries, pages, tokens, seconds and dollars."""
    budget, known = context.services.budget, state.get("research", {})
    asked = understanding.queries
    spent = (
        not asked  # nothing was worth looking up to begin with
        or not context.reasoner.can_inquire
        or known.get("rounds", 1) >= budget.rounds
        or len(asked) >= budget.queries
        or len(known.get("seen", [])) >= budget.pages
        or context.bill.tokens("reasoner") >= budget.tokens
        or context.elapsed() >= budget.research_seconds
        or not context.bill.allows()
    )
    if spent:
        return ()
    return await context.reasoner.deepen(understanding, facts, asked, budget.queries - len(asked))


def _merged(
    known: dict[str, Any], facts: tuple[Fact, ...], sources: tuple[Source, ...]
) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
    """What was learned before and now, the new sources numbered on."""
    before = tuple(Source.model_validate(item) for item in known.get("sources", []))
    names = {source.id: f"s{len(before) + place}" for place, source in enumerate(sources, start=1)}
    renamed = tuple(source.model_copy(update={"id": names[source.id]}) for source in sources)
    said = tuple(Fact.model_validate(item) for item in known.get("facts", []))
    return (*said, *(fact.model_copy(update={"source": names[fact.source]}) for fact in facts)), (*before, *renamed)


async def load_documents(state: RunState, context: RunContext) -> tuple[Document, ...]:
    """The cleared documents of the run, in the order of their digests (the order of arrival is chance)."""
    records = sorted(state.get("documents", []), key=lambda record: hashlib.sha256(record["url"].encode()).digest())
    blobs = context.services.store.blobs
    return tuple([Document.model_validate_json(await blobs.get(record["ref"])) for record in records])
