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
_LOOK_SECONDS = 5.0
_ALIVE_SECONDS = 15.0
_STALLED_SECONDS = 60.0


def sse(data: Any, *, event: str = "", id: int | str | None = None) -> bytes:
    """One event. JSON has no line breaks, so it is one `data:` line; text is sent as it is (`[DONE]`, ready JSON)."""
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
        self._touched = 0.0  # when a send last began or ended
        self._sending = False
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = [asyncio.create_task(work) for work in (self._send_all(send), _gone(receive), self._look_after(send))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        error = results[0]
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise error

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        now = asyncio.get_running_loop().time
        self._touched = now()
        async with aclosing(self._source) as source:
            async for chunk in source:
                self._touched, self._sending = now(), True
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._touched, self._sending = now(), False
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _look_after(self, send: Send) -> None:
        """Say now and then that the stream lives; return once its listener has taken nothing for too long."""
        now = asyncio.get_running_loop().time
        self._touched = now()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            idle = now() - self._touched
            if self._sending and idle > _STALLED_SECONDS:
                return
            if not self._sending and idle > _ALIVE_SECONDS:
                self._touched, self._sending = now(), True
                message: Message = {"type": "http.response.body", "body": _KEEP_ALIVE, "more_body": True}
                async with asyncio.timeout(_STALLED_SECONDS):
                    await send(message)
                self._touched, self._sending = now(), False


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
