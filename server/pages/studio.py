"""The studio: where a brief is typed, and where every form that starts a run ends up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from ...errors import BadInput
from ..auth import Caller, allowed
from ..state import Server
from .asking import COUNTS, MODES, SIZES, STYLES, Typed, brief_of
from .render import page
from .strips import strips

__all__ = ["CHOICES", "router"]

router = APIRouter()

CHOICES = {"counts": COUNTS, "sizes": SIZES, "styles": STYLES, "modes": MODES}
_EXAMPLES = (
    "A four-part visual guide to how vaccines are made, for a school hallway",
    "Five small posters for a repair café: bring it, open it, mend it, learn it, share it",
    "The water cycle as a botanical plate, with every step named",
    "A recipe card for shakshuka in three steps, warm and hand-made",
)

_Asks = Annotated[Caller, Depends(allowed("generate"))]


@router.get("/")
async def studio(request: Request, server: Server, caller: _Asks, prompt: str = "") -> Response:
    """The studio. `prompt` fills the brief in."""
    return await _studio(request, server, caller, Typed(prompt=prompt[:32_000]))


@router.post("/studio")
async def start(request: Request, server: Server, caller: _Asks) -> Response:
    """Start a run, and go to its page; with a fault, the form as it was and what is wrong."""
    async with request.form(max_files=12, max_fields=64) as form:
        try:
            brief = await brief_of(form, server, caller)
        except BadInput as error:
            return await _studio(request, server, caller, Typed.of(form), str(error))
    return RedirectResponse(f"/runs/{await server.runs.start(brief, caller)}", 303)


async def _studio(request: Request, server: Server, caller: Caller, form: Typed, fault: str = "") -> Response:
    records = await server.store.runs.recent(limit=6, account=caller.account)
    return page(
        request,
        "studio.html",
        status=422 if fault else 200,
        here="/",
        form=form,
        fault=fault,
        after="",
        examples=_EXAMPLES,
        recent=strips(records),
        **CHOICES,
    )
