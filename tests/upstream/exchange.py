"""One request being answered, and every way in which the answer can go wrong on the wire."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from .config import Fault

__all__ = ["Exchange", "dumps"]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            408: "Request Timeout", 409: "Conflict", 429: "Too Many Requests", 500: "Internal Server Error",
            502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


@dataclass
class Exchange:
    """Answers through `writer`. `done` once a whole answer was written; `keep` while the connection may serve more."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    endpoint: str
    number: int
    headers: dict[str, str]
    fault: Fault | None = None
    ttfb: float = 0.0
    gap: float = 0.0
    done: bool = False
    keep: bool = True

    @property
    def kind(self) -> str:
        return self.fault.kind if self.fault else ""

    async def gone(self) -> None:
        """Until the client has gone away."""
        while await self.reader.read(1024):
            pass
        self.keep = False

    def abort(self) -> None:
        """Reset the connection."""
        self.keep = False
        self.writer.transport.abort()

    async def json(self, value: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> None:
        await self.raw(dumps(value), status=status, headers=headers)

    async def raw(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: list[tuple[str, str]] | None = None,
        content_type: str = "application/json",
    ) -> None:
        if status == 200 and self.kind == "malformed":
            body = body[: max(1, len(body) // 2)] + b'{"oops": '
        elif status == 200 and self.kind == "html":
            body, content_type = _PAGE, "text/html"
        elif status == 200 and self.kind == "nothing":
            body = b""
        cut = status == 200 and self.kind in {"drop_mid", "truncated"}
        self._head(status, content_type, [*(headers or []), ("content-length", str(len(body)))])
        self.writer.write(body[: len(body) // 2] if cut else body)
        await self.writer.drain()
        if cut:
            await self._break_off()
        self.done = not cut

    async def stream(self, events: list[tuple[str | None, bytes]], *, closing: bool) -> None:
        """Server-sent events of (name, data); `closing` ends them with `[DONE]`, as chat does."""
        if self.kind in {"html", "nothing"}:
            return await self.raw(b"{}")
        if self.ttfb:
            await asyncio.sleep(self.ttfb)
        self._head(200, "text/event-stream; charset=utf-8", [("transfer-encoding", "chunked")])
        half = len(events) // 2 if self.kind in {"drop_mid", "truncated", "malformed", "stream_error"} else -1
        for place, (name, data) in enumerate(events):
            if place == half:
                return await self._spoil(place)
            self._chunk((f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n")
            if self.gap:
                await self.writer.drain()
                await asyncio.sleep(self.gap)
        if closing:
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")
        await self.writer.drain()
        self.done = True

    async def _spoil(self, place: int) -> None:
        if self.kind == "drop_mid":
            await self.writer.drain()
            return await self._break_off()
        if self.kind == "malformed":
            self._chunk(b'data: {"oops": \n\n')
        elif self.kind == "stream_error":
            body: dict[str, Any] = {"message": "stub stream error", "type": "server_error", "code": "server_error"}
            if self.endpoint == "responses":
                body = {**body, "type": "error", "param": None, "sequence_number": place}
            else:
                body = {"error": body}
            self._chunk(b"event: error\ndata: " + dumps(body) + b"\n\n")
        self._chunk(b"")  # a stream that was cut off ends as cleanly as one that was not
        await self.writer.drain()

    async def _break_off(self) -> None:
        await asyncio.sleep(0.005)  # what was written must have left
        self.abort() if self.kind == "drop_mid" else self.writer.close()
        self.keep = False

    def _head(self, status: int, content_type: str, headers: list[tuple[str, str]]) -> None:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}", f"content-type: {content_type}"]
        lines += [f"x-request-id: req_{self.number:032x}", *(f"{name}: {value}" for name, value in headers)]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
