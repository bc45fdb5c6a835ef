"""POST /v1/responses: text, schemas, tools, reasoning summaries, hosted search and images; whole or streamed."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Any

from .config import Rule
from .errors import ERRORS, error
from .exchange import Exchange, dumps
from .images import usage_of_images
from .judging import moderation_result
from .pictures import FLAG, make_picture
from .requests import has_image, last_user_text, text_of
from .response_events import response_events
from .schemas import instance_of

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = ["answer_response", "usage_of"]

EPOCH = 1_790_000_000  # fixed, so that answers are the same byte for byte
Item = dict[str, Any]


async def answer_response(upstream: Simulator, exchange: Exchange, body: Item, seconds: float) -> None:
    form = (body.get("text") or {}).get("format") or {}
    if body.get("reasoning") and not upstream.config.summaries:
        return await exchange.json(
            error("Unsupported parameter: 'reasoning'.", "invalid_request_error", "unsupported_parameter", "reasoning"),
            400,
        )
    if form.get("type") == "json_schema" and not upstream.config.schemas:
        return await exchange.json(
            error(
                "Unsupported parameter: 'text.format'.", "invalid_request_error", "unsupported_parameter", "text.format"
            ),
            400,
        )
    if has_image(body.get("input")) and not upstream.config.vision:
        return await exchange.json(error("This model does not take images.", "invalid_request_error"), 400)
    rule = upstream.rule_for(exchange, body.get("model", ""), form.get("name"), text_of(body.get("input")))
    if rule is not None and rule.latency_ms:
        await asyncio.sleep(rule.latency_ms / 1000)
    if exchange.kind in ERRORS:
        status, fault = ERRORS[exchange.kind]
        return await exchange.json(fault, status)
    text = last_user_text(body.get("input"))
    answer = _response(upstream, exchange, body, rule, text)
    if _blocks_input(body, answer):
        return await exchange.json(
            error("Blocked by policy.", "invalid_request_error", "content_policy_violation"), 400
        )
    if body.get("background"):
        upstream.keep_response(answer, time.monotonic() + seconds)
        return await exchange.json({**answer, "status": "queued", "output": [], "usage": None, "completed_at": None})
    if body.get("store", True):
        upstream.keep_response(answer, 0.0)
    if body.get("stream") and exchange.kind != "plain":
        return await exchange.stream(response_events(body, answer), closing=False)
    await exchange.json(answer)


def usage_of(text: str, out: int = 20, reasoning: int = 5) -> Item:
    tokens = max(1, len(text) // 4)
    return {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": tokens + out,
    }


def _response(upstream: Simulator, exchange: Exchange, body: Item, rule: Rule | None, text: str) -> Item:
    status, fault, reason = "completed", None, None
    if exchange.kind == "failed":
        status, fault = "failed", {"code": "server_error", "message": "stub: generation failed"}
    elif exchange.kind in {"content_filter", "length"}:
        status = "incomplete"
        reason = {"reason": "content_filter" if exchange.kind == "content_filter" else "max_output_tokens"}
    output = [] if exchange.kind in {"failed", "empty"} else _output(upstream, exchange, body, rule, text)
    answer: Item = {
        "id": upstream.new_id("resp"),
        "object": "response",
        "created_at": EPOCH,
        "status": status,
        "error": fault,
        "incomplete_details": reason,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": body.get("model") or "gpt-6-astra",
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "temperature": body.get("temperature", 1.0),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "background": bool(body.get("background")),
        "max_output_tokens": body.get("max_output_tokens"),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": body.get("store", True),
        "text": body.get("text") or {"format": {"type": "text"}},
        "truncation": "disabled",
        "usage": usage_of(text_of(body.get("input"))) if status != "failed" else None,
        "completed_at": EPOCH + 1 if status == "completed" else None,
    }
    if body.get("moderation") and status == "completed":
        seen = {"input": text, "output": text_of([item for item in output if item.get("type") == "message"])}
        answer["moderation"] = {
            side: {"type": "moderation_result", "model": "omni-moderation-latest", **moderation_result(said)}
            for side, said in seen.items()
        }
    return answer


def _blocks_input(body: Item, answer: Item) -> bool:
    policy = ((body.get("moderation") or {}).get("policy") or {}).get("input") or {}
    return bool(policy.get("mode") == "block" and answer.get("moderation", {}).get("input", {}).get("flagged"))


def _output(upstream: Simulator, exchange: Exchange, body: Item, rule: Rule | None, text: str) -> list[Item]:
    respond = rule.respond if rule else {}
    if "output" in respond:
        return [dict(item) for item in respond["output"]]
    items = _reasoning(upstream, body, respond)
    if exchange.kind == "refusal" or "refusal" in respond:
        return [*items, _message(upstream, {"type": "refusal", "refusal": respond.get("refusal", "I can't help.")})]
    tools = {tool.get("type"): tool for tool in body.get("tools") or []}
    if call := _function_call(upstream, body, respond, text):
        return [*items, call]
    notes: list[Item] = []
    if "web_search" in tools:
        items.append(_search(upstream, body, text))
        cited = respond.get("sources") or [{"url": "http://127.0.0.1/source/0", "title": "Stub source"}]
        notes = [{"type": "url_citation", "start_index": 0, "end_index": 1, **source} for source in cited]
    if "image_generation" in tools:
        items.append(_picture(upstream, exchange, tools["image_generation"], text))
        if not respond:
            return items
    said = _text(exchange, body, respond, text)
    if exchange.kind in {"content_filter", "length"}:
        said = said[: len(said) // 2]
    return [*items, _message(upstream, {"type": "output_text", "text": said, "annotations": notes, "logprobs": []})]


def _reasoning(upstream: Simulator, body: Item, respond: Item) -> list[Item]:
    asked = body.get("reasoning") or {}
    if not asked.get("summary") and asked.get("effort", "none") == "none":
        return []
    said = respond.get("thinking", "**Stub reasoning** considering the request step by step.")
    summary = [{"type": "summary_text", "text": said}] if asked.get("summary") else []
    return [{"id": upstream.new_id("rs"), "type": "reasoning", "summary": summary, "status": "completed"}]


def _message(upstream: Simulator, part: Item) -> Item:
    base = {"id": upstream.new_id("msg"), "type": "message", "status": "completed", "role": "assistant"}
    return {**base, "content": [part]}


def _function_call(upstream: Simulator, body: Item, respond: Item, text: str) -> Item | None:
    functions = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    sent = body.get("input")
    answered = isinstance(sent, list) and any(item.get("type") == "function_call_output" for item in sent)
    choice = body.get("tool_choice")
    wanted = respond.get("call") or choice == "required" or isinstance(choice, dict) or "[[call]]" in text
    if not functions or answered or choice == "none" or not wanted:
        return None
    name = respond.get("call", {}).get("name") or (choice.get("name") if isinstance(choice, dict) else None)
    function = next((item for item in functions if item["name"] == name), functions[0])
    arguments = respond.get("call", {}).get("arguments") or instance_of(function.get("parameters") or {})
    base = {"id": upstream.new_id("fc"), "type": "function_call", "status": "completed"}
    call_id = upstream.new_id("call")
    return {**base, "call_id": call_id, "name": function["name"], "arguments": dumps(arguments).decode()}


def _search(upstream: Simulator, body: Item, text: str) -> Item:
    action: Item = {"type": "search", "query": text[:80], "queries": [text[:80]]}
    if "web_search_call.action.sources" in (body.get("include") or []):
        action["sources"] = [{"type": "url", "url": f"http://127.0.0.1/source/{place}"} for place in range(2)]
    return {"id": upstream.new_id("ws"), "type": "web_search_call", "status": "completed", "action": action}


def _picture(upstream: Simulator, exchange: Exchange, tool: Item, text: str) -> Item:
    form, size = tool.get("output_format") or "png", tool.get("size") or "auto"
    size = "1024x1024" if size == "auto" else size
    data = make_picture(upstream.config.image, "r|" + text, size, form, FLAG.findall(text))
    item: Item = {
        "id": upstream.new_id("ig"),
        "type": "image_generation_call",
        "status": "completed",
        "result": base64.b64encode(data).decode(),
        "revised_prompt": text[:1000],
        "action": "generate",
        "background": "opaque",
        "output_format": form,
        "quality": "medium",
        "size": size,
        "usage": usage_of_images(1, edit=False),
    }
    if exchange.fault is not None and exchange.kind == "moderation_blocked":
        fault = {"code": "moderation_blocked", "type": "image_generation_user_error", "param": None}
        details = {"moderation_stage": exchange.fault.stage, "categories": ["violence"]}
        message = "Your request was rejected by the safety system."
        item.update(status="failed", result=None, error={**fault, "message": message, "moderation_details": details})
    return item


def _text(exchange: Exchange, body: Item, respond: Item, text: str) -> str:
    form = (body.get("text") or {}).get("format") or {}
    if exchange.kind == "not_json":
        return "I would rather describe it in prose."
    if "json" in respond:
        return dumps(respond["json"]).decode()
    if "text" in respond:
        return str(respond["text"])
    if form.get("type") == "json_schema":
        return dumps(instance_of(form.get("schema") or {})).decode()
    if form.get("type") == "json_object":
        return '{"stub":true}'
    return "Stub answer to: " + text[-200:]
