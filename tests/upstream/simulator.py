"""The service itself: one state, one loopback port, every request counted and kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from .chat import answer_chat
from .config import Config, Endpoint, Fault, FaultKind, Rule
from .errors import ERRORS, error, error_answer
from .exchange import Exchange
from .images import answer_images
from .judging import answer_decisions, answer_moderations, answer_provenance
from .requests import parse_form
from .responses import answer_response

__all__ = ["Call", "Simulator"]

_ROUTES = {
    "/v1/responses": "responses",
    "/v1/chat/completions": "chat.completions",
    "/v1/images/generations": "images.generations",
    "/v1/images/edits": "images.edits",
    "/v1/moderations": "moderations",
    "/v1/decisions": "decisions",
    "/v1/content_provenance_checks": "content_provenance_checks",
    "/v1/models": "models",
}
_MODELS = ["gpt-6-astra", "gpt-6-luna", "gpt-image-2.6-sunburst", "gpt-image-2.6-flare", "omni-moderation-latest"]
_ORDER = re.compile(rb"\[\[stub:([a-z0-9_]+)(?:=([0-9.]+))?\]\]")


@dataclass
class Call:
    """One request as it came, and whether a whole answer was written. Times are `time.monotonic()`."""

    endpoint: str
    number: int
    headers: dict[str, str]
    body: dict[str, Any]
    files: dict[str, list[bytes]] = field(default_factory=dict, repr=False)
    fault: str = ""
    started: float = 0.0
    ended: float | None = None
    answered: bool = False


class Simulator:
    """An upstream. `url` is the base URL to configure; `calls` is everything that was asked, in order."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.port = 0
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.inflight = 0
        self.max_inflight = 0
        self._fired: Counter[int] = Counter()
        self._hits: Counter[int] = Counter()
        self._ids = 0
        self._pictures: dict[str, bytes] = {}
        self._responses: dict[str, tuple[dict[str, Any], float]] = {}

    # --- what a test says and asks

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def fault(self, kind: FaultKind, endpoint: Endpoint = "*", **which: Any) -> None:
        """From now on; see `Fault` for which calls."""
        self.config.faults.append(Fault(kind=kind, endpoint=endpoint, **which))

    def answer(self, respond: dict[str, Any], **which: Any) -> None:
        """See `Rule`; an earlier rule wins."""
        self.config.rules.append(Rule(respond=respond, **which))

    def count(self, *endpoints: str) -> int:
        return sum(self.counts[name] for name in endpoints) if endpoints else self.counts.total()

    def asked(self, endpoint: str) -> list[Call]:
        return [call for call in self.calls if call.endpoint == endpoint]

    @classmethod
    @contextmanager
    def serving(cls, config: Config | None = None) -> Iterator[Simulator]:
        """A simulator in a thread of its own, so that a test may block its own loop."""
        upstream, ready, loop = cls(config), threading.Event(), asyncio.new_event_loop()
        stop = asyncio.Event()

        async def main() -> None:
            server = await upstream.listen()
            ready.set()
            await stop.wait()
            server.close()
            open_ = asyncio.all_tasks() - {asyncio.current_task()}
            for task in open_:
                task.cancel()
            await asyncio.gather(*open_, return_exceptions=True)

        thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
        thread.start()
        ready.wait(10)
        try:
            yield upstream
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()

    async def listen(self, port: int = 0) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", port, backlog=1024, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        return server

    # --- what the answering modules use

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}_{self._ids:024x}"

    def rule_for(self, exchange: Exchange, model: str, schema: str | None, text: str) -> Rule | None:
        """The first rule that matches; its fault becomes the exchange's."""
        for place, rule in enumerate(self.config.rules):
            wanted = {"*": exchange.endpoint}.get(rule.endpoint, rule.endpoint)
            if wanted != exchange.endpoint or rule.nth not in (None, exchange.number):
                continue
            if rule.model not in (None, model) or rule.schema_name not in (None, schema):
                continue
            if rule.contains is not None and rule.contains not in text:
                continue
            if rule.times is not None and self._hits[place] >= rule.times:
                continue
            self._hits[place] += 1
            if rule.fault:
                exchange.fault = Fault(kind=rule.fault)
            return rule
        return None

    def keep_picture(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self._pictures[name] = data
        return name

    def keep_response(self, answer: dict[str, Any], ready: float) -> None:
        self._responses[answer["id"]] = (answer, ready)

    # --- serving

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                method, path, headers, body = await _read_request(reader, writer)
                exchange = Exchange(reader, writer, _ROUTES.get(path, ""), 0, headers)
                if exchange.endpoint and method in {"POST", "GET"}:
                    await self._serve(exchange, body)
                else:
                    await self._aside(exchange, method, path, body)
                if not exchange.keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, exchange: Exchange, body: bytes) -> None:
        name = exchange.endpoint
        self.counts[name] += 1
        exchange.number = self.counts[name]
        fields, files = _parse(body, exchange.headers.get("content-type", ""))
        call = Call(name, exchange.number, exchange.headers, fields or {}, files, started=time.monotonic())
        self.calls.append(call)
        if self.config.remember is not None:
            del self.calls[: max(0, len(self.calls) - self.config.remember)]
        self.inflight += 1
        self.max_inflight = max(self.max_inflight, self.inflight)
        try:
            if fields is None:
                await exchange.json(error("We could not parse the JSON body.", "invalid_request_error"), 400)
            elif name in self.config.missing:
                await exchange.json(error("Unknown request URL.", "invalid_request_error", "unknown_url"), 404)
            elif self.config.key and exchange.headers.get("authorization") != f"Bearer {self.config.key}":
                await exchange.json(ERRORS["401"][1], 401)
            else:
                exchange.fault = self._fault_for(exchange, body)
                await self._answer(exchange, fields, files, body)
        finally:
            self.inflight -= 1
            call.fault, call.answered, call.ended = exchange.kind, exchange.done, time.monotonic()

    async def _answer(
        self, exchange: Exchange, fields: dict[str, Any], files: dict[str, list[bytes]], body: bytes
    ) -> None:
        seconds = self._latency(exchange, body)
        if exchange.kind == "hang":
            return await exchange.gone()
        if seconds and not fields.get("background"):
            await asyncio.sleep(seconds)
        if exchange.kind == "drop":
            return exchange.abort()
        name = exchange.endpoint
        inside = exchange.kind == "moderation_blocked" and name == "responses"
        if exchange.fault and not inside and (failed := error_answer(exchange.fault)):
            status, answer, headers = failed
            return await exchange.json(answer, status, headers)
        if name == "responses":
            await answer_response(self, exchange, fields, seconds)
        elif name == "chat.completions":
            await answer_chat(self, exchange, fields)
        elif name.startswith("images."):
            await answer_images(self, exchange, fields, files)
        elif name == "moderations":
            await answer_moderations(self, exchange, fields)
        elif name == "decisions":
            await answer_decisions(self, exchange, fields)
        elif name == "models":
            models = [{"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "stub"} for name in _MODELS]
            await exchange.json({"object": "list", "data": models})
        else:
            await answer_provenance(exchange, files)

    def _latency(self, exchange: Exchange, body: bytes) -> float:
        latency = self.config.latency.get(exchange.endpoint) or self.config.latency.get("*")  # type: ignore[call-overload]
        seconds = 0.0
        if latency is not None:
            seconds = latency.seconds(exchange.endpoint, exchange.number)
            exchange.ttfb, exchange.gap = latency.ttfb_ms / 1000, latency.gap_ms / 1000
        if (order := _ORDER.search(body)) and order[1] == b"latency":
            seconds = float(order[2] or 0) / 1000
        if exchange.fault and exchange.kind == "slow":
            seconds += exchange.fault.ms / 1000
        return seconds

    def _fault_for(self, exchange: Exchange, body: bytes) -> Fault | None:
        if (order := _ORDER.search(body)) and order[1] != b"latency":
            return Fault.model_validate({"kind": order[1].decode()})
        number = exchange.number
        for place, fault in enumerate(self.config.faults):
            chance = zlib.crc32(body + str(number).encode()) / 0xFFFFFFFF
            passed = (
                fault.endpoint not in ("*", exchange.endpoint)
                or (fault.every is not None and number % fault.every)
                or (fault.first is not None and number > fault.first)
                or (fault.contains is not None and fault.contains.encode() not in body)
                or (fault.p is not None and chance >= fault.p)
                or (fault.times is not None and self._fired[place] >= fault.times)
            )
            if not passed:
                self._fired[place] += 1
                return fault
        return None

    async def _aside(self, exchange: Exchange, method: str, path: str, body: bytes) -> None:
        parts = path.strip("/").split("/")
        if parts[0] == "__stub":
            return await self._steer(exchange, method, parts[-1], body)
        if parts[:2] == ["v1", "models"]:
            return await exchange.json({"id": parts[-1], "object": "model", "created": 1, "owned_by": "stub"})
        if parts[0] == "img" and (data := self._pictures.get(parts[-1].split(".")[0])):
            return await exchange.raw(data, content_type="image/png")
        if parts[:2] == ["v1", "responses"] and len(parts) > 2 and parts[2] in self._responses:
            answer, ready = self._responses[parts[2]]
            if parts[-1] == "cancel":
                answer, ready = {**answer, "status": "cancelled", "output": []}, 0.0
                self.keep_response(answer, ready)
            if time.monotonic() < ready:
                answer = {**answer, "status": "in_progress", "output": [], "usage": None}
            return await exchange.json(answer)
        await exchange.json(
            error(f"Unknown request URL: {method} {path}.", "invalid_request_error", "unknown_url"), 404
        )

    async def _steer(self, exchange: Exchange, method: str, what: str, body: bytes) -> None:
        """Orders from another process: `config` replaces what it names."""
        if what == "config" and method == "POST":
            self.config = Config.model_validate({**self.config.model_dump(by_alias=True), **json.loads(body)})
        elif what == "requests":
            return await exchange.json([{**asdict(call), "files": {}} for call in self.calls[-1000:]])
        stats = {"counts": dict(self.counts), "inflight": self.inflight, "max_inflight": self.max_inflight}
        faulted = Counter(f"{call.endpoint}:{call.fault}" for call in self.calls if call.fault)
        await exchange.json({**stats, "faulted": dict(faulted)})


def _parse(body: bytes, content_type: str) -> tuple[dict[str, Any] | None, dict[str, list[bytes]]]:
    if content_type.startswith("multipart/form-data"):
        return parse_form(body, content_type)
    try:
        fields = json.loads(body) if body else {}
    except ValueError:
        return None, {}
    return (fields if isinstance(fields, dict) else None), {}


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of the next request (RFC 9112). Raises IncompleteReadError at the end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if "expect" in headers:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target.split("?")[0], headers, body
