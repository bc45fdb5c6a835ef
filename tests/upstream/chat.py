"""POST /v1/chat/completions: what every server speaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .errors import ERRORS, error
from .exchange import Exchange, dumps
from .requests import has_image, last_user_text, text_of
from .schemas import instance_of

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = ["answer_chat"]

EPOCH = 1_790_000_000
_STEP = 24


async def answer_chat(upstream: Simulator, exchange: Exchange, body: dict[str, Any]) -> None:
    messages = body.get("messages") or []
    form = body.get("response_format") or {}
    schema = form.get("json_schema") or {}
    if schema and not upstream.config.schemas:
        fault = error("response_format is not supported.", "invalid_request_error", None, "response_format")
        return await exchange.json(fault, 400)
    if has_image(messages) and not upstream.config.vision:
        return await exchange.json(error("This model does not take images.", "invalid_request_error"), 400)
    model = body.get("model") or "gpt-6-astra"
    rule = upstream.rule_for(exchange, model, schema.get("name"), text_of(messages))
    if rule is not None and rule.latency_ms:
        await asyncio.sleep(rule.latency_ms / 1000)
    if exchange.kind in ERRORS:
        status, fault = ERRORS[exchange.kind]
        return await exchange.json(fault, status)
    message, finish = _message(upstream, exchange, body, rule.respond if rule else {}, form)
    tokens = max(1, len(text_of(messages)) // 4)
    usage = {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20}
    base = {"id": upstream.new_id("chatcmpl"), "created": EPOCH, "model": model}
    if not body.get("stream") or exchange.kind == "plain":
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        choices = [] if exchange.kind == "empty" else [choice]
        return await exchange.json({**base, "object": "chat.completion", "choices": choices, "usage": usage})
    with_usage = usage if (body.get("stream_options") or {}).get("include_usage") else None
    head = {**base, "object": "chat.completion.chunk"}
    await exchange.stream(_chunks(head, message, finish, with_usage, empty=exchange.kind == "empty"), closing=True)


def _message(
    upstream: Simulator, exchange: Exchange, body: dict[str, Any], respond: dict[str, Any], form: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    text = last_user_text(body.get("messages"))
    blank: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    if exchange.kind == "refusal" or "refusal" in respond:
        return {**blank, "refusal": respond.get("refusal", "I can't help with that request.")}, "stop"
    if exchange.kind == "content_filter":
        return {**blank, "content": ""}, "content_filter"
    if call := _call(upstream, body, respond, text):
        return {**blank, "tool_calls": [call]}, "tool_calls"
    if exchange.kind == "not_json":
        return {**blank, "content": "I would rather describe it in prose."}, "stop"
    if "json" in respond:
        content = dumps(respond["json"]).decode()
    elif "text" in respond:
        content = str(respond["text"])
    elif form.get("type") == "json_schema":
        content = dumps(instance_of((form.get("json_schema") or {}).get("schema") or {})).decode()
    elif form.get("type") == "json_object":
        content = '{"stub":true}'
    else:
        content = "Stub answer to: " + text[-200:]
    if exchange.kind == "length":
        return {**blank, "content": content[: len(content) // 2]}, "length"
    return {**blank, "content": content}, "stop"


def _call(upstream: Simulator, body: dict[str, Any], respond: dict[str, Any], text: str) -> dict[str, Any] | None:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    choice = body.get("tool_choice")
    answered = any(message.get("role") == "tool" for message in body.get("messages") or [])
    wanted = respond.get("call") or choice == "required" or isinstance(choice, dict) or "[[call]]" in text
    if not functions or answered or not wanted:
        return None
    forced = choice["function"]["name"] if isinstance(choice, dict) else None
    name = respond.get("call", {}).get("name") or forced
    function = next((item for item in functions if item["name"] == name), functions[0])
    arguments = respond.get("call", {}).get("arguments") or instance_of(function.get("parameters") or {})
    called = {"name": function["name"], "arguments": dumps(arguments).decode()}
    return {"id": upstream.new_id("call"), "type": "function", "function": called}


def _chunks(
    head: dict[str, Any], message: dict[str, Any], finish: str, usage: dict[str, Any] | None, *, empty: bool
) -> list[tuple[str | None, bytes]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if message["refusal"]:
        deltas.append({"refusal": message["refusal"]})
    deltas += [{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(message.get("tool_calls", []))]
    content = message["content"] or ""
    deltas += [{"content": content[start : start + _STEP]} for start in range(0, len(content), _STEP)]
    choices = [] if empty else [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if not empty:
        choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    events: list[tuple[str | None, bytes]] = [(None, dumps({**head, "choices": [choice]})) for choice in choices]
    if usage:
        events.append((None, dumps({**head, "choices": [], "usage": usage})))
    return events
