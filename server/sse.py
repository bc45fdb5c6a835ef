"""Server-sent events: sent as they come, kept alive by comments, and stopped when nobody listens any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

__all__ = ["EventStream", "sse"]

_KEEP_ALIVE = b": still here\n\n"
_ALIVE_SECONDS = 15.0
_STALLED_SECONDS = 60.0


def sse(data: Any, *, event: str = "", id: int | str | None = None) -> bytes:
    """One event. JSON has no line breaks, so it is one `data:` line; text is sent as it is (`[DONE]`)."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = (f"id: {id}\n" if id is not None else "") + (f"event: {event}\n" if event else "")
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")


class EventStream(Response):
    """Streams what `source` yields. The source is closed, and so may clean up, as soon as the listener has gone or
    has taken nothing for a minute."""

    media_type = "text/event-stream"

    def __init__(self, source: AsyncGenerator[bytes, None], status_code: int = 200) -> None:
        self.status_code = status_code  # a parameter, since FastAPI reads the description's from its default
        self.background = None
        self._source = source
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            results = await asyncio.gather(sending, gone, return_exceptions=True)
        error = results[0]
        if isinstance(error, Exception) and not isinstance(error, OSError | TimeoutError):
            raise error

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._source) as source:
            pending: asyncio.Task[bytes] | None = None
            try:
                while True:
                    pending = pending or asyncio.ensure_future(anext(source))
                    done, _ = await asyncio.wait({pending}, timeout=_ALIVE_SECONDS)
                    try:
                        chunk = pending.result() if done else _KEEP_ALIVE
                    except StopAsyncIteration:
                        break
                    if done:
                        pending = None
                    message: Message = {"type": "http.response.body", "body": chunk, "more_body": True}
                    async with asyncio.timeout(_STALLED_SECONDS):
                        await send(message)
            finally:
                if pending is not None:
                    pending.cancel()
                    await asyncio.gather(pending, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
