"""What is understood of a request for a response, what is kept of it, and the frame that it answers in."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ...store import RunRecord
from ..asking import Spoken
from ..errors import bad_request
from .models import THINKING
from .parts import spoken

__all__ = ["ResponseRequest", "input_items", "shell_of", "talk_of"]

_USAGE = {
    "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
}  # fmt: skip


class ResponseRequest(BaseModel):
    """Images for a conversation. Whatever else a client sends is accepted and has no effect."""

    model_config = ConfigDict(extra="allow")

    input: str | list[dict[str, Any]]
    model: str | None = None
    instructions: str | None = None
    previous_response_id: str | None = Field(default=None, max_length=128)
    stream: bool | None = False
    background: bool | None = False
    store: bool | None = True
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    text: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = Field(default=None, max_length=256)
    safety_identifier: str | None = Field(default=None, max_length=128)
    prompt_cache_key: str | None = Field(default=None, max_length=256)

    def image_options(self) -> dict[str, Any]:
        """The options of the `image_generation` tool, where it is among the tools."""
        tools = self.tools or []
        return next((tool for tool in tools if tool.get("type") == "image_generation"), {})

    def effort(self) -> str | None:
        """How hard to think."""
        given = (self.reasoning or {}).get("effort")
        return given if isinstance(given, str) else None

    def kept(self) -> dict[str, Any]:
        """What is needed to answer again; the input is kept apart, with the brief."""
        echoed = self.model_dump(mode="json", include=set(_ECHOED))
        options = self.image_options()
        return {**echoed, "partial": bool(options.get("partial_images"))}


_ECHOED = (
    "model", "instructions", "previous_response_id", "background", "store", "tools", "tool_choice", "reasoning",
    "metadata", "text", "temperature", "top_p", "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "user",
    "safety_identifier", "prompt_cache_key",
)  # fmt: skip


def shell_of(record: RunRecord, kept: dict[str, Any], *, ended: bool) -> dict[str, Any]:
    """A response without its output: all keys that the Open Responses standard requires, as they were asked for."""
    return {
        "id": f"resp_{record.id.removeprefix('run_')}",
        "object": "response",
        "created_at": int(record.created_at.timestamp()),
        "completed_at": int(record.updated_at.timestamp()) if ended else None,
        "status": "completed" if ended else "in_progress",
        "background": bool(kept.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": kept.get("instructions"),
        "max_output_tokens": kept.get("max_output_tokens"),
        "max_tool_calls": kept.get("max_tool_calls"),
        "metadata": kept.get("metadata") or {},
        "model": kept.get("model") or THINKING,
        "output": [],
        "parallel_tool_calls": kept.get("parallel_tool_calls") is not False,
        "previous_response_id": kept.get("previous_response_id"),
        "prompt_cache_key": kept.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **(kept.get("reasoning") or {})},
        "safety_identifier": kept.get("safety_identifier"),
        "service_tier": "default",
        "store": kept.get("store") is not False,
        "temperature": _or(kept.get("temperature"), 1.0),
        "text": {"format": {"type": "text"}, **(kept.get("text") or {})},
        "tool_choice": kept.get("tool_choice") or "auto",
        "tools": kept.get("tools") or [],
        "top_logprobs": 0,
        "top_p": _or(kept.get("top_p"), 1.0),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": "disabled",
        "usage": _USAGE if ended else None,
        "user": kept.get("user"),
    }


def talk_of(request: ResponseRequest) -> list[Spoken]:
    """The conversation that the input holds; items about tools are passed over, images that were made are not."""
    talk = [Spoken("system", request.instructions)] if request.instructions else []
    items = [{"role": "user", "content": request.input}] if isinstance(request.input, str) else request.input
    if len(items) > 500:
        raise bad_request("At most 500 items of input are read.", param="input")
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            said = spoken(item, param="input")
            talk += [said] if said else []
        elif kind == "image_generation_call":
            made = item.get("result") or _file_of(str(item.get("id", "")))
            talk += [Spoken("assistant", images=(made,))] if isinstance(made, str) and made else []
    return talk


def input_items(request: ResponseRequest) -> list[dict[str, Any]]:
    """The input as it is listed again: messages, with what was sent inline named instead of repeated."""
    items = [{"role": "user", "content": request.input}] if isinstance(request.input, str) else request.input
    listed = []
    for number, item in enumerate(items):
        if item.get("type", "message") != "message" or item.get("role") not in {"user", "system", "developer"}:
            continue
        content = item.get("content")
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content or []
        listed.append(
            {
                "id": f"msg_in_{number}", "type": "message", "role": item["role"], "status": "completed",
                "content": [_part(part) for part in parts],
            }
        )  # fmt: skip
    return listed


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "input_image":
        url = str(part.get("image_url") or "")
        shown = None if url.startswith("data:") else url or None
        return {"type": "input_image", "detail": "auto", "image_url": shown, "file_id": part.get("file_id")}
    if part.get("type") == "input_file":
        return {"type": "input_file", "filename": part.get("filename")}
    return {"type": "input_text", "text": str(part.get("text", ""))}


def _file_of(item_id: str) -> str | None:
    """The file id behind the id of an image item of ours."""
    prefix, _, rest = item_id.partition("_")
    key, _, index = rest.partition("_")
    return f"file-{key}-{index}" if prefix == "ig" and key and index else None


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
