"""Around every request: an id, security headers, a line in the log without content, and no traceback on the wire."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SECURITY_HEADERS", "Envelope", "request_id_of"]

_log = structlog.get_logger("safelight.access")

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}

_GIVEN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def request_id_of(scope: Scope) -> str:
    """The id of the request that this scope is of."""
    return str(scope.get("safelight.request_id", ""))


class Envelope:
    """The outermost layer. `observe(method, route, status, seconds)` is told of every answer."""

    def __init__(self, app: ASGIApp, observe: Callable[[str, str, int, float], None]) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["safelight.request_id"] = request_id
        begun, status = time.perf_counter(), 0

        async def enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in (SECURITY_HEADERS | scope.get("safelight.headers", {})).items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, enveloped)
            finally:
                seconds = time.perf_counter() - begun
                route = getattr(scope.get("route"), "path", "")
                self._observe(scope["method"], route, status, seconds)
                # The route, not the path: a path may hold what somebody wrote, or a signature.
                _log.info("request", method=scope["method"], route=route, status=status, seconds=round(seconds, 4))


def _request_id(scope: Scope) -> str:
    """The caller's own id where it is harmless in a header and a log, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: Any = value.decode("latin-1")
            return given if _GIVEN_ID.match(given) else f"req_{uuid4().hex}"
    return f"req_{uuid4().hex}"
