"""Edits as clients send them: multipart with `image`, `image[]` or several `image`, or JSON with `images`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from ..asking import MAX_IMAGES
from ..errors import bad_request

__all__ = ["EditForm", "edit_fields"]

_IMAGE_FIELDS = {"image", "image[]", "images", "images[]"}
_NUMBERS = {"n", "partial_images", "seed", "output_compression"}
_TRUTHS = {"stream"}


@dataclass
class EditForm:
    """The fields, and the images as bytes or as text that says where they are."""

    fields: dict[str, Any] = field(default_factory=dict)
    images: list[bytes | str] = field(default_factory=list)
    mask: bytes | str | None = None


async def edit_fields(request: Request) -> EditForm:
    """What the request holds. Raises ApiError 400 for what is neither form nor JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(await _json(request))
    if kind != "multipart/form-data":
        raise bad_request("Send multipart/form-data or application/json.", code="unsupported_content_type")
    try:
        async with request.form(max_files=MAX_IMAGES + 4, max_fields=100) as form:
            return await _from_form([(name, value) for name, value in form.multi_items()])
    except HTTPException as error:  # raised for a form that does not parse
        raise bad_request(str(error.detail), code="invalid_form") from error


async def _from_form(items: list[tuple[str, Any]]) -> EditForm:
    form = EditForm()
    for name, value in items:
        content = await value.read() if isinstance(value, UploadFile) else value
        if name in _IMAGE_FIELDS:
            form.images.append(content)
        elif name == "mask":
            form.mask = content
        elif isinstance(content, str):
            form.fields[name] = _typed(name, content)
    return form


def _from_json(body: dict[str, Any]) -> EditForm:
    form = EditForm(fields={name: value for name, value in body.items() if name not in {*_IMAGE_FIELDS, "mask"}})
    given: Any = next((body[name] for name in ("images", "image") if body.get(name)), [])
    form.images = [_source(each) for each in (given if isinstance(given, list) else [given])]
    form.mask = _source(body["mask"]) if body.get("mask") else None
    return form


def _source(given: Any) -> str:
    """Where an image is: an address or data URL, or an object that names one or a file."""
    if isinstance(given, dict):
        url = given.get("image_url") or given.get("file_id")
        given = url.get("url") if isinstance(url, dict) else url
    if not isinstance(given, str):
        raise bad_request("An image is an address, a data URL, or an object with image_url or file_id.", param="images")
    return given


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not JSON.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object.", code="invalid_json")
    return body


def _typed(name: str, text: str) -> Any:
    """Forms hold text only."""
    if name in _NUMBERS and text.strip().lstrip("-").isdigit() and len(text) < 12:
        return int(text)
    if name in _TRUTHS and text.strip().lower() in {"true", "false", "1", "0"}:
        return text.strip().lower() in {"true", "1"}
    return text or None
