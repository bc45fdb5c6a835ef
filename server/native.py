"""The native API: runs, every event of them, and what they leave."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ..graphs.result import RunResult
from ..store import RunRecord
from .archive import archive, record_of
from .asking import Inputs, brief_from
from .auth import Caller, allowed
from .errors import ApiError, bad_request, not_found
from .history import turns_of
from .links import file_id
from .quota import check_quota
from .sse import EventStream
from .state import Server, ServerState
from .waiting import asked_for
from .webhooks import checked_address

__all__ = ["hooks", "router", "run_view"]

router = APIRouter(prefix="/runs", tags=["runs"])
hooks = APIRouter(tags=["runs"])

Generating = Annotated[Caller, Depends(allowed("generate"))]
Reviewing = Annotated[Caller, Depends(allowed("review"))]


class File(BaseModel):
    """A document to read: its name, and its bytes as base64 or a data URL."""

    name: str = Field(max_length=200)
    data: str


class NewRun(BaseModel):
    """A brief. `images` and `mask` are data URLs, base64, web addresses, or file ids of the caller's own images."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    mode: Literal["thinking", "instant"] = "thinking"
    n: int | None = Field(default=None, ge=1, le=8)
    size: str = "auto"
    format: Literal["png", "webp", "jpeg"] = "png"
    seed: int = Field(default=0, ge=0, lt=2**31)
    images: list[str] = Field(default_factory=list, max_length=16)
    mask: str | None = None
    files: list[File] = Field(default_factory=list, max_length=16)
    continues: str | None = Field(default=None, description="The run whose conversation this one goes on with")
    webhook: str | None = Field(default=None, description="Where to tell that the run has ended")


class Review(BaseModel):
    """A reviewer's decision on a run that waits for one."""

    approve: bool
    reviewer: str = Field(default="", max_length=100)


class RunView(BaseModel):
    """A run as its owner sees it. `result` is there once it ended; `links` are the addresses of its images."""

    id: str
    status: str
    mode: str
    prompt: str
    created_at: str
    updated_at: str
    cost: float
    result: dict[str, Any] | None = None
    links: list[str | None] = Field(default_factory=list)
    files: list[str | None] = Field(default_factory=list)


class RunList(BaseModel):
    """Runs, newest first; `next` continues the list."""

    runs: list[RunView]
    next: str | None = None


@router.post("", status_code=202)
async def start(new: NewRun, request: Request, server: Server, caller: Generating) -> RunView:
    """Start a run. It goes on whether or not anyone listens."""
    await check_quota(server, caller, new.n)
    if new.webhook is not None:
        checked_address(new.webhook, server.settings)
    inputs = Inputs(server, caller)
    attachments = [await inputs.image(each, param="images") for each in new.images]
    if new.mask is not None:
        attachments.append(await inputs.image(new.mask, kind="mask", param="mask"))
    attachments += [await inputs.document(each.name, each.data, param="files") for each in new.files]
    turns = await turns_of(server, caller, new.continues) if new.continues else ()
    brief = brief_from(
        prompt=new.prompt, mode=new.mode, n=new.n, size=new.size, format=new.format, seed=new.seed,
        attachments=tuple(attachments), turns=turns, account=caller.account,
    )  # fmt: skip
    asked = asked_for(request, caller, brief, "native", detached=True, webhook=new.webhook)
    run_id = await server.runs.start(brief, caller, asked)
    return run_view(server, request, await server.runs.owned(run_id, caller))


@router.get("")
async def list_runs(
    request: Request,
    server: Server,
    caller: Generating,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=128)] = None,
    status: Annotated[str | None, Query(max_length=32)] = None,
) -> RunList:
    """The caller's runs, newest first."""
    before = await server.runs.owned(after, caller) if after else None
    records = await server.store.runs.recent(limit=limit, before=before, account=caller.account, status=status)
    views = [run_view(server, request, record) for record in records if record.erased_at is None]
    return RunList(runs=views, next=records[-1].id if len(records) == limit else None)


@router.get("/{run_id}")
async def get_run(run_id: str, request: Request, server: Server, caller: Generating) -> RunView:
    """One run, with its result once it ended."""
    return run_view(server, request, await server.runs.owned(run_id, caller))


