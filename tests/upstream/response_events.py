"""A response as the stream of events that the API would send: strict enough for the SDK's own helper."""

from __future__ import annotations

from typing import Any

from .exchange import dumps

__all__ = ["response_events"]

Item = dict[str, Any]
_STEP = 24  # characters a delta


class _Stream:
    def __init__(self) -> None:
        self.events: list[tuple[str | None, bytes]] = []

    def add(self, kind: str, **fields: Any) -> None:
        name = f"response.{kind}"
        self.events.append((name, dumps({"type": name, "sequence_number": len(self.events), **fields})))


def response_events(body: Item, answer: Item) -> list[tuple[str | None, bytes]]:
    stream = _Stream()
    blank = {**answer, "status": "in_progress", "output": [], "usage": None, "error": None}
    blank = {**blank, "incomplete_details": None, "completed_at": None}
    blank.pop("moderation", None)
    stream.add("created", response=blank)
    stream.add("in_progress", response=blank)
    for index, item in enumerate(answer["output"]):
        writer = _WRITERS.get(item["type"])
        place = {"item_id": item.get("id", ""), "output_index": index}
        if writer is None:
            stream.add("output_item.added", output_index=index, item=item)
        else:
            writer(stream, item, place, body)
        stream.add("output_item.done", output_index=index, item=item)
    last = {"failed": "failed", "incomplete": "incomplete"}.get(answer["status"], "completed")
    stream.add(last, response=answer)
    return stream.events


def _message(stream: _Stream, item: Item, place: Item, body: Item) -> None:
    index = place["output_index"]
    stream.add("output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []})
    for number, part in enumerate(item["content"]):
        where = {**place, "content_index": number}
        if part["type"] == "refusal":
            stream.add("content_part.added", **where, part={"type": "refusal", "refusal": ""})
            stream.add("refusal.delta", **where, delta=part["refusal"])
            stream.add("refusal.done", **where, refusal=part["refusal"])
        else:
            empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            stream.add("content_part.added", **where, part=empty)
            for start in range(0, len(part["text"]), _STEP):
                stream.add("output_text.delta", **where, delta=part["text"][start : start + _STEP], logprobs=[])
            for order, note in enumerate(part.get("annotations") or []):
                stream.add("output_text.annotation.added", **where, annotation_index=order, annotation=note)
            stream.add("output_text.done", **where, text=part["text"], logprobs=[])
        stream.add("content_part.done", **where, part=part)


def _reasoning(stream: _Stream, item: Item, place: Item, body: Item) -> None:
    index = place["output_index"]
    stream.add("output_item.added", output_index=index, item={**item, "status": "in_progress", "summary": []})
    for number, part in enumerate(item["summary"]):
        where = {**place, "summary_index": number}
        stream.add("reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
        for start in range(0, len(part["text"]), _STEP):
            stream.add("reasoning_summary_text.delta", **where, delta=part["text"][start : start + _STEP])
        stream.add("reasoning_summary_text.done", **where, text=part["text"])
        stream.add("reasoning_summary_part.done", **where, part=part)


def _search(stream: _Stream, item: Item, place: Item, body: Item) -> None:
    stream.add("output_item.added", output_index=place["output_index"], item={**item, "status": "in_progress"})
    for step in ("in_progress", "searching", "completed"):
        stream.add(f"web_search_call.{step}", **place)


def _picture(stream: _Stream, item: Item, place: Item, body: Item) -> None:
    bare = {"id": item["id"], "type": item["type"], "status": "in_progress", "result": None}
    stream.add("output_item.added", output_index=place["output_index"], item=bare)
    stream.add("image_generation_call.in_progress", **place)
    stream.add("image_generation_call.generating", **place)
    tool = next(tool for tool in body.get("tools") or [] if tool.get("type") == "image_generation")
    if item.get("result"):
        about = {key: item[key] for key in ("size", "quality", "background", "output_format")}
        for number in range(int(tool.get("partial_images") or 0)):
            part = {"partial_image_index": number, "partial_image_b64": item["result"]}
            stream.add("image_generation_call.partial_image", **place, **part, **about)
        stream.add("image_generation_call.completed", **place)


def _call(stream: _Stream, item: Item, place: Item, body: Item) -> None:
    index = place["output_index"]
    stream.add("output_item.added", output_index=index, item={**item, "status": "in_progress", "arguments": ""})
    stream.add("function_call_arguments.delta", **place, delta=item["arguments"])
    stream.add("function_call_arguments.done", **place, arguments=item["arguments"], name=item["name"])


_WRITERS = {
    "message": _message,
    "reasoning": _reasoning,
    "web_search_call": _search,
    "image_generation_call": _picture,
    "function_call": _call,
}
