"""Looking things up: each query and each page is guarded in and out by its effect; these steps only route and keep."""

from __future__ import annotations

import hashlib
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Send

from ...agent.brief import Brief
from ...agent.reasoner import Research, Understanding
from ...events import SearchMade, SourceRead, Warned
from ...safety.guard import Blocked, Cleared
from ...tools.source import Document, SearchHit
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
    "route_pages",
    "select",
    "write_document",
    "write_hits",
]


async def inquire(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Decide what is looked up: the understanding's queries, within the budget."""
    context = runtime.context
    understanding = Understanding.model_validate(state["understanding"])
    queries = understanding.queries[: context.services.budget.queries] if context.services.tools.search else ()
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
    return FileJob(runtime.context.run_id, payload["name"], data)


async def read_address(payload: dict[str, Any], runtime: Runtime[RunContext]) -> tuple[str, SearchHit]:
    return runtime.context.run_id, SearchHit.model_validate(payload["hit"])


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
    """Choose the pages to read: the best of every query in turn, each address once, within the budget."""
    queries = state["understanding"]["queries"]
    ranked = sorted(state.get("hits", []), key=lambda found: (found["rank"], queries.index(found["query"])))
    unique = {found["hit"]["url"]: found["hit"] for found in reversed(ranked)}
    pages = [unique.pop(url) for url in (found["hit"]["url"] for found in ranked) if url in unique]
    return {"research": {"pages": pages[: runtime.context.services.budget.pages]}}


def route_pages(state: RunState) -> list[Send] | str:
    """One branch a page; straight to `learn` where there are none."""
    return [Send("read", {"hit": page}) for page in state["research"]["pages"]] or "learn"


async def write_document(
    payload: dict[str, Any], outcome: Cleared[Document] | Blocked | EffectError, runtime: Runtime[RunContext]
) -> RunState:
    """Keep a cleared document: its text in the blob store, its reference in the state."""
    context = runtime.context
    if isinstance(outcome, EffectError):
        name = payload.get("name") or payload["hit"]["url"]
        warning = f"Not read: {name}: {outcome.message}"
        await context.emit(Warned, text=warning)
        return {"warnings": [warning]} if "name" in payload else {}
    if isinstance(outcome, Blocked):
        name = payload.get("name") or payload["hit"]["url"]
        warning = f"Left out by policy ({', '.join(outcome.verdict.policies) or 'not checkable'}): {name}"
        await context.emit(Warned, text=warning)
        return {"warnings": [warning]}
    document = outcome.value
    await context.emit(SourceRead, title=document.title, url=document.url)
    ref = await context.services.store.keep(context.run_id, document.model_dump_json().encode())
    return {"documents": [{"ref": ref, "title": document.title, "url": document.url}]}


async def learn(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Reduce what was read to typed facts with quoted evidence: the planner may cite them, never obey them."""
    context = runtime.context
    understanding = Understanding.model_validate(state["understanding"])
    documents = await load_documents(state, context)
    with context.timed("learn"):
        facts, sources = await context.reasoner.learn(understanding, documents, context.emitter.think)
    researched = bool(documents)
    notes = () if researched else ("Not researched: nothing could be looked up.",)
    research = Research(facts=facts, sources=sources, researched=researched, notes=notes)
    return {
        "research": {
            "facts": [fact.model_dump(mode="json") for fact in research.facts],
            "sources": [source.model_dump(mode="json") for source in research.sources],
            "researched": research.researched,
            "notes": list(research.notes),
        }
    }


async def load_documents(state: RunState, context: RunContext) -> tuple[Document, ...]:
    """The cleared documents of the run, in the order of their digests (the order of arrival is chance)."""
    records = sorted(state.get("documents", []), key=lambda record: hashlib.sha256(record["url"].encode()).digest())
    blobs = context.services.store.blobs
    return tuple([Document.model_validate_json(await blobs.get(record["ref"])) for record in records])
