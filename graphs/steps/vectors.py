"""The vector file of an image: made once the image has cleared, judged, signed, and bound to its set."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from langgraph.runtime import Runtime
from langgraph.types import Send

from ...agent.plan import Plan
from ...errors import BadInput, SafelightError, Uncleared
from ...safety.guard import Blocked, Cleared
from ...tools.images.generator import ImageRequest
from ...tools.images.spec import ImageSpec, StyleSheet
from ...tools.images.vector import MEDIA_TYPES, NO_VECTOR, VectorKind
from ..effects import ImageJob
from ..engraving import VectorFile, VectorJob, engraver, opened
from ..guarded import EffectError
from ..services import RunContext, about_image
from ..state import ImageTask, RunState
from .prompt import outcome_record
from .refusal import reason_for
from .stamping import facts_of, stamp_once

__all__ = ["demand_drawn", "read_vector", "vector_sends", "write_vector"]


def demand_drawn(brief: dict[str, Any], made: Plan, context: RunContext) -> None:
    """Raises BadInput where vector files are asked for, and an image of the plan will be made of pixels."""
    if brief.get("vector") is None:
        return
    pixels = any((spec.edit_of and not spec.redraw) or spec.references for spec in made.images)
    if pixels or engraver(context.services) is None:
        raise BadInput(NO_VECTOR, run_id=context.run_id)


def vector_sends(state: RunState, tasks: list[ImageTask]) -> list[Send]:
    """A branch for every cleared image whose vector file is wanted and was not tried yet."""
    if state["brief"].get("vector") is None:
        return []
    records = {task["index"]: state["images"].get(str(task["index"]), {}) for task in tasks}
    due = [task for task in tasks if (record := records[task["index"]]) and _is_due(record)]
    return [
        Send("engrave", {**task, "vector": state["brief"]["vector"], "record": records[task["index"]]}) for task in due
    ]


def _is_due(record: dict[str, Any]) -> bool:
    return record.get("status") == "cleared" and "vector" not in record


async def read_vector(task: ImageTask, runtime: Runtime[RunContext]) -> VectorJob:
    """What the image was drawn from, and the stamped image that the file has to look like."""
    context = runtime.context
    blobs = context.services.store.blobs
    spec = ImageSpec.model_validate(task["spec"])
    about_image(spec.index)
    refs = [ref for ref in (spec.edit_of, *spec.references) if ref]
    images = {ref: await blobs.get(ref) for ref in refs}
    request = ImageRequest(spec, StyleSheet.model_validate(task["style"]), images, "png", task["seed"])
    job = ImageJob(context.run_id, request, task["intent"])
    return VectorJob(job, cast("VectorKind", task["vector"]), await blobs.get(task["record"]["ref"]))


async def write_vector(
    task: ImageTask, outcome: Cleared[VectorFile] | Blocked | EffectError, runtime: Runtime[RunContext]
) -> RunState:
    """Sign a cleared file and put it beside its image, or say on the image why there is none."""
    context, record = runtime.context, task["record"]
    kind = str(task["vector"]).upper()
    gaps: list[str] = []
    vector: dict[str, Any] | None = None
    if isinstance(outcome, Cleared):
        gaps = list(outcome.verdict.not_checked)
        try:
            vector = await _signed(task, outcome.value, context)
            reason = ""
        except SafelightError as error:
            reason = str(error)
    elif isinstance(outcome, Blocked):
        gaps = list(outcome.verdict.not_checked)
        reason = reason_for(outcome_record(outcome), context)
    else:
        reason = outcome.message
    notes = [*record["notes"], *([f"There is no {kind} of this image: {reason}"] if vector is None else [])]
    return {"images": {str(task["index"]): {**record, "vector": vector, "notes": notes}}, "not_checked": gaps}


async def _signed(task: ImageTask, file: VectorFile, context: RunContext) -> dict[str, Any]:
    """Sign once, ever; what signing left is opened again, and has to look as what was judged."""
    store, services = context.services.store, context.services
    spec = ImageSpec.model_validate(task["spec"])

    async def make() -> dict[str, Any]:
        model = (task["record"]["model"], task["record"].get("version", ""))
        facts = await facts_of(spec, task["sources"], context, model=model, algorithmic=True)
        data, stamp = await services.stamper.stamp_vector(file.data, file.media_type, file.shown, facts)
        picture = await store.blobs.get(task["record"]["ref"])
        final = await asyncio.to_thread(opened, data, file.kind, picture)
        if final.shown != file.shown or final.text != file.text:
            raise Uncleared("Signing changed how the file looks.", run_id=context.run_id)
        return {
            "ref": await store.keep(context.run_id, data),
            "sha256": stamp.sha256,
            "media_type": MEDIA_TYPES[file.kind],
            "stamp": stamp.model_dump(mode="json"),
        }

    key = f"{task['index']}:{task['record']['sha256']}:{file.kind}"
    return await stamp_once(context, spec.index, key, make)
