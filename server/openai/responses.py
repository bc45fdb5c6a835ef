"""`/v1/responses`: streamed or whole, in the foreground or background, kept for a later turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from ...events import RunFinished
from ...graphs.result import Delivery, RunResult
from ...store import RunRecord
from ..asking import Inputs, brief_from, conversation
from ..auth import Caller, allowed
from ..errors import ApiError, bad_request, not_found
from ..history import turns_of
from ..quota import check_quota
from ..sse import EventStream, sse
from ..state import Server, ServerState
from ..waiting import asked_for, attended, finished
from .asked import ResponseRequest, input_items, shell_of, talk_of
from .blocks import raise_if_broken
from .images import encoded
from .models import mode_of
from .narration import Narration

__all__ = ["router"]

router = APIRouter(prefix="/v1/responses", tags=["openai"])

Generating = Annotated[Caller, Depends(allowed("generate"))]
_STREAMS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
_UNDER_WAY = {"running", "interrupted"}


@router.post("", responses=_STREAMS)
async def create(asked_for_response: ResponseRequest, request: Request, server: Server, caller: Generating) -> Any:
    """Images for an input, with thinking, searches and images as items; the output ends with a message."""
    body = asked_for_response
    talk = await conversation(Inputs(server, caller), talk_of(body))
    if body.previous_response_id:
        earlier = await turns_of(server, caller, await _run_of(server, caller, body.previous_response_id))
        talk["turns"] = (*earlier, *talk["turns"])
    options = body.image_options()
    brief = brief_from(
        mode=mode_of(body.model, body.effort()), n=options.get("n"), size=options.get("size"),
        format=options.get("output_format"), account=caller.account, **talk,
    )  # fmt: skip
    await check_quota(server, caller, brief.n)
    kept = {**body.kept(), "input": input_items(body)}
    asked = asked_for(request, caller, brief, "responses", kept, detached=bool(body.background))
    run_id = await server.runs.start(brief, caller, asked)
    teller = _Teller(server, str(request.base_url), caller.account, run_id, kept)
    if body.stream:
        return EventStream(_attended(teller, server, run_id, asked))
    if body.background:
        record = await server.runs.owned(run_id, caller)
        return {**shell_of(record, kept, ended=False), "status": "queued"}
    await finished(server, request, run_id, asked)
    return await teller.whole()


@router.get("/{response_id}", responses=_STREAMS)
async def retrieve(
    response_id: str,
    request: Request,
    server: Server,
    caller: Generating,
    stream: Annotated[bool, Query()] = False,
    starting_after: Annotated[int | None, Query(ge=0)] = None,
) -> Any:
    """A response as it stands. With `stream`, its events, from the first or from after number `starting_after`."""
    run_id = await _run_of(server, caller, response_id)
    teller = _Teller(server, str(request.base_url), caller.account, run_id, await _kept(server, run_id))
    if stream:
        return EventStream(teller.stream(after=-1 if starting_after is None else starting_after))
    return await teller.whole()


@router.get("/{response_id}/input_items")
async def list_input(
    response_id: str,
    server: Server,
    caller: Generating,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> dict[str, Any]:
    """What the response was asked with; images and files that were sent inline are named, not repeated."""
    kept = await _kept(server, await _run_of(server, caller, response_id))
    items = list(kept.get("input", ()))
    if order == "desc":
        items.reverse()
    if after is not None:
        places = [place for place, item in enumerate(items) if item["id"] == after]
        if not places:
            raise bad_request("There is no item of that id.", param="after")
        items = items[places[0] + 1 :]
    page = items[:limit]
    return {
        "object": "list", "data": page, "has_more": len(items) > limit,
        "first_id": page[0]["id"] if page else "", "last_id": page[-1]["id"] if page else "",
    }  # fmt: skip


@router.post("/{response_id}/cancel")
async def cancel(response_id: str, request: Request, server: Server, caller: Generating) -> dict[str, Any]:
    """End a response that is under way. One that has ended stays as it is."""
    run_id = await _run_of(server, caller, response_id)
    await server.runs.cancel(run_id)
    teller = _Teller(server, str(request.base_url), caller.account, run_id, await _kept(server, run_id))
    return await teller.whole()


@router.delete("/{response_id}")
async def delete(response_id: str, server: Server, caller: Generating) -> dict[str, Any]:
    """Erase the response with everything that its run holds."""
    run_id = await _run_of(server, caller, response_id)
    await server.runs.cancel(run_id)
    await server.assembly.runner.erase(run_id)
    return {"id": response_id, "object": "response", "deleted": True}


class _Teller:
    """One run as a response, whole or streamed."""

    def __init__(self, server: ServerState, base_url: str, account: str, run_id: str, kept: dict[str, Any]) -> None:
        self._server = server
        self._base_url = base_url
        self._account = account
        self._run_id = run_id
        self._kept = kept

    async def whole(self) -> dict[str, Any]:
        """The response as it stands now."""
        record = await self._record()
        narration = Narration(self._run_id, shell_of(record, self._kept, ended=record.status not in _UNDER_WAY))
        for event in await self._server.store.runs.events(self._run_id):
            narration.feed(event)
        if record.status in _UNDER_WAY:
            return narration.response(status="in_progress")
        last = await self._ending(narration, record)
        response: dict[str, Any] = last[-1]["response"]
        return response

    async def stream(self, *, after: int = -1) -> AsyncGenerator[bytes, None]:
        """Its events after number `after`, as they happen."""
        record = await self._record()
        narration = Narration(
            self._run_id, shell_of(record, self._kept, ended=False), partial=bool(self._kept.get("partial"))
        )
        for told in narration.begin():
            if told["sequence_number"] > after:
                yield _line(told)
        async with aclosing(self._server.runs.events(self._run_id)) as events:
            async for event in events:
                if isinstance(event, RunFinished) and event.status != "suspended":
                    break
                for told in narration.feed(event):
                    if told["sequence_number"] > after:
                        yield _line(told)
        record = await self._record()
        if record.status in _UNDER_WAY:  # the server shuts down: the client may take the stream up again
            return
        for told in await self._ending(narration, record):
            if told["sequence_number"] > after:
                yield _line(told)

    async def _ending(self, narration: Narration, record: RunRecord) -> list[dict[str, Any]]:
        """The last events; the very last holds the whole response."""
        if record.status == "cancelled":
            return narration.close("cancelled", completed_at=None)
        shell = shell_of(record, self._kept, ended=True)
        finals = {"completed_at": shell["completed_at"], "usage": shell["usage"]}
        result = RunResult.model_validate(record.result) if record.result else None
        try:
            if result is None:
                raise ApiError(500, "The run broke; it can be resumed.", code="server_error")
            raise_if_broken(result)
        except ApiError as error:
            return narration.close("failed", error={"code": "server_error", "message": str(error)}, completed_at=None)
        images = {image.index: await encoded(self._server, image) for image in result.images if image.ref}
        events = narration.finish(result, images, self._link)
        if result.status == "suspended":
            details = {"reason": "content_filter"}
            return events + narration.close("incomplete", **(finals | {"incomplete_details": details}))
        return events + narration.close("completed", **finals)

    def _link(self, image: Delivery) -> str:
        return self._server.links.make(self._base_url, self._account, self._run_id, image.index)

    async def _record(self) -> RunRecord:
        record = await self._server.store.runs.get(self._run_id)
        if record is None:
            raise not_found("response")
        return record


async def _attended(teller: _Teller, server: ServerState, run_id: str, asked: Any) -> AsyncGenerator[bytes, None]:
    async with attended(server, run_id, asked), aclosing(teller.stream()) as lines:
        async for line in lines:
            yield line


async def _run_of(server: ServerState, caller: Caller, response_id: str) -> str:
    """The run behind a response of the caller's that was kept. Raises ApiError 404."""
    prefix, _, key = response_id.partition("_")
    run_id = f"run_{key}"
    if prefix != "resp":
        raise not_found("response")
    await server.runs.owned(run_id, caller)
    job = await server.store.jobs.get(run_id)
    if job is None or job.kind != "responses" or job.request.get("store") is False:
        raise not_found("response")
    return run_id


async def _kept(server: ServerState, run_id: str) -> dict[str, Any]:
    job = await server.store.jobs.get(run_id)
    return dict(job.request) if job else {}


def _line(event: dict[str, Any]) -> bytes:
    return sse(event, event=event["type"])
