"""Editing one delivered image: a mask is brushed over it, or marked in a grid, and an instruction typed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from ..auth import Caller, allowed
from ..state import Server
from .asking import GRID
from .downloads import delivered
from .render import page

__all__ = ["router"]

router = APIRouter()

_Asks = Annotated[Caller, Depends(allowed("generate"))]


@router.get("/runs/{run_id}/images/{index}/edit")
async def edit(request: Request, run_id: str, index: int, server: Server, caller: _Asks) -> Response:
    """The easel. Its form goes to the studio, as every other that starts a run."""
    record = await server.runs.owned(run_id, caller)
    frame = await delivered(record, index, server.store)
    places = [(number, *divmod(number, GRID)) for number in range(GRID * GRID)]
    cells = [(number, f"Row {row + 1}, column {column + 1}") for number, row, column in places]
    return page(request, "edit.html", here="/runs", run_id=run_id, frame=frame, cells=cells)
