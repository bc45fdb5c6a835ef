"""`/v1/images/generations` and `/v1/images/edits`."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...agent.brief import Attachment, Brief
from ...graphs.result import Delivery, RunResult
from ..asking import MAX_IMAGES, Inputs, brief_from
from ..auth import Caller, allowed
from ..errors import ApiError, bad_request, error_body
from ..links import file_id
from ..quota import check_quota
from ..runs import Asked
from ..sse import EventStream, sse
from ..state import Server, ServerState
from ..waiting import asked_for, attended, finished, outcome
from .blocks import gap_view, raise_if_blocked
from .forms import edit_fields
from .models import mode_of

__all__ = ["ImageFields", "router"]

router = APIRouter(prefix="/v1/images", tags=["openai"])

Generating = Annotated[Caller, Depends(allowed("generate"))]
_NO_USAGE = {
    "input_tokens": 0, "input_tokens_details": {"image_tokens": 0, "text_tokens": 0}, "output_tokens": 0,
    "total_tokens": 0,
}  # fmt: skip
"""Nothing here is billed by tokens; what a run cost stands in its record."""


class ImageFields(BaseModel):
    """What both endpoints understand. Whatever else a client sends is accepted and has no effect."""

    model_config = ConfigDict(extra="allow")

    prompt: str
    model: str | None = None
    n: int | None = Field(default=1, ge=1, le=8)
    size: str | None = "auto"
    response_format: Literal["b64_json", "url"] | None = "b64_json"
    output_format: Literal["png", "webp", "jpeg"] | None = "png"
    background: Literal["transparent", "opaque", "auto"] | None = "auto"
    quality: str | None = "auto"
    stream: bool | None = False
    partial_images: int | None = Field(default=0, ge=0, le=3)
    seed: int | None = Field(default=None, ge=0, lt=2**31)

    @field_validator("background")
    @classmethod
    def _opaque(cls, background: str | None) -> str | None:
        if background == "transparent":
            raise ValueError("transparent backgrounds are not made: a watermark needs pixels to lie in")
        return background


class Image(BaseModel):
    """One image of the set: bytes or a link. `index` is its place, which matters where others are missing."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    index: int
    id: str


class Images(BaseModel):
    """The set in order; `gaps` are its missing images, each with the reason and what can be asked instead."""

    created: int
    data: list[Image]
    gaps: list[dict[str, Any]] = []
    background: Literal["opaque"] = "opaque"
    output_format: str
    size: str | None = None
    usage: dict[str, Any]
    safelight: dict[str, Any]


_STREAMS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


@router.post("/generations", response_model=Images, responses=_STREAMS)
async def generate(fields: ImageFields, request: Request, server: Server, caller: Generating) -> Any:
    """Images from a prompt. With `stream`, one `image_generation.completed` event an image."""
    brief = _brief(fields, caller, ())
    return await _answer(fields, brief, "image_generation", request, server, caller)


