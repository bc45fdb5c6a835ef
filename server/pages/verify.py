"""Whose image is this, and how would one know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from ...errors import BadInput
from ...provenance.stamp import Assessment, Leg
from ..auth import Caller, allowed
from ..state import Server, ServerState
from .render import page

__all__ = ["router"]

router = APIRouter()

VERDICTS = {
    "ours": ("Ours", "This was made, or stamped, here."),
    "probably_ours": ("Probably ours", "One kind of evidence speaks for it, and that kind can be mistaken."),
    "other_generator": (
        "Another generator’s",
        "Nothing here is ours, and its own manifest says that a generator made it.",
    ),
    "no_evidence": (
        "No evidence",
        "That does not mean that it is not ours, nor that no generator made it: every mark can be destroyed.",
    ),
}
_STATES = {
    "match": "found",
    "foreign": "somebody else’s",
    "tampered": "found, and it does not hold",
    "absent": "not found",
    "unavailable": "not looked for",
}
_LEGS = {
    "manifest": ("Content Credentials", "A signed statement in the file"),
    "watermark": ("Watermark", "A mark in the pixels themselves"),
    "fingerprint": ("Fingerprint", "What the picture looks like, compared with what is on record"),
}
_WORDS = {
    "validation": "Validation",
    "signer": "Signed by",
    "trust": "Trust in the signer",
    "generator": "Made with",
    "source_types": "Declared as",
    "problems": "What does not hold",
    "signed_at": "Signed at",
    "development": "Development certificate",
    "score": "Strength of the mark",
    "p_value": "Chance of such a mark by accident",
    "payload": "Image number in the mark",
    "false_alarm": "Chance of a false alarm",
    "content_tag": "Agreement with the picture",
    "scale": "Scale found",
    "rotation": "Rotation found",
    "image_id": "On record as",
    "bytes": "Bytes",
    "distance_bits": "Bits that differ, of 256",
    "correlation": "Likeness, from −1 to 1",
    "rectified": "Compared after straightening",
    "reason": "Why",
}
_CHANCES = frozenset({"p_value", "false_alarm"})
_BEGINNINGS = frozenset({"c2pa.created", "c2pa.opened"})

_Asks = Annotated[Caller, Depends(allowed("verify"))]


@dataclass(frozen=True)
class Evidence:
    """One leg, in words: what was found, in numbers, and what it does not prove."""

    name: str
    what: str
    state: str
    found: str
    limits: str
    facts: tuple[tuple[str, str], ...]


@router.get("/verify")
async def ask(request: Request, caller: _Asks) -> Response:
    """The page to drop an image on."""
    return page(request, "verify.html", here="/verify", fault="", finding=None)


@router.post("/verify")
async def look(request: Request, server: Server, caller: _Asks) -> Response:
    """Look at one image, and tell what was found. It is not kept."""
    async with request.form(max_files=2, max_fields=4) as form:
        file = form.get("image")
        data = await file.read() if isinstance(file, UploadFile) else b""
        name = file.filename or "the image" if isinstance(file, UploadFile) else ""
    if not data:
        return page(request, "verify.html", status=422, here="/verify", fault="Choose an image first.", finding=None)
    try:
        assessment = await server.assembly.stamper.assess(data)
    except BadInput as error:
        return page(request, "verify.html", status=422, here="/verify", fault=str(error), finding=None)
    finding = await _finding(assessment, name, server, caller)
    return page(request, "verify.html", here="/verify", fault="", finding=finding)


async def _finding(assessment: Assessment, name: str, server: ServerState, caller: Caller) -> dict[str, Any]:
    heading, meaning = VERDICTS[assessment.verdict]
    return {
        "verdict": assessment.verdict,
        "heading": heading,
        "meaning": meaning,
        "name": name,
        "legs": [_evidence(leg, assessment.legs[leg]) for leg in _LEGS if leg in assessment.legs],
        "changes": assessment.changes,
        "edits": _edits(assessment.legs["manifest"].detail),
        "facts": await _public_facts(assessment, server),
        "run_id": await _own_run(assessment, server, caller),
    }


def _evidence(name: str, leg: Leg) -> Evidence:
    title, what = _LEGS[name]
    return Evidence(title, what, leg.state, _STATES[leg.state], leg.limits, tuple(_facts(leg.detail)))


def _facts(detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in detail.items():
        if name == "edits" or value in (None, "", [], ()):
            continue
        if isinstance(value, Mapping):
            yield from _facts(value)
            continue
        written = _chance(value) if name in _CHANCES else _written(value)
        yield _WORDS.get(name, name.replace("_", " ").capitalize()), written


def _chance(value: float) -> str:
    return "less than 1 in a trillion" if value < 1e-12 else f"1 in {1 / value:,.0f}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _edits(detail: Mapping[str, Any]) -> list[dict[str, str]]:
    """The chain of edits, oldest first: manifests come newest first, each with its actions in order."""
    manifests: list[list[Mapping[str, Any]]] = []
    for edit in detail.get("edits", ()):
        if not manifests or edit["action"] in _BEGINNINGS:
            manifests.append([])
        manifests[-1].append(edit)
    return [
        {
            "action": str(edit["action"]).removeprefix("c2pa.").replace("_", " ").replace(".", ", "),
            "agent": str(edit["agent"]),
            "signer": str(edit["signer"]),
        }
        for manifest in reversed(manifests)
        for edit in manifest
    ]


async def _public_facts(assessment: Assessment, server: ServerState) -> list[tuple[str, str]]:
    """What anyone may know of an image of ours: which it is, when and in which run it was made; never the prompt."""
    if assessment.image_id is None:
        return []
    record = await server.store.images.by_image_id(assessment.image_id)
    facts = [("Image", assessment.image_id)]
    if record is None:
        return facts
    stamp = record.stamp or {}
    facts += [("Run", record.run_id), ("Made", f"{record.created_at:%d %B %Y, %H:%M} UTC")]
    if stamp.get("size"):
        facts.append(("Size", " × ".join(str(side) for side in stamp["size"])))
    if stamp.get("signer"):
        facts.append(("Signed by", str(stamp["signer"])))
    return facts


async def _own_run(assessment: Assessment, server: ServerState, caller: Caller) -> str:
    """The run that made it, where it is the caller's own."""
    record = await server.store.runs.get(assessment.run_id) if assessment.run_id else None
    own = record is not None and (record.account or "") == caller.account and record.erased_at is None
    return record.id if own and record is not None else ""
