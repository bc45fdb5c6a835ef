"""Stamping once, ever: what every kind of file that leaves has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...provenance.stamp import StampFacts
from ...store import Finished, Started
from ...tools.images.spec import ImageSpec
from ..services import RunContext

__all__ = ["facts_of", "stamp_once"]


async def facts_of(
    spec: ImageSpec, sources: Sequence[Sequence[str]], context: RunContext, *, model: tuple[str, str], algorithmic: bool
) -> StampFacts:
    """What is said of an image by `model` (name and version), and of a vector file of it: from what it was made, too,
    by the inputs as they came."""
    services = context.services

    async def came(ref: str) -> bytes:
        return await services.store.blobs.get(context.manifests.get(ref, ref))

    return StampFacts(
        run_id=context.run_id,
        image=spec.index,
        model=model[0],
        model_version=model[1],
        algorithmic=algorithmic,
        title=spec.title,
        parents=tuple([await came(spec.edit_of)] if spec.edit_of else ()),
        components=tuple([await came(ref) for ref in spec.references]),
        sources=tuple((title, url) for title, url in sources),
        policy_version=services.policies.version,
        prompt=spec.prompt if services.claim_prompt else None,
    )


async def stamp_once(
    context: RunContext, image: int, key: str, make: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The record of the stamp that `key` names: from the store where it was finished before, else what `make` gives.

    An attempt that a kill cut off may have registered an image that never left: it is taken out again.
    """
    store = context.services.store
    state = await store.effects.begin(context.run_id, "stamp", key, idempotent=True)
    if isinstance(state, Finished):
        record = state.result
    else:
        record = await store.effects.finish(context.run_id, "stamp", key, await make())
    if state != Started(1):
        await store.images.drop_lost(context.run_id, image)
    return dict(record)
