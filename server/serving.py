"""Runs the application on uvicorn: slow clients are dropped, and SIGTERM lets runs end before it is obeyed."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import traceback
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..config import Settings
from ..errors import ConfigError, SafelightError
from .app import create_app

__all__ = ["Listener", "configure_logs", "listen", "serve"]

_HEADER_SECONDS = 20.0


class _Impatient(HttpToolsProtocol):
    """Closes a connection whose request does not arrive: uvicorn itself waits forever for the end of the headers."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        if self._deadline is None:
            self._wait_for_headers()
        super().on_message_begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(_HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Listener(uvicorn.Server):
    """uvicorn's server, whose runs are told first when it is to stop."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._application = app
        super().__init__(
            uvicorn.Config(
                app,
                http=_Impatient,
                ws="none",
                lifespan="on",
                loop="auto",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=int(settings.drain_seconds) + 5,
                backlog=2048,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        server = getattr(self._application.state, "server", None)
        if server is not None:
            server.runs.begin_drain()
        super().handle_exit(sig, frame)


def listen(settings: Settings) -> list[socket.socket]:
    """Sockets on the address of the settings. Raises ConfigError where it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        return [socket.create_server(address[:2], family=family, backlog=2048)]
    except OSError as error:
        raise ConfigError(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}."
        ) from error


def configure_logs(level: int = logging.INFO) -> None:
    """One JSON object a line on stderr. Nothing that a person wrote is among what the server logs."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s", force=True)


def _where(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Where an exception came from. A foreign one's message may quote what a person wrote, and is left out."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["frames"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, SafelightError):
            event["message"] = str(error)
    return event


async def serve(settings: Settings, sockets: list[socket.socket] | None = None) -> None:
    """Serve until a signal says to stop."""
    await Listener(create_app(settings), settings).serve(sockets)