@router.post(
    "/edits",
    response_model=Images,
    responses=_STREAMS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["prompt", "image"],
                        "properties": {
                            "prompt": {"type": "string"},
                            "image": {"type": "string", "format": "binary"},
                            "image[]": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "mask": {"type": "string", "format": "binary"},
                            "model": {"type": "string"},
                            "n": {"type": "integer", "minimum": 1, "maximum": 8},
                            "size": {"type": "string"},
                        },
                    }
                },
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["prompt", "images"],
                        "properties": {
                            "prompt": {"type": "string"},
                            "images": {"type": "array", "items": {"type": "object"}},
                            "mask": {"type": "object"},
                            "model": {"type": "string"},
                            "n": {"type": "integer", "minimum": 1, "maximum": 8},
                        },
                    }
                },
            },
        }
    },
)
async def edit(request: Request, server: Server, caller: Generating) -> Any:
    """Images changed or combined as a prompt says: `image` or `image[]`, and a `mask` for where."""
    form = await edit_fields(request)
    try:
        fields = ImageFields.model_validate(form.fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from error
    if not form.images:
        raise bad_request("An edit needs an image.", param="image")
    if len(form.images) > MAX_IMAGES:
        raise bad_request(f"At most {MAX_IMAGES} images can be sent.", param="image")
    inputs = Inputs(server, caller)
    attachments = [await inputs.given(each, param="image") for each in form.images]
    if form.mask is not None:
        attachments.append(await inputs.given(form.mask, kind="mask", param="mask"))
    brief = _brief(fields, caller, tuple(attachments))
    return await _answer(fields, brief, "image_edit", request, server, caller)


def _brief(fields: ImageFields, caller: Caller, attachments: tuple[Attachment, ...]) -> Brief:
    extra = fields.model_extra or {}
    effort = "none" if extra.get("complexity") == "none" else None
    return brief_from(
        prompt=fields.prompt, mode=mode_of(fields.model, effort), n=fields.n or 1, size=fields.size or "auto",
        format=fields.output_format or "png", attachments=attachments, seed=fields.seed, account=caller.account,
    )  # fmt: skip


async def _answer(
    fields: ImageFields, brief: Brief, kind: str, request: Request, server: ServerState, caller: Caller
) -> Any:
    await check_quota(server, caller, brief.n)
    asked = asked_for(request, caller, brief, kind)
    run_id = await server.runs.start(brief, caller, asked)
    if fields.stream:
        return EventStream(_stream(fields, kind, server, run_id, asked))
    result = outcome(await finished(server, request, run_id, asked))
    raise_if_blocked(result)
    return Images(
        created=await _created(server, run_id),
        data=[
            await _image(each, fields, request, server, caller.account, run_id) for each in result.images if each.ref
        ],
        gaps=[gap_view(each) for each in result.images if each.gap],
        output_format=brief.format,
        size=_size(result.images),
        usage=_NO_USAGE,
        safelight=about(result),
    )


async def _image(
    image: Delivery, fields: ImageFields, request: Request, server: ServerState, account: str, run_id: str
) -> Image:
    linked = fields.response_format == "url"
    return Image(
        b64_json=None if linked else await encoded(server, image),
        url=server.links.make(str(request.base_url), account, run_id, image.index) if linked else None,
        revised_prompt=image.alt or image.title or None,
        index=image.index,
        id=file_id(run_id, image.index),
    )


async def _stream(
    fields: ImageFields, kind: str, server: ServerState, run_id: str, asked: Asked
) -> AsyncGenerator[bytes, None]:
    """Nothing of an image leaves before the whole set is cleared: partial images are the finished ones, sent first to
    clients that ask for some."""
    yield f": {run_id}\n\n".encode()
    try:
        async with attended(server, run_id, asked):
            record = await server.runs.wait(run_id)
        result = outcome(record)
        raise_if_blocked(result)
        gaps = [gap_view(each) for each in result.images if each.gap]
        for image in (each for each in result.images if each.ref):
            event = await _event(image, fields, server, int(record.updated_at.timestamp()))
            if fields.partial_images:
                yield sse({**event, "type": f"{kind}.partial_image", "partial_image_index": 0},
                          event=f"{kind}.partial_image")  # fmt: skip
            done = {**event, "type": f"{kind}.completed", "usage": _NO_USAGE, "index": image.index, "gaps": gaps}
            yield sse(done, event=f"{kind}.completed")
    except ApiError as error:
        yield sse(error.body(run_id), event="error")
    except Exception:
        yield sse(error_body("The server failed.", "server_error", "server_error", None, run_id), event="error")
        raise


async def _event(image: Delivery, fields: ImageFields, server: ServerState, created: int) -> dict[str, Any]:
    quality = fields.quality if fields.quality in {"low", "medium", "high", "xhigh", "max"} else "auto"
    return {
        "b64_json": await encoded(server, image),
        "created_at": created,
        "size": f"{image.width}x{image.height}",
        "quality": quality,
        "background": "opaque",
        "output_format": image.media_type.removeprefix("image/"),
    }


async def encoded(server: ServerState, image: Delivery) -> str:
    """The stamped bytes, as base64."""
    return base64.b64encode(await server.store.blobs.get(image.ref)).decode("ascii")


def about(result: RunResult) -> dict[str, Any]:
    """What a run has to say beside its images."""
    public = result.public()
    kept = ("run_id", "status", "rewritten", "sources", "researched", "not_checked", "warnings", "notes", "cost")
    return {name: public[name] for name in kept}


def _size(images: tuple[Delivery, ...]) -> str | None:
    sizes = {f"{image.width}x{image.height}" for image in images if image.ref}
    return sizes.pop() if len(sizes) == 1 else None


async def _created(server: ServerState, run_id: str) -> int:
    record = await server.store.runs.get(run_id)
    return int(record.created_at.timestamp()) if record else 0
