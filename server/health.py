"""Whether the server lives, whether it takes work, and what it has done."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from .auth import Caller, allowed
from .errors import busy
from .state import Server

__all__ = ["router"]

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def alive() -> Health:
    """The process lives and its loop turns."""
    return Health()


@router.get("/readyz")
async def ready(server: Server) -> Health:
    """The store answers, and new runs are taken."""
    if server.runs.draining:
        raise busy("The server is shutting down.", 5, status=503, code="server_shutting_down")
    await server.store.runs.get("none")
    return Health()


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(server: Server, _caller: Annotated[Caller, Depends(allowed("metrics"))]) -> PlainTextResponse:
    """Counts in Prometheus' text format."""
    return PlainTextResponse(server.metrics.text(lambda: server.runs.under_way), media_type="text/plain; version=0.0.4")
