"""What a person takes home: an image, the set, the record of the run. Only what was delivered."""

from __future__ import annotations

import asyncio
import io
import json
import re
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from ...store import RunRecord, Store
from ..archive import archive, record_of
from ..auth import Caller, allowed
from ..errors import not_found
from ..state import Server
from .asking import story_of
from .story import Frame

__all__ = ["delivered", "router"]

router = APIRouter()

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_PRIVATE = {"cache-control": "private, max-age=31536000, immutable"}  # the bytes behind an address never change
_SMALL_PIXELS = 480

_Asks = Annotated[Caller, Depends(allowed("generate"))]


@router.get("/runs/{run_id}/images/{index}")
async def image(
    run_id: str, index: int, server: Server, caller: _Asks, download: bool = False, small: bool = False
) -> Response:
    """A delivered image: the stamped bytes as they are, or `small`, a copy for the list of runs."""
    record = await server.runs.owned(run_id, caller)
    frame = await delivered(record, index, server.store)
    data = await server.store.blobs.get(frame.ref)
    if small:
        return Response(await asyncio.to_thread(_small, data), media_type="image/webp", headers=_PRIVATE)
    headers = dict(_PRIVATE)
    if download:
        headers["content-disposition"] = f'attachment; filename="{_file_name(record, frame)}"'
    return Response(data, media_type=frame.media_type, headers=headers)


@router.get("/runs/{run_id}/set.zip")
async def whole_set(run_id: str, server: Server, caller: _Asks) -> Response:
    """The set with its contact sheet and record, as a ZIP archive."""
    record = await server.runs.owned(run_id, caller)
    if record.status not in {"delivered", "partial"}:
        raise not_found("set: nothing was delivered")
    return await archive(server.store, record)


@router.get("/runs/{run_id}/record.json")
async def whole_record(run_id: str, server: Server, caller: _Asks) -> Response:
    """The run's record: brief, plan, sources, verdicts, stamps, timings."""
    record = await server.runs.owned(run_id, caller)
    if record.result is None:
        raise not_found("record: the run has not ended, or ended without one")
    run = await record_of(server.store, record)
    headers = {"content-disposition": f'attachment; filename="{_slug(record)}.json"'}
    return Response(json.dumps(run, ensure_ascii=False, indent=2), media_type="application/json", headers=headers)


async def delivered(record: RunRecord, index: int, store: Store) -> Frame:
    """The frame of a delivered image. Raises ApiError 404 for one that was not, or not yet."""
    story = await story_of(record, store)
    frame = story.frames.get(index)
    if frame is None or frame.state != "print":
        raise not_found("image")
    return frame


def _small(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:  # our own bytes, which we encoded
        small = picture.convert("RGB")
    small.thumbnail((_SMALL_PIXELS, _SMALL_PIXELS))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=72, method=1)  # three times as fast as the default
    return out.getvalue()


def _file_name(record: RunRecord, frame: Frame) -> str:
    return f"{_slug(record)}-{frame.index + 1}.{_SUFFIX[frame.media_type]}"


def _slug(record: RunRecord) -> str:
    """A file name of ASCII letters: the prompt's first words, or the run's id."""
    words = re.findall(r"[a-z0-9]+", str(record.brief.get("prompt", "")).lower())[:6]
    return "-".join(words)[:60] or record.id
