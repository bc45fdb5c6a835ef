"""What the parts of a server share: opened with the application, found at `request.app.state.server`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ..assembly import Assembly
from ..config import Settings
from ..store import KeyRing, Store
from ..warming import warm
from .auth import Access
from .links import Links
from .metrics import Metrics
from .runs import Asked, RunManager
from .webhooks import Webhooks

__all__ = ["Server", "ServerState", "open_server"]


@dataclass(frozen=True)
class ServerState:
    """One server: its parts and whatever they run on."""

    settings: Settings
    assembly: Assembly
    runs: RunManager
    access: Access
    links: Links
    metrics: Metrics
    webhooks: Webhooks

    @property
    def store(self) -> Store:
        return self.assembly.store


async def _state(request: Request) -> ServerState:  # async, or FastAPI would call it in a thread
    return cast(ServerState, request.app.state.server)


Server = Annotated[ServerState, Depends(_state)]
"""The server, as a parameter of an endpoint."""


@asynccontextmanager
async def open_server(
    settings: Settings, metrics: Metrics, assemble: Callable[[Settings], AbstractAsyncContextManager[Assembly]]
) -> AsyncIterator[ServerState]:
    """Everything opened, runs that were interrupted taken up again; put down and closed at the end."""
    async with AsyncExitStack() as exits:
        assembly = await exits.enter_async_context(assemble(settings))
        ring = KeyRing.open(settings.keys_dir)

        webhooks = Webhooks(assembly.store, ring.get("webhooks"), settings)

        async def booked(run_id: str, asked: Asked) -> None:
            await webhooks.book(run_id, asked.webhook)

        async def ended(run_id: str, status: str) -> None:
            metrics.ended(status)
            await webhooks.ended(run_id, status)

        runs = RunManager(assembly, booked=booked, ended=ended)
        links = Links(ring.get("links"), seconds=settings.link_seconds, public_url=settings.public_url)
        access = Access(settings, assembly.store, ring.get("sessions"))
        webhooks.open()
        exits.push_async_callback(webhooks.aclose)
        exits.push_async_callback(runs.aclose)
        await runs.open()
        warming = asyncio.create_task(asyncio.to_thread(warm, settings))
        exits.push_async_callback(_stopped, warming)
        yield ServerState(settings, assembly, runs, access, links, metrics, webhooks)


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
