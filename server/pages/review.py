"""The reviewer's table: runs that wait for a person, the pictures that they wait with, and the decision.

Pictures come blurred, and as they are for whoever opens them: only to the scope `review`, while their run waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from ... import media
from ...events import ImageFinished
from ...graphs.partials import blurred
from ...store import RunRecord, Store
from ..auth import Caller, allowed
from ..errors import bad_request, not_found
from ..state import Server
from .asking import story_of
from .render import page
from .story import STAGES

__all__ = ["router"]

router = APIRouter()

_MOST = 50
_SIDE = 2048  # px of a picture's longer side, as it is shown

_Reviews = Annotated[Caller, Depends(allowed("review"))]


@dataclass(frozen=True)
class _Picture:
    """What a reviewer sees of a run: where it comes from, and its blob."""

    what: str
    ref: str


@router.get("/review")
async def queue(request: Request, server: Server, caller: _Reviews) -> Response:
    """The runs that wait, of every account, the longest waiting first."""
    records = await server.store.runs.recent(limit=_MOST, status="suspended")
    waiting = [await _waiting(record, server.store) for record in reversed(records)]
    return page(request, "review.html", here="/review", waiting=waiting)


@router.get("/review/{run_id}/pictures/{number}", responses={200: {"content": {"image/webp": {}}}})
async def picture(run_id: str, number: int, server: Server, caller: _Reviews, clear: bool = False) -> Response:
    """A picture of a run that waits: its colors and light alone, or, `clear`, what is to be seen on it."""
    record = await server.store.runs.get(run_id)
    found = await _pictures(record, server.store) if record is not None and record.status == "suspended" else []
    if not 0 <= number < len(found):
        raise not_found("picture")
    data = await server.store.blobs.get(found[number].ref)
    show: Callable[[bytes], bytes] = _shown if clear else blurred
    headers = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": "no-store"}
    return Response(await asyncio.to_thread(show, data), media_type="image/webp", headers=headers)


@router.post("/review/{run_id}")
async def decide(request: Request, run_id: str, server: Server, caller: _Reviews) -> Response:
    """Approve or deny; the run goes on from where it stood. The decision is entered under the reviewer's name."""
    async with request.form(max_files=1, max_fields=4) as form:
        decision = form.get("decision")
    if decision not in {"approve", "deny"}:
        raise bad_request("Decide: approve or deny.", param="decision")
    await server.runs.review(run_id, approve=decision == "approve", reviewer=caller.name)
    return RedirectResponse("/review", 303)


async def _waiting(record: RunRecord, store: Store) -> dict[str, Any]:
    story = await story_of(record, store)
    stage = story.waiting.stage if story.waiting else ""
    return {
        "id": record.id,
        "prompt": str(record.brief.get("prompt", "")),
        "since": record.updated_at,
        "stage": STAGES.get(stage, stage),
        "policies": story.waiting.policies if story.waiting else (),
        "intent": (story.plan or {}).get("intent", ""),
        "frames": [(frame.title or frame.role, frame.prompt) for frame in story.sheet],
        "checks": [check for check in story.checks if check.decision != "allow"],
        "attachments": [item["name"] for item in record.brief.get("attachments", ()) if item["kind"] == "document"],
        "pictures": [each.what for each in await _pictures(record, store)],
        "earlier": [turn["text"] for turn in record.brief.get("turns", ()) if turn["role"] == "user"],
    }


async def _pictures(record: RunRecord, store: Store) -> list[_Picture]:
    """All that the decision may be about: the set as far as it is made, what was sent along, and earlier turns'."""
    made = {event.image: event.ref for event in await store.runs.events(record.id) if isinstance(event, ImageFinished)}
    of_set = [_Picture(f"Image {index + 1} of the set", made[index]) for index in sorted(made)]
    sent = [
        _Picture(f"{item['name']}, sent along", item["ref"])
        for item in record.brief.get("attachments", ())
        if item["kind"] != "document"
    ]
    earlier = [
        _Picture(f"An image of turn {number + 1}", ref)
        for number, turn in enumerate(record.brief.get("turns", ()))
        for ref in turn["images"]
    ]
    return [*of_set, *sent, *earlier]


def _shown(data: bytes) -> bytes:
    """The picture as a clean WebP: what somebody else encoded reaches no reviewer's browser."""
    seen = media.thumbnail(media.flatten(media.open_image(data)), _SIDE)
    return media.encode(seen, "webp", quality=90)