@router.get(
    "/{run_id}/events",
    status_code=200,  # FastAPI looks for it in the signature of a response, and ours has none
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def listen(
    run_id: str,
    server: Server,
    caller: Generating,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
    after: Annotated[int | None, Query(ge=-1, le=2**31)] = None,
) -> EventStream:
    """Every event of the run as server-sent events, from the first or from after `Last-Event-ID`, until it ends or
    waits for a human. Each has its number as id and its type as name."""
    await server.runs.owned(run_id, caller)
    return EventStream(_events(server, run_id, _number(last_event_id, after)))


@router.post("/{run_id}/cancel")
async def cancel(run_id: str, request: Request, server: Server, caller: Generating) -> RunView:
    """End the run where it stands. One that has ended stays as it is."""
    await server.runs.owned(run_id, caller)
    await server.runs.cancel(run_id)
    return run_view(server, request, await server.runs.owned(run_id, caller))


@router.post("/{run_id}/review", status_code=202)
async def review(run_id: str, decision: Review, server: Server, caller: Reviewing) -> dict[str, str]:
    """Approve or deny what a run waits with. Needs the scope `review`, and may be about any account's run."""
    if await server.store.runs.get(run_id) is None:
        raise not_found("run")
    reviewer = decision.reviewer or caller.name
    await server.runs.review(run_id, approve=decision.approve, reviewer=reviewer)
    return {"id": run_id, "status": "running"}


@router.delete("/{run_id}")
async def erase(run_id: str, server: Server, caller: Generating) -> dict[str, Any]:
    """Erase what the run holds of its owner's: brief, images, events. The audit ledger stays, and says nothing."""
    await server.runs.owned(run_id, caller)
    await server.runs.cancel(run_id)
    await server.assembly.runner.erase(run_id)
    return {"id": run_id, "deleted": True}


@router.get("/{run_id}/record")
async def record(run_id: str, server: Server, caller: Generating) -> dict[str, Any]:
    """The run record: brief, plan, sources, every verdict, stamps, timings and costs."""
    return await record_of(server.store, await _ended(server, run_id, caller))


@router.get("/{run_id}/archive", responses={200: {"content": {"application/zip": {}}}})
async def download(run_id: str, server: Server, caller: Generating) -> Any:
    """The set as a ZIP: images, `run.json`, and a page that shows them."""
    return await archive(server.store, await _ended(server, run_id, caller))


@hooks.get("/webhook-secret")
async def webhook_secret(server: Server, caller: Generating) -> dict[str, str]:
    """The secret that the caller checks webhooks with, by the Standard Webhooks scheme."""
    return {"secret": server.webhooks.secret(caller.account)}


def run_view(server: ServerState, request: Request, record: RunRecord) -> RunView:
    """The run as its owner sees it."""
    result = RunResult.model_validate(record.result) if record.result else None
    images = result.images if result else ()
    base, account = str(request.base_url), record.account or ""
    return RunView(
        id=record.id,
        status=record.status,
        mode=record.mode,
        prompt=str(record.brief.get("prompt", "")),
        created_at=record.created_at.isoformat(),
        updated_at=record.updated_at.isoformat(),
        cost=record.cost,
        result=result.public() if result else None,
        links=[server.links.make(base, account, record.id, each.index) if each.ref else None for each in images],
        files=[file_id(record.id, each.index) if each.ref else None for each in images],
    )


async def _ended(server: ServerState, run_id: str, caller: Caller) -> RunRecord:
    record = await server.runs.owned(run_id, caller)
    if record.result is None or record.status == "suspended":
        raise ApiError(409, "The run has not ended with a result.", code="not_ready")
    return record


async def _events(server: ServerState, run_id: str, after: int | None) -> AsyncGenerator[bytes, None]:
    async with aclosing(server.runs.batches(run_id, after)) as batches:
        async for batch in batches:
            yield b"".join(told.line for told in batch)


def _number(last_event_id: str | None, after: int | None) -> int | None:
    if not last_event_id:
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 11):
        raise bad_request("Last-Event-ID is the number of an event.", param="last-event-id")
    return int(last_event_id)
