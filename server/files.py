"""Images by their file id: to their owner, or to whoever holds a link that is still valid."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from ..graphs.result import Delivery, RunResult
from ..store import RunRecord
from .auth import Caller, allowed
from .errors import ApiError, not_found
from .links import parse_file_id
from .state import Server, ServerState

__all__ = ["router"]

router = APIRouter(prefix="/v1/files", tags=["files"])

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class FileObject(BaseModel):
    """An image that was delivered, as OpenAI describes a file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: Literal["vision"] = "vision"
    status: Literal["processed"] = "processed"
    expires_at: None = None


@router.get("/{file_id}")
async def describe(file_id: str, server: Server, caller: Annotated[Caller, Depends(allowed("generate"))]) -> FileObject:
    """What is known of one of the caller's images."""
    record, image = await _find(server, file_id)
    if (record.account or "") != caller.account:
        raise not_found("file")
    return FileObject(
        id=file_id,
        bytes=len(await server.store.blobs.get(image.ref)),
        created_at=int(record.updated_at.timestamp()),
        filename=_file_name(image),
    )


@router.get("/{file_id}/content", responses={200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}}})
async def content(
    file_id: str,
    request: Request,
    server: Server,
    expires: Annotated[str, Query(max_length=16)] = "",
    key: Annotated[str, Query(max_length=16)] = "",
    signature: Annotated[str, Query(max_length=128)] = "",
) -> Response:
    """The bytes, exactly as they were stamped: for the owner's key, or with a signed link."""
    if signature:
        record, image = await _find(server, file_id)
        if not server.links.holds(record.account or "", file_id, expires, key, signature):
            raise ApiError(
                403, "This link is not valid, or not any more.", code="link_expired", type="permission_error"
            )
    else:
        caller = await server.access.caller(request)
        await server.access.count(caller, request)
        record, image = await _find(server, file_id)
        if (record.account or "") != caller.account:
            raise not_found("file")
    headers = {
        "content-disposition": f'inline; filename="{_file_name(image)}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=3600",
        "cross-origin-resource-policy": "cross-origin",
    }
    return Response(await server.store.blobs.get(image.ref), media_type=image.media_type, headers=headers)


async def _find(server: ServerState, name: str) -> tuple[RunRecord, Delivery]:
    """The run and image behind the id: only what was delivered, never what was merely made."""
    place = parse_file_id(name)
    record = await server.store.runs.get(place[0]) if place else None
    if place is None or record is None or not record.result or record.status not in {"delivered", "partial"}:
        raise not_found("file")
    for image in RunResult.model_validate(record.result).images:
        if image.index == place[1] and image.ref:
            return record, image
    raise not_found("file")


def _file_name(image: Delivery) -> str:
    return f"image-{image.index + 1}.{_SUFFIX.get(image.media_type, 'bin')}"
