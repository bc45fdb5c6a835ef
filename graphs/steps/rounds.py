"""Between the images of a set: which go first, and which are made once more.

One round more, ever: what was blocked and can be rewritten, and what the reasoner would send back after a look at it.
Both go through the generator's guards anew. A cleared image is never given up for one that did not clear.
"""

from __future__ import annotations

import asyncio
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Send

from ...agent.plan import Plan
from ...agent.reasoner import Review
from ...events import ImageRetried
from ...tools.images.spec import ImageSpec
from ..services import RunContext
from ..state import RunState
from .anchor import subjects_of
from .finish import graves
from .planning import image_tasks
from .vectors import vector_sends

__all__ = ["route_settled", "settle"]

_STOPPED = {"status": "failed", "stage": "generate", "reason": "The set was stopped.", "round": 1}


async def settle(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """After images have been made: give the first one to those that wait for it, or choose what is made once more.

    Where an image stops its set, those that wait are not made, and none is made again.
    """
    context = runtime.context
    made = Plan.model_validate(state["plan"])
    waiting = _waiting(state)
    if graves(state, context):
        return {"images": {str(index): dict(_STOPPED) for index in waiting}, "round": 1}
    if waiting:
        return _with_reference(made, state, waiting)
    if state["round"] > 0:
        return {}
    specs, rewritten, again = list(made.images), list[dict[str, Any]](), list[int]()
    for index, spec in enumerate(made.images):
        record = state["images"][str(index)]
        change = await _rewritten(spec, record, context)
        if change is not None:
            specs[index], entry = change
            rewritten.append(entry)
            again.append(index)
    for index, review in await _reviews(made, state, context):
        specs[index] = specs[index].model_copy(update={"prompt": review.prompt})
        await context.emit(ImageRetried, image=index, changes=review.problems)
        again.append(index)
    if not again:
        return {}
    changed = made.model_copy(update={"images": tuple(specs)})
    return {"plan": changed.model_dump(mode="json"), "rewritten": rewritten, "again": again, "round": 1}


def route_settled(state: RunState) -> list[Send] | str:
    """The branches of images that wait or are made once more, then of vector files, or `judge_set`."""
    due = _waiting(state)
    if not due and state["round"] == 1:
        due = [index for index in state.get("again", []) if state["images"][str(index)]["round"] == 0]
    if due:
        return [Send("generate", task) for task in image_tasks(state, due)]
    return vector_sends(state, image_tasks(state, range(len(state["plan"]["images"])))) or "judge_set"


def _waiting(state: RunState) -> list[int]:
    return [index for index in range(len(state["plan"]["images"])) if str(index) not in state["images"]]


def _with_reference(made: Plan, state: RunState, waiting: list[int]) -> RunState:
    """The plan with the first image as reference wherever its subjects recur; unchanged where it did not clear."""
    anchor = state["anchor"]
    if anchor is None or (record := state["images"][str(anchor)])["status"] != "cleared":
        return {}
    subjects = subjects_of(made.images[anchor], made)
    specs = list(made.images)
    for index in waiting:
        if subjects & subjects_of(specs[index], made):
            specs[index] = specs[index].model_copy(update={"references": (*specs[index].references, record["ref"])})
    return {"plan": made.model_copy(update={"images": tuple(specs)}).model_dump(mode="json")}


async def _rewritten(
    spec: ImageSpec, record: dict[str, Any], context: RunContext
) -> tuple[ImageSpec, dict[str, Any]] | None:
    """A blocked image's spec, rewritten; None where it was not blocked, or cannot be. Hard blocks stay with code."""
    known = context.services.policies
    policies = tuple(known[item] for item in record.get("policies", ()) if item in known)
    judged = record["status"] == "blocked" and not record["failed"] and not record.get("declined")
    if not judged or not policies or not all(policy.rewritable for policy in policies):
        return None
    rewrite = await context.reasoner.rewrite(spec.prompt, policies, tuple(record["evidence"]))
    if rewrite.prompt is None or rewrite.prompt == spec.prompt:
        return None
    await context.emit(ImageRetried, image=spec.index, changes=rewrite.changes)
    entry = {
        "policies": list(record["policies"]),
        "changes": list(rewrite.changes),
        "prompt": None,
        "image": spec.index,
    }
    return spec.model_copy(update={"prompt": rewrite.prompt}), entry


async def _reviews(made: Plan, state: RunState, context: RunContext) -> list[tuple[int, Review]]:
    """What the reasoner would send back, the first `budget.revisions` of it. Only cleared images are looked at."""
    most = context.services.budget.revisions
    if state["brief"]["mode"] != "thinking" or not most or not context.reasoner.can_review:
        return []
    blobs = context.services.store.blobs
    cleared = [index for index in range(len(made.images)) if state["images"][str(index)]["status"] == "cleared"]

    async def look(index: int) -> Review:
        data = await blobs.get(state["images"][str(index)]["ref"])
        return await context.reasoner.review(data, made.images[index], made.style)

    with context.timed("review"):
        looked = await asyncio.gather(*(look(index) for index in cleared))
    found = [(index, review) for index, review in zip(cleared, looked, strict=True) if not review.fits]
    return [(index, review) for index, review in found if review.prompt][:most]
