"""The pages that a person uses. `router` is included by the application; it may answer anywhere outside of `/v1`."""

from __future__ import annotations

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
