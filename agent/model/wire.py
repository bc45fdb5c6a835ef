"""Puts one question over the wire and reads the whole answer: Responses API or chat completions, streamed or not.

A stream that ends without its last event, a page of HTML, and plain JSON where a stream was asked for raise nothing in the
SDK; they are told apart here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ...errors import ReasonerError
from .ability import Ability
from .faults import code_fault
from .schema import strict_schema

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["NotStreamed", "Question", "Reply", "Show", "send"]

Show = Callable[[str], Awaitable[None]]
"""Takes one finished part of the reasoning summary."""


class NotStreamed(Exception):
    """The service answered at once although a stream was asked for."""


@dataclass(frozen=True)
class Question:
    """What a model is asked. `instructions` are constant and ours; `parts` are data, each a content part of its own.

    `turns` are earlier answers to this question, each with what was wrong with it.
    """

    task: str
    instructions: str
    parts: tuple[str, ...]
    answer: type[BaseModel]
    effort: str | None = None
    summarize: bool = False
    account: str = ""
    cache_key: str = ""
    turns: tuple[tuple[str, str], ...] = ()


@dataclass
class Reply:
    """An answer as it came. `fault` is set where it ended otherwise than complete."""

    text: str = ""
    refusal: str = ""
    fault: ReasonerError | None = None
    usage: dict[str, Any] = field(default_factory=dict)


async def send(
    client: AsyncOpenAI, model: str, question: Question, ability: Ability, *, most_tokens: int, show: Show | None
) -> Reply:
    """The reply to `question`. Raises what the SDK and the transport raise, NotStreamed, and ReasonerError."""
    if ability.api == "responses":
        return await _responses(client, model, question, ability, most_tokens, show)
    return await _chat(client, model, question, ability, most_tokens)


async def _responses(
    client: Any, model: str, question: Question, ability: Ability, most_tokens: int, show: Show | None
) -> Reply:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_text", "text": part} for part in question.parts]}
    ]
    for answer, wrong in question.turns:
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": wrong}]
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
    answered = await client.responses.create(
        model=model,
        instructions=_instructions(question, ability),
        input=messages,
        stream=ability.stream,
        **_known_options(options, ability),
    )
    final = await _last_response(answered, model, show) if ability.stream else _plain(answered, model)
    return _read_response(final, model)


async def _last_response(stream: Any, model: str, show: Show | None) -> dict[str, Any]:
    seen = 0
    async with stream:
        async for event in stream:
            seen += 1
            kind = getattr(event, "type", "")
            if kind == "response.reasoning_summary_text.done" and show is not None:
                await show(str(event.text))
            elif kind in {"response.completed", "response.incomplete", "response.failed"}:
                final: dict[str, Any] = event.response.to_dict(warnings=False)
                return final
            elif kind == "error":
                raise code_fault(model, str(getattr(event, "code", "") or ""), str(getattr(event, "message", "")))
    raise _cut_off(stream, model, seen)


def _read_response(final: dict[str, Any], model: str) -> Reply:
    reply = Reply(usage=_usage(final.get("usage"), "input", "output"))
    for item in final.get("output") or []:
        if item.get("type") != "message" or item.get("phase") not in {None, "final_answer"}:
            continue
        for part in item.get("content") or []:
            reply.text += part.get("text") or "" if part.get("type") == "output_text" else ""
            reply.refusal += part.get("refusal") or "" if part.get("type") == "refusal" else ""
    match final.get("status"):
        case "failed" | "cancelled":
            error = final.get("error") or {}
            reply.fault = code_fault(model, str(error.get("code") or ""), str(error.get("message") or "no reason given"))
        case "incomplete":
            reply.fault = _incomplete(model, str((final.get("incomplete_details") or {}).get("reason") or "unknown"))
        case "queued" | "in_progress":
            reply.fault = _incomplete(model, "unfinished")
    return reply


async def _chat(client: Any, model: str, question: Question, ability: Ability, most_tokens: int) -> Reply:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _instructions(question, ability)},
        {"role": "user", "content": [{"type": "text", "text": part} for part in question.parts]},
    ]
    for answer, wrong in question.turns:
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": wrong}]
    options: dict[str, Any] = {"store": False, "max_completion_tokens": most_tokens, **_identity(question)}
    if ability.form == "schema":
        options["response_format"] = {"type": "json_schema", "json_schema": {"strict": True, **_named_schema(question)}}
    elif ability.form == "object":
        options["response_format"] = {"type": "json_object"}
    if ability.stream:
        options["stream_options"] = {"include_usage": True}
    answered = await client.chat.completions.create(
        model=model, messages=messages, stream=ability.stream, **_known_options(options, ability)
    )
    if ability.stream:
        return await _joined(answered, model)
    plain = _plain(answered, model)
    choice = (plain.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    reply = Reply(message.get("content") or "", message.get("refusal") or "")
    reply.usage = _usage(plain.get("usage"), "prompt", "completion")
    reply.fault = _finish_fault(model, choice.get("finish_reason"))
    return reply


async def _joined(stream: Any, model: str) -> Reply:
    """The pieces of a streamed chat completion put together."""
    reply, seen, finished = Reply(), 0, None
    async with stream:
        async for chunk in stream:
            seen += 1
            piece = chunk.to_dict(warnings=False)
            if piece.get("usage"):
                reply.usage = _usage(piece["usage"], "prompt", "completion")
            for choice in (piece.get("choices") or [])[:1]:
                delta = choice.get("delta") or {}
                reply.text += delta.get("content") or ""
                reply.refusal += delta.get("refusal") or ""
                finished = choice.get("finish_reason") or finished
    if finished is None:
        raise _cut_off(stream, model, seen)
    reply.fault = _finish_fault(model, finished)
    return reply


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
        f"{question.instructions}\n\nAnswer with one JSON object and nothing around it. It fits this JSON schema:\n{schema}"
    )


def _plain(answered: Any, model: str) -> dict[str, Any]:
    """An answer that came at once, as plain data. The SDK gives a page of HTML as a string."""
    if isinstance(answered, BaseModel):
        return answered.model_dump(mode="json", warnings=False)
    page = isinstance(answered, str) and "<html" in answered[:500].lower()
    said = "answered with a page of HTML" if page else "sent an answer that is not what its API promises"
    kind = "html" if page else "malformed"
    raise ReasonerError(f"The language model {model} {said}.", kind=kind, retryable=True)


def _cut_off(stream: Any, model: str, seen: int) -> Exception:
    """What a stream without its last event was."""
    media_type = str(stream.response.headers.get("content-type", "")).lower()
    if not seen and "html" in media_type:
        said = "answered with a page of HTML: check the base URL, or a proxy on the way"
        return ReasonerError(f"The language model {model} {said}.", kind="html", retryable=True)
    if not seen and "json" in media_type:
        return NotStreamed()
    said = f"ended its answer in the middle (after {seen} events)"
    return ReasonerError(f"The language model {model} {said}.", kind="truncated", retryable=True)


def _finish_fault(model: str, finished: Any) -> ReasonerError | None:
    if finished in {"length", "content_filter"}:
        return _incomplete(model, "max_output_tokens" if finished == "length" else "content_filter")
    return None


def _incomplete(model: str, reason: str) -> ReasonerError:
    if reason == "content_filter":
        return code_fault(model, "content_filter", "its filter stopped the answer")
    said = "used up its token limit: allow more with `most_tokens`" if reason == "max_output_tokens" else reason
    return ReasonerError(f"The language model {model} did not finish its answer ({said}).", kind="incomplete", code=reason)


def _usage(raw: Any, sent: str, made: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {}
    return {
        "input_tokens": int(raw.get(f"{sent}_tokens") or 0),
        "cached_tokens": int((raw.get(f"{sent}_tokens_details") or {}).get("cached_tokens") or 0),
        "output_tokens": int(raw.get(f"{made}_tokens") or 0),
        "reasoning_tokens": int((raw.get(f"{made}_tokens_details") or {}).get("reasoning_tokens") or 0),
    }
