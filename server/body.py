"""Bounds on what a client sends: how large, how slow, and how much of it is in memory at once."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ApiError, busy, last_resort

__all__ = ["BodyLimits"]

_FIRST_SECONDS = 30.0
_BYTES_PER_SECOND = 64 * 1024


class BodyLimits:
    """Refuses a body that is too large (413), comes too slowly (408), or does not fit beside the others (429).

    A body is refused as soon as it is known to be too large: by its declared length, or when a chunk passes the limit.
    Slow is less than 64 KiB a second after 30 seconds. Sizes are in bytes.
    """

    def __init__(self, app: ASGIApp, *, largest: int, buffered: int) -> None:
        self._app = app
        self._largest = largest
        self._buffered = buffered
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _declared(scope)
        if declared is not None and declared > self._largest:
            await last_resort(Request(scope), self._too_large())(scope, receive, send)
            return
        if self._held and self._held + (declared or 0) > self._buffered:
            await last_resort(Request(scope), _crowded())(scope, receive, send)
            return
        await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, begun, answered, complete = 0, asyncio.get_running_loop().time(), False, False
        refusal: ApiError | None = None

        def refused(error: ApiError) -> ApiError:
            nonlocal refusal
            refusal = refusal or error
            return error

        async def counted() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()
            elapsed = asyncio.get_running_loop().time() - begun
            patience = _FIRST_SECONDS + size / _BYTES_PER_SECOND - elapsed
            try:
                message = await asyncio.wait_for(receive(), max(0.0, patience))
            except TimeoutError:
                raise refused(_too_slow()) from None
            if message["type"] == "http.request":
                length = len(message.get("body", b""))
                size += length
                self._held += length
                complete = not message.get("more_body", False)
                if size > self._largest:
                    raise refused(self._too_large())
                if self._held > self._buffered and self._held > size:
                    raise refused(_crowded())
            else:
                complete = True
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            if (
                refusal is None or answered
            ):  # else the framework's own answer, which calls it a body that does not parse
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, noted)
        except ApiError as error:
            if error is not refusal:
                raise
        finally:
            self._held -= size
        if refusal is not None and not answered:
            await last_resort(Request(scope), refusal)(scope, receive, send)

    def _too_large(self) -> ApiError:
        message = f"The request is larger than {self._largest / 2**20:g} MiB."
        return ApiError(413, message, code="request_too_large", headers={"connection": "close"})


def _declared(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 16 else None
    return None


def _too_slow() -> ApiError:
    # Closed, or whoever trickles would go on holding the connection.
    return ApiError(408, "The request came too slowly.", code="request_timeout", headers={"connection": "close"})


def _crowded() -> ApiError:
    return busy("Too many large requests at once.", 2, code="server_busy")
