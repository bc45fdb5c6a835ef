"""Puts one question over the wire and reads the whole answer: Responses API or chat completions, streamed or not.

Answers are read as plain JSON, not through the SDK's models: a stream without its last event, a page of HTML and plain
JSON where a stream was asked for raise nothing there, and an incomplete or failed response neither.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ...services import FaultKind, ServiceFault, read_events, read_json
from .ability import Ability
from .schema import strict_schema

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Question", "Reply", "Show", "send"]

Show = Callable[[str], Awaitable[None]]
"""Takes one finished part of the reasoning summary."""

_ROLE = "reasoner"
_LAST = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Question:
    """What a model is asked. `instructions` are constant and ours; `parts` are data, each a content part of its own,
    and so are `images` (JPEG). `turns` are earlier answers to this question, each with what was wrong with it.
    With `needs_sight` it is not asked of a model that turns out to see nothing.
    """

    task: str
    instructions: str
    parts: tuple[str, ...]
    answer: type[BaseModel]
    images: tuple[bytes, ...] = ()
    effort: str | None = None
    summarize: bool = False
    account: str = ""
    cache_key: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    needs_sight: bool = False


@dataclass
class Reply:
    """An answer as it came. `fault` is set where it ended otherwise than complete; `usage` counts tokens."""

    text: str = ""
    refusal: str = ""
    fault: ServiceFault | None = None
    usage: dict[str, int] = field(default_factory=dict)


async def send(
    client: AsyncOpenAI, model: str, question: Question, ability: Ability, *, most_tokens: int, show: Show | None
) -> Reply:
    """The reply to `question`. Raises what the SDK and the transport raise, and ServiceFault."""
    if ability.api == "responses":
        return await _responses(client, model, question, ability, most_tokens, show)
    return await _chat(client, model, question, ability, most_tokens)


async def _responses(
    client: Any, model: str, question: Question, ability: Ability, most_tokens: int, show: Show | None
) -> Reply:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": part} for part in question.parts]
    if ability.vision:
        content += [{"type": "input_image", "image_url": _data_url(image)} for image in question.images]
    messages: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": content}]
    for turn in _turns(question):  # in full: servers other than OpenAI's take no shorthand
        kind = "output_text" if turn["role"] == "assistant" else "input_text"
        messages.append({**turn, "type": "message", "content": [{"type": kind, "text": turn["content"]}]})
    options: dict[str, Any] = {"store": False, "max_output_tokens": most_tokens, **_identity(question)}
    reasoning = {"effort": question.effort} if question.effort else {}
    if question.summarize and "summary" not in ability.without:
        reasoning["summary"] = "auto"
    if reasoning:
        options["reasoning"] = reasoning
    if ability.form == "schema":
        options["text"] = {"format": {"type": "json_schema", "strict": True, **_named_schema(question)}}
    elif ability.form == "object":
        options["text"] = {"format": {"type": "json_object"}}
    asked = client.responses.with_streaming_response.create(
        model=model,
        instructions=_instructions(question, ability),
        input=messages,
        stream=ability.stream,
        **_known_options(options, ability),
    )
    async with asked as response:
        if not _is_stream(response):
            return _read_response(await read_json(response, _ROLE, limit=_MOST_BYTES))
        async for event in read_events(response, _ROLE, limit=_MOST_BYTES):
            kind = event.get("type", "")
            if kind == "response.reasoning_summary_text.done" and show is not None:
                await show(str(event.get("text") or ""))
            elif kind in _LAST:
                return _read_response(event.get("response") or {})
    raise _cut_off()


def _read_response(final: dict[str, Any]) -> Reply:
    reply = Reply(usage=_usage(final.get("usage"), "input", "output"))
    for item in final.get("output") or []:
        if item.get("type") != "message" or item.get("phase") not in {None, "final_answer"}:
            continue
        for part in item.get("content") or []:
            reply.text += part.get("text") or "" if part.get("type") == "output_text" else ""
            reply.refusal += part.get("refusal") or "" if part.get("type") == "refusal" else ""
    match final.get("status"):
        case "failed" | "cancelled":
            code = str((final.get("error") or {}).get("code") or "")
            reply.fault = _fault("failed", f"The reasoner reported that it failed ({code or 'no reason given'}).", code)
        case "incomplete":
            reply.fault = _incomplete(str((final.get("incomplete_details") or {}).get("reason") or "unknown"))
        case "queued" | "in_progress":
            reply.fault = _incomplete("unfinished")
    return reply


async def _chat(client: Any, model: str, question: Question, ability: Ability, most_tokens: int) -> Reply:
    content: list[dict[str, Any]] = [{"type": "text", "text": part} for part in question.parts]
    if ability.vision:
        content += [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in question.images]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _instructions(question, ability)},
        {"role": "user", "content": content},
        *_turns(question),
    ]
    options: dict[str, Any] = {"store": False, "max_completion_tokens": most_tokens, **_identity(question)}
    if ability.form == "schema":
        options["response_format"] = {"type": "json_schema", "json_schema": {"strict": True, **_named_schema(question)}}
    elif ability.form == "object":
        options["response_format"] = {"type": "json_object"}
    if ability.stream:
        options["stream_options"] = {"include_usage": True}
    asked = client.chat.completions.with_streaming_response.create(
        model=model, messages=messages, stream=ability.stream, **_known_options(options, ability)
    )
    async with asked as response:
        if _is_stream(response):
            return await _joined(response)
        plain = await read_json(response, _ROLE, limit=_MOST_BYTES)
    choice = (plain.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    reply = Reply(message.get("content") or "", message.get("refusal") or "")
    reply.usage = _usage(plain.get("usage"), "prompt", "completion")
    reply.fault = _finish_fault(choice.get("finish_reason"))
    return reply


async def _joined(response: Any) -> Reply:
    """The pieces of a streamed chat completion put together."""
    reply, finished = Reply(), None
    async for piece in read_events(response, _ROLE, limit=_MOST_BYTES):
        if piece.get("usage"):
            reply.usage = _usage(piece["usage"], "prompt", "completion")
        for choice in (piece.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            reply.text += delta.get("content") or ""
            reply.refusal += delta.get("refusal") or ""
            finished = choice.get("finish_reason") or finished
    if finished is None and not reply.usage:
        raise _cut_off()
    reply.fault = _finish_fault(finished)
    return reply


def _turns(question: Question) -> list[dict[str, Any]]:
    return [
        {"role": role, "content": text}
        for answer, wrong in question.turns
        for role, text in (("assistant", answer), ("user", wrong))
    ]


def _identity(question: Question) -> dict[str, Any]:
    named = {"safety_identifier": question.account[:64], "prompt_cache_key": question.cache_key}
    return {name: value for name, value in named.items() if value}


def _known_options(options: dict[str, Any], ability: Ability) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ability.without}


def _named_schema(question: Question) -> dict[str, Any]:
    return {"name": question.answer.__name__, "schema": strict_schema(question.answer)}


def _instructions(question: Question, ability: Ability) -> str:
    if ability.form == "schema":
        return question.instructions
    schema = json.dumps(strict_schema(question.answer), separators=(",", ":"))
    return (
        f"{question.instructions}\n\n"
        f"Answer with one JSON object and nothing around it. It fits this JSON schema:\n{schema}"
    )


def _data_url(image: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"


def _is_stream(response: Any) -> bool:
    """A service may answer at once although a stream was asked for: then the answer is whole, and is taken."""
    return "text/event-stream" in str(response.headers.get("content-type", "")).lower()


def _cut_off() -> ServiceFault:
    return ServiceFault("The reasoner's answer broke off before its end.", kind="truncated")


def _finish_fault(finished: Any) -> ServiceFault | None:
    if finished in {"length", "content_filter"}:
        return _incomplete("max_output_tokens" if finished == "length" else "content_filter")
    return None


def _incomplete(reason: str) -> ServiceFault:
    if reason == "content_filter":
        return _fault("blocked", "The reasoner's own safety system stopped its answer.", reason)
    said = "used up its token limit" if reason == "max_output_tokens" else reason
    return _fault("incomplete", f"The reasoner did not finish its answer ({said}).", reason)


def _fault(kind: FaultKind, message: str, code: str) -> ServiceFault:
    return ServiceFault(message, kind=kind, code=code or None)


def _usage(raw: Any, sent: str, made: str) -> dict[str, int]:
    if not isinstance(raw, dict):
        return {}
    return {
        "input_tokens": int(raw.get(f"{sent}_tokens") or 0),
        "cached_tokens": int((raw.get(f"{sent}_tokens_details") or {}).get("cached_tokens") or 0),
        "output_tokens": int(raw.get(f"{made}_tokens") or 0),
        "reasoning_tokens": int((raw.get(f"{made}_tokens_details") or {}).get("reasoning_tokens") or 0),
    }
