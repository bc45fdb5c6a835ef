"""A run told as a response of OpenAI's Responses API: its items, and the events in which they come about.

What is told depends on the run's events and its end alone: told again, whether whole or as a stream, it is the same,
numbers and ids included. So a stream can be taken up again, and a response fetched after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...events import Event, ImageStarted, PlanMade, Rewritten, SearchMade, SourceRead, Thinking, Warned
from ...graphs.result import Delivery, RunResult
from ..telling import answer_text, link_text, refusal_text, suspended_text, thought
from .blocks import gap_view

__all__ = ["Narration"]

_PIECE = 400
_THOUGHTS = (Thinking, PlanMade, Rewritten, Warned)

Part = dict[str, Any]


class Narration:
    """Tells one run. `shell` is the response without its output; `partial` sends each image once more, as a partial
    one, to clients that wait for one."""

    def __init__(self, run_id: str, shell: dict[str, Any], *, partial: bool = False) -> None:
        self._key = run_id.removeprefix("run_")
        self._shell = shell
        self._partial = partial
        self._count = 0
        self._items: list[Part] = []
        self._reasoning: Part | None = None
        self._images: dict[int, Part] = {}

    def response(self, **changes: Any) -> dict[str, Any]:
        """The response as it stands."""
        return {**self._shell, "output": list(self._items), **changes}

    def begin(self) -> list[Part]:
        """The two events that every stream begins with."""
        return [
            self._event(f"response.{name}", response=self.response(status="in_progress"))
            for name in ("created", "in_progress")
        ]

    def feed(self, event: Event) -> list[Part]:
        """What one event of the run amounts to."""
        if isinstance(event, _THOUGHTS):
            return self._think(thought(event) or "")
        if isinstance(event, SearchMade):
            return [*self._stop_thinking(), *self._search({"type": "search", "query": event.query,
                                                           "queries": [event.query]})]  # fmt: skip
        if isinstance(event, SourceRead) and event.url.startswith(("http://", "https://")):
            return [*self._stop_thinking(), *self._search({"type": "open_page", "url": event.url})]
        if isinstance(event, ImageStarted) and event.image not in self._images:
            return [*self._stop_thinking(), *self._start_image(event.image)]
        return []

    def finish(self, result: RunResult, images: Mapping[int, str], link: Callable[[Delivery], str]) -> list[Part]:
        """The end of a run that has an answer: its images as base64 by index, then the message."""
        events = self._stop_thinking()
        for image in result.images:
            if image.index not in self._images:
                events += self._start_image(image.index)
            events += self._end_image(image, images.get(image.index))
        for index in sorted(set(self._images) - {image.index for image in result.images}):
            events += self._end_image(Delivery(index=index), None)
        if result.refusal is not None:
            return events + self._refuse(refusal_text(result.refusal))
        if result.status == "suspended":
            return events + self._say(suspended_text(result.run_id), [])
        text = answer_text(result, link)
        return events + self._say(text, _citations(text, result.sources))

    def close(self, status: str, **changes: Any) -> list[Part]:
        """The last event: `completed`, `failed`, `incomplete` or `cancelled` (which OpenAI's streams do not know)."""
        events = self._stop_thinking()
        for item in self._items:
            if item.get("status") in {"in_progress", "generating"}:
                item["status"] = "failed"
                events.append(self._item_event("response.output_item.done", item, item=dict(item)))
        name = "incomplete" if status == "cancelled" else status
        return [*events, self._event(f"response.{name}", response=self.response(status=status, **changes))]

    def _think(self, text: str) -> list[Part]:
        events = []
        if self._reasoning is None:
            self._reasoning = {"id": self._id("rs"), "type": "reasoning", "summary": []}
            events.append(self._add(self._reasoning))
        item = self._reasoning
        index = len(item["summary"])
        part = {"type": "summary_text", "text": text}
        item["summary"].append(part)
        prefix = "response.reasoning_summary"
        return [
            *events,
            self._item_event(f"{prefix}_part.added", item, summary_index=index, part={**part, "text": ""}),
            self._item_event(f"{prefix}_text.delta", item, summary_index=index, delta=text),
            self._item_event(f"{prefix}_text.done", item, summary_index=index, text=text),
            self._item_event(f"{prefix}_part.done", item, summary_index=index, part=part),
        ]

    def _stop_thinking(self) -> list[Part]:
        item, self._reasoning = self._reasoning, None
        return [] if item is None else [self._done(item)]

    def _search(self, action: Part) -> list[Part]:
        item = {"id": self._id("ws"), "type": "web_search_call", "status": "in_progress", "action": action}
        events = [self._add(item)]
        events += [
            self._item_event(f"response.web_search_call.{name}", item)
            for name in ("in_progress", "searching", "completed")
        ]
        item["status"] = "completed"
        return [*events, self._done(item)]

    def _start_image(self, index: int) -> list[Part]:
        item = {
            "id": f"ig_{self._key}_{index}",
            "type": "image_generation_call",
            "status": "in_progress",
            "result": None,
        }
        self._images[index] = item
        added = self._add(item)
        item["status"] = "generating"
        events = [
            self._item_event(f"response.image_generation_call.{name}", item) for name in ("in_progress", "generating")
        ]
        return [added, *events]

    def _end_image(self, image: Delivery, encoded: str | None) -> list[Part]:
        item = self._images[image.index]
        if encoded is None:
            item["status"] = "failed"
            if image.gap is not None:
                view = gap_view(image)
                item["error"] = {
                    "code": view["code"], "message": view["reason"], "type": "image_generation_user_error",
                    "param": None, "moderation_details": view["moderation_details"],
                }  # fmt: skip
            return [self._done(item)]
        item |= {
            "status": "completed",
            "result": encoded,
            "action": "generate",
            "background": "opaque",
            "output_format": image.media_type.removeprefix("image/"),
            "quality": "auto",
            "size": f"{image.width}x{image.height}",
            "revised_prompt": image.alt or image.title or None,
        }
        events = []
        if self._partial:
            events.append(
                self._item_event(
                    "response.image_generation_call.partial_image",
                    item,
                    partial_image_b64=encoded,
                    partial_image_index=0,
                    **{name: item[name] for name in ("size", "quality", "background", "output_format")},
                )
            )
        return [*events, self._item_event("response.image_generation_call.completed", item), self._done(item)]

    def _message(self) -> Part:
        return {
            "id": f"msg_{self._key}",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }

    def _say(self, text: str, annotations: list[Part]) -> list[Part]:
        item = self._message()
        empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        events = [self._add(item), self._item_event("response.content_part.added", item, content_index=0, part=empty)]
        for start in range(0, len(text), _PIECE):
            piece = text[start : start + _PIECE]
            events.append(
                self._item_event("response.output_text.delta", item, content_index=0, delta=piece, logprobs=[])
            )
        for index, annotation in enumerate(annotations):
            events.append(
                self._item_event(
                    "response.output_text.annotation.added",
                    item,
                    content_index=0,
                    annotation_index=index,
                    annotation=annotation,
                )
            )
        part = {**empty, "text": text, "annotations": annotations}
        events.append(self._item_event("response.output_text.done", item, content_index=0, text=text, logprobs=[]))
        return [*events, *self._close_message(item, part)]

    def _refuse(self, text: str) -> list[Part]:
        item = self._message()
        empty = {"type": "refusal", "refusal": ""}
        return [
            self._add(item),
            self._item_event("response.content_part.added", item, content_index=0, part=empty),
            self._item_event("response.refusal.delta", item, content_index=0, delta=text),
            self._item_event("response.refusal.done", item, content_index=0, refusal=text),
            *self._close_message(item, {**empty, "refusal": text}),
        ]

    def _close_message(self, item: Part, part: Part) -> list[Part]:
        item |= {"status": "completed", "content": [part]}
        return [self._item_event("response.content_part.done", item, content_index=0, part=part), self._done(item)]

    def _add(self, item: Part) -> Part:
        self._items.append(item)
        return self._item_event("response.output_item.added", item, item=_snapshot(item))

    def _done(self, item: Part) -> Part:
        return self._item_event("response.output_item.done", item, item=_snapshot(item))

    def _item_event(self, kind: str, about: Part, /, **fields: Any) -> Part:
        index = next(index for index, each in enumerate(self._items) if each is about)
        named = {} if "item" in fields else {"item_id": about["id"]}
        return self._event(kind, output_index=index, **named, **fields)

    def _event(self, kind: str, **fields: Any) -> Part:
        event = {"type": kind, "sequence_number": self._count, **fields}
        self._count += 1
        return event

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._key}_{len(self._items)}"


def _snapshot(item: Part) -> Part:
    """The item as it is now: it goes on changing while events wait to be sent."""
    return {name: list(value) if isinstance(value, list) else value for name, value in item.items()}


def _citations(text: str, sources: tuple[Part, ...]) -> list[Part]:
    found = []
    for source in sources:
        shown = link_text(source).removeprefix("- ")
        start = text.rfind(shown)
        if start >= 0 and shown.endswith(")"):
            found.append(
                {
                    "type": "url_citation", "start_index": start, "end_index": start + len(shown),
                    "title": str(source.get("title", "")), "url": str(source["url"]),
                }
            )  # fmt: skip
    return found
