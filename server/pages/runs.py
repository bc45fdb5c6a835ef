"""A run's page, the stream that keeps it true, and the list of runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from ...store import RunRecord, Store
from ..auth import Caller, allowed
from ..sse import EventStream, sse
from ..state import Server, ServerState
from .asking import Typed, story_of
from .render import page, part
from .routing import PageRoute
from .story import Story
from .strips import strips
from .studio import CHOICES

__all__ = ["router"]

router = APIRouter(route_class=PageRoute)

_PAGE = 24
# Where each part of the page is, and the template that it is made of.
_REGIONS = {"head": "head", "outcome": "outcome", "sheet": "contact", "notebook": "notebook", "next": "next"}

_Asks = Annotated[Caller, Depends(allowed("generate"))]


@router.get("/runs")
async def gallery(request: Request, server: Server, caller: _Asks, before: str = "") -> Response:
    """The caller's runs, newest first; `before` is the last run of the page before."""
    last = await server.runs.owned(before, caller) if before else None
    records = await server.store.runs.recent(limit=_PAGE + 1, before=last, account=caller.account)
    more = records[_PAGE - 1].id if len(records) > _PAGE else ""
    shown = strips(records[:_PAGE])
    return page(request, "runs.html", here="/runs", runs=shown, more=more, is_first=last is None)


@router.get("/runs/{run_id}")
async def run_page(request: Request, run_id: str, server: Server, caller: _Asks) -> Response:
    """One run as it stands; while it goes on, the page follows it."""
    record = await server.runs.owned(run_id, caller)
    story = await story_of(record, server.store)
    return page(
        request,
        "run.html",
        here="/runs",
        prompt=str(record.brief.get("prompt", "")),
        attachments=[item for item in record.brief.get("attachments", ()) if item["kind"] != "mask"],
        earlier=await _earlier(record, caller, server.store),
        **_shown(story, live=False),
    )


@router.get("/runs/{run_id}/told")
async def told(
    request: Request,
    run_id: str,
    server: Server,
    caller: _Asks,
    after: Annotated[int, Query(ge=-1, lt=2**31)] = -1,
) -> Response:
    """The run's page kept true: server-sent events, each with the parts that changed. Resumable by `Last-Event-ID`."""
    record = await server.runs.owned(run_id, caller)
    given = request.headers.get("last-event-id", "")
    seen = int(given) if given.isdecimal() and len(given) < 10 else after
    return EventStream(_telling(record, seen, server))


@router.post("/runs/{run_id}/stop")
async def stop(run_id: str, server: Server, caller: _Asks) -> Response:
    """End a run wherever it stands."""
    await server.runs.owned(run_id, caller)
    await server.runs.cancel(run_id)
    return RedirectResponse(f"/runs/{run_id}", 303)


async def _telling(record: RunRecord, seen: int, server: ServerState) -> AsyncGenerator[bytes, None]:
    past = [event for event in await server.store.runs.events(record.id) if event.seq <= seen]
    story = Story.told(record.id, past, prompt=str(record.brief.get("prompt", "")))
    shown = _regions(story)
    async with aclosing(server.runs.events(record.id, seen)) as events:
        async for event in events:
            story.add(event)
            fresh = _regions(story)
            changed = {name: text for name, text in fresh.items() if shown[name] != text}
            shown = fresh
            if text := _partials(changed, story.said):
                yield sse(text, id=story.seq)
    if story.is_over:
        yield sse("over", event="over")


def _regions(story: Story) -> dict[str, str]:
    values = _shown(story, live=True)
    return {place: part(template, **values) for place, template in _REGIONS.items()}


def _partials(changed: dict[str, str], said: str) -> str:
    parts = [
        f'<hx-partial hx-target="#{place}" hx-swap="outerMorph">{text}</hx-partial>' for place, text in changed.items()
    ]
    if said:
        parts.append(f'<hx-partial hx-target="#say" hx-swap="innerHTML">{part("say", text=said)}</hx-partial>')
    return " ".join("".join(parts).split())  # one line: it becomes the data of one event


def _shown(story: Story, *, live: bool) -> dict[str, Any]:
    """What the parts of a run's page are made of."""
    return {"story": story, "live": live, "form": Typed(), "fault": "", "after": story.run_id, **CHOICES}


async def _earlier(record: RunRecord, caller: Caller, store: Store) -> list[dict[str, str]]:
    """The user's earlier turns, each with the run that answered it where that is known."""
    turns = record.brief.get("turns", [])
    found = []
    for number, turn in enumerate(turns):
        if turn["role"] != "user":
            continue
        answer = turns[number + 1] if number + 1 < len(turns) else {"images": []}
        found.append({"text": turn["text"], "run_id": await _run_of(answer["images"], caller, store)})
    return found


async def _run_of(images: list[str], caller: Caller, store: Store) -> str:
    if not images:
        return ""
    image = await store.images.by_sha256(images[0].removeprefix("sha256:"))
    record = await store.runs.get(image.run_id) if image else None
    return record.id if record and (record.account or "") == caller.account and record.erased_at is None else ""
