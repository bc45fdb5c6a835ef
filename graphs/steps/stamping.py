"""Stamping once, ever: what every kind of file that leaves has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...store import Finished, Started
from ..services import RunContext

__all__ = ["stamp_once"]


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
