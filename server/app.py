"""The application: what answers where, and the layers around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .. import __version__
from ..assembly import Assembly, open_assembly
from ..config import Settings, load_settings
from . import description, errors, files, health, native, resolution
from .body import BodyLimits
from .envelope import Envelope
from .failsafe import Failsafe
from .metrics import Metrics
from .openai import chat, images, models, moderations, provenance, responses
from .state import open_server

__all__ = ["create_app"]

_ROUTERS = (
    responses.router, chat.router, images.router, moderations.router, provenance.router, models.router, files.router,
    native.router, native.hooks, resolution.router, health.router,
)  # fmt: skip
_MIB = 2**20

AssemblyContext = AbstractAsyncContextManager[Assembly]


def create_app(
    settings: Settings | None = None, *, assemble: Callable[[Settings], AssemblyContext] = open_assembly
) -> FastAPI:
    """The server as an ASGI application. Everything that it runs on is opened by its lifespan, and closed with it.

    `settings` are read from the environment and `safelight.toml` where not given; `assemble` opens the parts that runs
    are made of, for whoever brings their own.
    """
    settings = settings or load_settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_server(settings, metrics, assemble) as server:
            app.state.server = server
            yield

    app = FastAPI(
        title="Safelight",
        version=__version__,
        summary="A thinking mode for image generation in which nothing unmoderated moves.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={
            "4XX": {"model": errors.ErrorBody, "description": "What is wrong with the request"},
            "5XX": {"model": errors.ErrorBody, "description": "What is wrong with the server"},
        },
    )
    pages = import_module(".pages", __package__)  # a package of their own: the API does without them
    errors.install(app, pages.error_page)
    description.install(app)
    for router in (pages.router, *_ROUTERS):
        app.include_router(router)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors), allow_methods=["*"], allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after", "retry-after-ms"],
        )  # fmt: skip
    app.add_middleware(BodyLimits, largest=settings.max_body_mib * _MIB, buffered=settings.max_buffered_mib * _MIB)
    app.add_middleware(Failsafe)
    app.add_middleware(Envelope, observe=metrics.observe)
    return app
