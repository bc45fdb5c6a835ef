"""Models: the two ways of thinking, and the names that other services' clients ask for."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from ..auth import Caller, allowed
from ..errors import ApiError

__all__ = ["INSTANT", "THINKING", "mode_of", "router"]

THINKING, INSTANT = "safelight-thinking", "safelight-instant"
_CREATED = 1_790_000_000
_ALIASES = re.compile(r"(?:gpt-|chatgpt-|dall-e-|o\d|safelight)[A-Za-z0-9._:-]{0,60}\Z")
_QUICK = re.compile(r"instant|mini|flare|nano|dall-e-2")
_NO_THINKING = {"none", "minimal"}

router = APIRouter(prefix="/v1/models", tags=["openai"])

Mode = Literal["thinking", "instant"]


class Model(BaseModel):
    """A model, as OpenAI describes one."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "safelight"


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]


Generating = Annotated[Caller, Depends(allowed("generate"))]


@router.get("")
async def list_models(_caller: Generating) -> ModelList:
    """The models that there are."""
    return ModelList(data=[Model(id=THINKING), Model(id=INSTANT)])


@router.get("/{model}")
async def get_model(model: str, _caller: Generating) -> Model:
    """One model, by its name or an alias."""
    mode_of(model)
    return Model(id=model)


def mode_of(model: str | None, effort: str | None = None) -> Mode:
    """The mode that a model's name stands for. `gpt-image-2`, `dall-e-3`, `gpt-…` and the like are aliases: small ones
    (`mini`, `flare`) are instant, all others think. A reasoning effort of `none` or `minimal` does not think.

    Raises:
        ApiError: 404 for a name that stands for nothing.
    """
    name = model or THINKING
    if not _ALIASES.match(name):
        message = f"There is no model {name[:80]!r}. Use {THINKING} or {INSTANT}."
        raise ApiError(404, message, code="model_not_found", param="model")
    return "instant" if _QUICK.search(name) or effort in _NO_THINKING else "thinking"
