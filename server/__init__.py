"""The HTTP face: an OpenAI-compatible API, a native one that streams every event of a run, and the pages.

It needs the extra `server`; importing this package alone does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The server as an ASGI application; see `server.app.create_app`."""
    from .app import create_app

    return create_app(settings)
