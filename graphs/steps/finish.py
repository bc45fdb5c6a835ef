"""The set is judged as a set, on exactly the bytes that leave; then it leaves, or does not."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from ...agent.plan import Plan
from ...errors import Uncleared
from ...events import Delivered
from ...safety.content import Content, ImagePart, Part, Stage, TextPart
from ...safety.guard import Blocked
from ...safety.verdict import Decision
from ..engraving import file_part
from ..services import RunContext
from ..state import RunState
from .prompt import outcome_record
from .refusal import human_verdict, offers_for, refusal_of

__all__ = ["deliver", "graves", "judge_set", "route_set", "set_content"]

_GRAVE = frozenset({"bio", "minors"})


async def judge_set(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Judge the stamped images together, with the plan and the images of earlier turns beside them."""
    context = runtime.context
    grave = graves(state, context)
    if grave or not _cleared(state):
        return {"refusal": _nothing_left(grave or list(state["images"].values()), context)}
    with context.timed("judge_set"):
        content = await set_content(state, context)
        outcome = await context.services.guard.check(content, run_id=context.run_id)
        if isinstance(outcome, Blocked) and outcome.verdict.decision is Decision.REVIEW:
            outcome = await human_verdict(content, outcome, context)
    gaps = list(outcome.verdict.not_checked)
    if isinstance(outcome, Blocked):
        return {"refusal": refusal_of(outcome_record(outcome), context), "not_checked": gaps}
    return {"set_token": outcome.clearance.token, "not_checked": gaps}


def route_set(state: RunState) -> str:
    """`refuse` or `deliver`."""
    return "refuse" if "refusal" in state else "deliver"


async def deliver(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Let the set go: only with a clearance for exactly these bytes, every image of them stamped."""
    context = runtime.context
    guard = context.services.guard
    content = await set_content(state, context)
    guard.demand(context.services.office.read(state["set_token"]), content, run_id=context.run_id)
    _demand_stamps(state, content, context.run_id)
    images = [_ref(state, index) for index in range(len(state["plan"]["images"]))]
    files = [record["vector"]["ref"] for record in _cleared(state) if record.get("vector")]
    payload = {"images": images, **({"files": files} if files else {})}
    await context.services.store.ledger.append("delivery", run_id=context.run_id, payload=payload)
    await context.emit(Delivered, images=tuple(images))
    return {"delivered": images}


async def set_content(state: RunState, context: RunContext) -> Content:
    """The images of the set in order, as they will leave, with the intent, the texts and the earlier turns."""
    blobs = context.services.store.blobs
    made = Plan.model_validate(state["plan"])
    images = _cleared(state)
    parts: list[Part] = [
        ImagePart(await blobs.get(item["ref"]), item["media_type"], source="output") for item in images
    ]
    # Each vector file was judged as it looks, and looks as its image does: here the clearance is bound to its bytes.
    parts += [file_part(await blobs.get(item["vector"]["ref"])) for item in images if item.get("vector")]
    beside: list[Part] = [TextPart(made.text(), source="plan")]
    for number, turn in enumerate(state["brief"]["turns"]):
        if turn["text"]:
            beside.append(TextPart(turn["text"], source=f"turn {number} {turn['role']}"))
        beside += [ImagePart(await blobs.get(ref), source=f"turn {number} image") for ref in turn["images"]]
    return Content(Stage.IMAGE_SET, tuple(parts), context=tuple(beside))


def _demand_stamps(state: RunState, content: Content, run_id: str) -> None:
    """Raises Uncleared where a stamp is missing, or was put on other bytes than these."""
    records = _cleared(state)
    files = [record["vector"] for record in records if record.get("vector")]
    for record, part in zip((*records, *files), content.parts, strict=True):
        stamp = record.get("stamp")
        stamped = stamp.get("sha256") if isinstance(stamp, dict) else None
        whole = part.digest.hex() if isinstance(part, ImagePart) else part.text.removeprefix("file sha256:")
        if whole != stamped:
            raise Uncleared("An image without a stamp of its own was about to be delivered.", run_id=run_id)


def _cleared(state: RunState) -> list[dict[str, Any]]:
    records = [state["images"][key] for key in sorted(state["images"], key=int)]
    return [record for record in records if record["status"] == "cleared"]


def _ref(state: RunState, index: int) -> str | None:
    record = state["images"].get(str(index), {})
    return record["ref"] if record.get("status") == "cleared" else None


def graves(state: RunState, context: RunContext) -> list[dict[str, Any]]:
    """The records of images that were blocked under a policy of the stacks `bio` and `minors`: one of them stops the
    whole set, since its other images are steps on the same way."""
    policies = context.services.policies
    return [
        record
        for record in state["images"].values()
        if record["status"] == "blocked"
        and any(item in policies and policies[item].stack in _GRAVE for item in record.get("policies", ()))
    ]


def _nothing_left(records: list[dict[str, Any]], context: RunContext) -> dict[str, object]:
    """Every image was blocked or failed, or one of them stops all: one refusal for the set."""
    policies = list(dict.fromkeys(item for record in records for item in record.get("policies", ())))
    offers = [offer for record in records for offer in offers_for(record, context)]
    reasons = list(dict.fromkeys(record["reason"] for record in records))
    return {
        "stage": records[0]["stage"],
        "policies": policies,
        "reason": " ".join(reasons),
        "evidence": [],
        "offer": list(dict.fromkeys(offers)),
        "failed": all(record["status"] == "failed" or record.get("failed") for record in records),
    }
