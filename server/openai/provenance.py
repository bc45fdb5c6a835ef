"""`/v1/content_provenance_checks`: whose an image is, by which evidence, and what that does not prove."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, File, UploadFile
from pydantic import BaseModel

from ...errors import BadInput
from ...intake import MAX_FILE_BYTES
from ...media import sniff
from ...provenance.stamp import Assessment, Leg
from ..auth import Caller, allowed
from ..errors import ApiError, bad_request
from ..state import Server

__all__ = ["assess", "router"]

router = APIRouter(prefix="/v1/content_provenance_checks", tags=["openai"])

_READ = {"image/png", "image/jpeg", "image/webp"}


class Manifest(BaseModel):
    """What the image's Content Credentials say. `not_detected` proves nothing: they are easily removed."""

    type: Literal["c2pa"] = "c2pa"
    outcome: Literal["detected", "not_detected"]
    validation_state: Literal["trusted", "valid", "invalid", "not_present"]
    issuer: str | None = None
    model: str | None = None


class SynthID(BaseModel):
    """Another maker's watermark, which nobody else can read: it is never found here. Ours is in `safelight`."""

    type: Literal["synthid"] = "synthid"
    outcome: Literal["not_detected"] = "not_detected"


class ProvenanceCheck(BaseModel):
    """The evidence as OpenAI's clients read it; `safelight` is the whole assessment."""

    id: str
    object: Literal["content_provenance_check"] = "content_provenance_check"
    created_at: int
    results: list[Manifest | SynthID]
    safelight: dict[str, Any]


@router.post("")
async def check(
    server: Server,
    caller: Annotated[Caller, Depends(allowed("verify"))],
    file: Annotated[UploadFile, File(description="A PNG, JPEG or WebP image")],
) -> ProvenanceCheck:
    """Tell whether an image is ours: by its manifest, its watermark, and the fingerprint of what we registered."""
    data = await file.read()
    found = await assess(server, data)
    about = found.model_dump(mode="json")
    if not await _is_callers(server, found, caller):
        about["run_id"] = None
    results = [_manifest(found.legs["manifest"]), SynthID()]
    return ProvenanceCheck(id=f"cpc_{uuid4().hex}", created_at=int(time.time()), results=results, safelight=about)


async def assess(server: Any, data: bytes) -> Assessment:
    """The assessment of an upload. Raises ApiError 400 for what is no image that can be read."""
    if len(data) > MAX_FILE_BYTES:
        raise ApiError(413, f"Images have {MAX_FILE_BYTES // 2**20} MiB at most.", code="request_too_large")
    if await asyncio.to_thread(sniff, data) not in _READ:
        raise bad_request("Send a PNG, JPEG or WebP image.", param="file", code="invalid_image")
    try:
        assessment: Assessment = await server.assembly.stamper.assess(data)
    except BadInput as error:
        raise bad_request(str(error), param="file", code="invalid_image") from error
    return assessment


async def _is_callers(server: Any, found: Assessment, caller: Caller) -> bool:
    """Whose run it was is told to its owner alone."""
    record = await server.store.runs.get(found.run_id) if found.run_id else None
    return record is not None and (record.account or "") == caller.account


def _manifest(leg: Leg) -> Manifest:
    states: dict[str, Literal["trusted", "valid", "invalid"]] = {
        "match": "valid" if leg.detail.get("development") else "trusted",
        "foreign": "trusted" if leg.detail.get("validation") == "trusted" else "valid",
        "tampered": "invalid",
    }
    state = states.get(leg.state)
    return Manifest(
        outcome="detected" if state else "not_detected",
        validation_state=state or "not_present",
        issuer=_text(leg.detail.get("signer") or leg.detail.get("issuer")),
        model=_text(leg.detail.get("generator")),
    )


def _text(value: Any) -> str | None:
    return str(value)[:300] if value else None
