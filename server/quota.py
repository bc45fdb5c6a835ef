"""How many images an account may have in any 24 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .auth import Caller
from .errors import busy
from .state import ServerState

__all__ = ["check_quota"]


async def check_quota(server: ServerState, caller: Caller, wanted: int | None) -> None:
    """Raises ApiError 429 where `wanted` more images (one, where the planner decides) are too many for the key."""
    most = caller.limits.get("images_per_day")
    if most is None:
        return
    since = datetime.now(UTC) - timedelta(days=1)
    had = await server.store.images.count(account=caller.account, since=since)
    if had + (wanted or 1) > int(most):
        message = f"This key has {most} images in 24 hours, and {had} are used."
        raise busy(message, 3600, code="insufficient_quota")
