"""One image's branch: the job for its guarded generator, and what becomes of the outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from ...errors import SafelightError, Uncleared
from ...events import ImageBlocked, ImageFinished, ImageStarted
from ...safety.guard import Blocked, Cleared
from ...services import account_hash
from ...tools.images.generator import DeclinedImage, GeneratedImage, ImageRequest
from ...tools.images.spec import ImageSpec, StyleSheet
from ..effects import ImageJob
from ..guarded import EffectError
from ..services import RunContext, about_image
from ..state import ImageTask, RunState
from .prompt import outcome_record
from .refusal import reason_for
from .stamping import facts_of, stamp_once

__all__ = ["read_task", "write_image"]


async def read_task(task: ImageTask, runtime: Runtime[RunContext]) -> ImageJob:
    """The generator's exact input: the spec, the style and the bytes of every image that it refers to."""
    context = runtime.context
    spec = ImageSpec.model_validate(task["spec"])
    about_image(spec.index)
    refs = [ref for ref in (spec.edit_of, spec.mask, spec.markup, *spec.references) if ref]
    images = {ref: await context.services.store.blobs.get(ref) for ref in refs}
    await context.emit(ImageStarted, image=spec.index, of=spec.of, title=spec.title)
    request = ImageRequest(
        spec,
        StyleSheet.model_validate(task["style"]),
        images,
        task["format"],  # type: ignore[arg-type]
        task["seed"],
        safety_identifier=account_hash(context.account, context.services.account_key) if context.account else "",
    )
    return ImageJob(context.run_id, request, task["intent"], context.repeat_unknown)


async def write_image(
    task: ImageTask,
    outcome: Cleared[GeneratedImage | DeclinedImage] | Blocked | EffectError,
    runtime: Runtime[RunContext],
) -> RunState:
    """Stamp a cleared image, or record why there is none; a failure stays its own and never sinks its siblings."""
    context, index = runtime.context, task["index"]
    spec = ImageSpec.model_validate(task["spec"])
    if isinstance(outcome, Cleared):
        if not isinstance(outcome.value, GeneratedImage):
            raise Uncleared("What a generator declined to make was cleared as an image.", run_id=context.run_id)
        try:
            record = await _stamped(spec, outcome.value, task["sources"], context)
        except SafelightError as error:
            record = {"status": "failed", "stage": "stamp", "reason": str(error)}
        gaps = list(outcome.verdict.not_checked)
    elif isinstance(outcome, Blocked):
        verdict = outcome_record(outcome)
        record = {"status": "blocked", **verdict, "reason": reason_for(verdict, context)}
        gaps = list(outcome.verdict.not_checked)
        await context.emit(
            ImageBlocked,
            image=index,
            stage=record["stage"],
            policies=tuple(verdict["policies"]),
            reason=record["reason"],
        )
    else:
        record = {"status": "failed", "stage": "generate", "reason": outcome.message, "retryable": outcome.retryable}
        gaps = []
        await context.emit(ImageBlocked, image=index, stage="generate", policies=(), reason=outcome.message)
    return {"images": {str(index): {**record, "round": task["round"]}}, "not_checked": gaps}


async def _stamped(
    spec: ImageSpec, image: GeneratedImage, sources: Sequence[Sequence[str]], context: RunContext
) -> dict[str, Any]:
    """Stamp once, ever: after a kill the stamped bytes are found in the store."""
    store, services = context.services.store, context.services

    async def make() -> dict[str, Any]:
        facts = await facts_of(
            spec, sources, context, model=(image.model, image.version), algorithmic=image.algorithmic
        )
        data, stamp = await services.stamper.stamp(image.data, image.media_type, facts)
        return {
            "status": "cleared",
            "ref": await store.keep(context.run_id, data),
            "sha256": stamp.sha256,
            "width": image.width,
            "height": image.height,
            "media_type": image.media_type,
            "title": spec.title,
            "alt": spec.alt,
            "stamp": stamp.model_dump(mode="json"),
            "notes": [*image.notes, *stamp.notes],
            "licences": list(image.licences),
            "model": image.model,
            "version": image.version,
            "cost": image.cost,
        }

    key = f"{spec.index}:{hashlib.sha256(image.data).hexdigest()}"
    record = await stamp_once(context, spec.index, key, make)
    await context.emit(
        ImageFinished,
        image=spec.index,
        ref=record["ref"],
        media_type=record["media_type"],
        width=record["width"],
        height=record["height"],
        title=record["title"],
        alt=record["alt"],
    )
    return record
