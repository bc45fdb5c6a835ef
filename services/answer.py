"""Reads answers within bounds, and notices those that are not what was asked for.

The SDK passes a page of HTML on as text, lets the decoder's own exception out, and ends a stream that broke off, or
that never was one, without a word.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from .faults import ServiceFault, stream_fault

__all__ = ["MAX_ANSWER_BYTES", "read_events", "read_json"]

MAX_ANSWER_BYTES = 128 * 1024 * 1024  # ten images of 8 megapixels, base64


async def read_json(response: Any, role: str, *, limit: int = MAX_ANSWER_BYTES) -> dict[str, Any]:
    """The JSON object in a streamed SDK response.

    Raises:
        ServiceFault: html, malformed (no JSON, or no object), empty, or larger than `limit` bytes.
    """
    chunks, size = [], 0
    async for chunk in response.iter_bytes():
        size += len(chunk)
        if size > limit:
            raise ServiceFault(f"The {role} answered with more than {limit // 1_000_000} MB.", kind="malformed")
        chunks.append(chunk)
    body = b"".join(chunks)
    if not body.strip():
        raise ServiceFault(f"The {role} answered with nothing at all.", kind="empty")
    if "html" in response.headers.get("content-type", "") or body.lstrip()[:1] == b"<":
        raise ServiceFault(
            f"The {role} answered with a page of HTML: something before it answers in its place. Check the base URL.",
            kind="html",
        )
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ServiceFault(f"The {role} answered with JSON of another shape.", kind="malformed")
    if isinstance(answer.get("error"), dict) and set(answer) == {"error"}:  # an error with status 200
        raise stream_fault(answer["error"], role)
    return answer


async def read_events(response: Any, role: str, *, limit: int = MAX_ANSWER_BYTES) -> AsyncIterator[dict[str, Any]]:
    """The events of a server-sent stream, as JSON objects, until it ends (WHATWG HTML, section 9.2).

    That a stream ended well is for the caller to tell, by its last event.

    Raises:
        ServiceFault: an answer that is no stream, an event that is no JSON object, an `error` event, too much data.
    """
    content_type = response.headers.get("content-type", "")
    if "text/event-stream" not in content_type:
        await read_json(response, role, limit=limit)  # names HTML, nothing and broken JSON for what they are
        raise ServiceFault(f"The {role} answered with plain JSON where a stream was asked for.", kind="malformed")
    data: list[str] = []
    size = 0
    async for line in response.iter_lines():
        size += len(line)
        if size > limit:
            raise ServiceFault(f"The {role} streamed more than {limit // 1_000_000} MB.", kind="malformed")
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            text, data = "\n".join(data), []
            if text == "[DONE]":
                return
            yield _event(text, role)


def _event(text: str, role: str) -> dict[str, Any]:
    event = json.loads(text)
    if not isinstance(event, dict):
        raise ServiceFault(f"The {role} streamed JSON of another shape.", kind="malformed")
    if isinstance(event.get("error"), dict):
        raise stream_fault(event["error"], role)
    if event.get("type") == "error":
        raise stream_fault(event, role)
    return event
