"""Calls that wait for their run: until it ends, the caller goes away, or it takes too long."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request

from ..agent.brief import Brief
from ..errors import StoreError
from ..graphs.result import RunResult
from ..store import RunRecord
from .auth import Caller
from .errors import ApiError, busy
from .runs import Asked
from .state import ServerState

__all__ = ["asked_for", "attended", "finished", "outcome"]


def asked_for(
    request: Request,
    caller: Caller,
    brief: Brief,
    kind: str,
    echo: dict[str, Any] | None = None,
    *,
    detached: bool = False,
    webhook: str | None = None,
) -> Asked:
    """How this request asks for its run. An `Idempotency-Key` stands for the caller, the endpoint and the request as
    it was understood: images by their content, so that a body that was packed anew is the same."""
    echo = echo or {}
    given = request.headers.get("idempotency-key", "").strip()
    if len(given) > 255:
        raise ApiError(400, "An Idempotency-Key has 255 characters at most.", code="invalid_value")
    body = json.dumps([kind, brief.model_dump(mode="json"), echo, webhook], sort_keys=True)
    digest = hashlib.sha256(body.encode()).hexdigest()
    name = hashlib.sha256(f"{caller.account}\0{kind}\0{given}".encode()).hexdigest() if given else None
    return Asked(kind, echo, detached, name, digest, webhook)


async def finished(server: ServerState, request: Request, run_id: str, asked: Asked) -> RunRecord:
    """The run once it has ended or waits for a human.

    Raises:
        ApiError: 504 where it takes too long, 503 where the server shuts down first. A run that does not outlive its
            asker is cancelled with the call.
    """
    waiting = asyncio.create_task(server.runs.wait(run_id))
    gone = asyncio.create_task(_gone(request))
    try:
        done, _ = await asyncio.wait(
            {waiting, gone}, timeout=server.settings.answer_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if waiting in done:
            record = waiting.result()
            if record.status in {"running", "interrupted"}:
                raise busy("The server is shutting down.", 5, status=503, code="server_shutting_down")
            return record
        keeps = asked.detached or asked.idempotency is not None
        if not keeps:
            await server.runs.leave(run_id)
        if gone in done:
            raise ApiError(499, "The caller went away.", code="client_closed_request")
        message = f"The images took longer than {server.settings.answer_seconds:g} s."
        hint = f" Their run goes on: GET /runs/{run_id}." if keeps else ""
        headers = {"x-should-retry": "false"}
        raise ApiError(504, message + hint, code="timeout", type="server_error", headers=headers, run_id=run_id)
    finally:
        for task in (waiting, gone):
            task.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)


@asynccontextmanager
async def attended(server: ServerState, run_id: str, asked: Asked) -> AsyncIterator[None]:
    """While someone listens. A run that does not outlive its asker is cancelled when they leave before its end."""
    try:
        yield
    finally:
        if not asked.detached and asked.idempotency is None:
            await server.runs.leave(run_id)


def outcome(record: RunRecord) -> RunResult:
    """The result of a run that ended.

    Raises:
        ApiError: 500 where it broke, 409 where it was cancelled.
    """
    if record.status == "cancelled":
        raise ApiError(409, "The run was cancelled.", code="cancelled", run_id=record.id)
    if record.result is None:
        headers = {"x-should-retry": "false"}
        message = "The run broke; what it had paid for is kept, and it can be resumed."
        raise ApiError(500, message, code="server_error", type="server_error", headers=headers, run_id=record.id)
    try:
        return RunResult.model_validate(record.result)
    except ValueError as error:
        raise StoreError("The run's result cannot be read: it was written by another version.") from error


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
