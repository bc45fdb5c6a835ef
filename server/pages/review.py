"""The reviewer's table: runs that wait for a person, and the decision."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from ...store import RunRecord, Store
from ..auth import Caller, allowed
from ..errors import bad_request
from ..state import Server
from .asking import story_of
from .render import page
from .story import STAGES

__all__ = ["router"]

router = APIRouter()

_MOST = 50

_Reviews = Annotated[Caller, Depends(allowed("review"))]


@router.get("/review")
async def queue(request: Request, server: Server, caller: _Reviews) -> Response:
    """The runs that wait, of every account, the longest waiting first."""
    records = await server.store.runs.recent(limit=_MOST, status="suspended")
    waiting = [await _waiting(record, server.store) for record in reversed(records)]
    return page(request, "review.html", here="/review", waiting=waiting)


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
        "attachments": [item["name"] for item in record.brief.get("attachments", ())],
        "earlier": [turn["text"] for turn in record.brief.get("turns", ()) if turn["role"] == "user"],
    }
