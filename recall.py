"""Finds what an image of ours was drawn from: by its bytes, or by the marks that it carries, to the plan of its run."""

from __future__ import annotations

from pydantic import ValidationError

from .agent.embedded import Earlier, Recall
from .agent.plan import Plan
from .errors import SafelightError
from .events import PlanMade
from .provenance.stamp import Stamper
from .store import Store

__all__ = ["recall_from"]


def recall_from(store: Store, stamper: Stamper) -> Recall:
    """A `Recall` over this store. An image that was re-encoded or lost its metadata is known by watermark or looks."""

    async def recall(ref: str, account: str) -> Earlier | None:
        try:
            known = await store.images.by_sha256(ref.removeprefix("sha256:"))
            if known is None:
                found = await stamper.assess(await store.blobs.get(ref))
                known = await store.images.by_image_id(found.image_id) if found.image_id else None
            if known is None:
                return None
            run = await store.runs.get(known.run_id)
            if run is None or run.account != (account or None):
                return None  # a plan is its account's own, whoever holds the image
            plans = [event for event in await store.runs.events(known.run_id) if isinstance(event, PlanMade)]
            plan = Plan.model_validate(plans[-1].plan)
            return Earlier(plan.images[known.image], plan.style)
        except (SafelightError, ValidationError, IndexError):
            return None  # erased, or of a version whose plans read otherwise: the pixels can still be edited

    return recall
