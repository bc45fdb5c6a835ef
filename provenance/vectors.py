"""Vector files: recognized by their bytes and their manifest alone, and never drawn to be judged.

Drawing a PDF or SVG that a stranger sends is a risk that buys nothing: they carry no watermark, and a fingerprint of
how they look would say no more than one of a screenshot, which can be asked about instead.
"""

from __future__ import annotations

import re
from typing import Literal

from .. import media
from .fingerprint import pack_thumbnail, pdq, thumbnail
from .preparing import Prepared
from .registry import Registered
from .report import ManifestReport
from .stamp import Assessment, Leg
from .verdict import DAMAGED, manifest_leg

__all__ = ["VECTOR_TYPES", "judge_vector", "prepare_vector", "vector_type"]

_Verdict = Literal["ours", "probably_ours", "other_generator", "no_evidence"]
VECTOR_TYPES = frozenset({"application/pdf", "image/svg+xml"})
_SVG = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<svg[\s>]", re.DOTALL)


def prepare_vector(data: bytes, shown: bytes) -> Prepared:
    """What is signed and registered of a vector file that looks as `shown` does. Raises BadImage."""
    picture = media.flatten(media.open_image(shown))
    return Prepared(
        encoded=data,
        fingerprint=pdq(picture),
        width=picture.width,
        height=picture.height,
        pixels="",
        mark=None,
        thumbnail=pack_thumbnail(thumbnail(picture)),
        notes=("no watermark: a vector file has no pixels that could carry one",),
    )


def vector_type(data: bytes) -> str | None:
    """The media type of a PDF or SVG file, told by its first bytes; None for anything else."""
    if data[:5] == b"%PDF-":
        return "application/pdf"
    return "image/svg+xml" if _SVG.match(data[:4096]) else None


def judge_vector(report: ManifestReport, exact: Registered | None) -> Assessment:
    """Ours where these very bytes are registered, or our signature holds over them."""
    manifest = manifest_leg(report)
    is_changed = manifest.state == "tampered" and report.origin == "ours"
    verdict: _Verdict = "no_evidence"
    if exact or manifest.state == "match":
        verdict = "ours"
    elif is_changed:
        verdict = "probably_ours"
    elif manifest.state == "foreign" and report.says_generated:
        verdict = "other_generator"
    changes: tuple[str, ...] = ()
    if report.state == "unreadable":
        changes = (DAMAGED,)
    elif is_changed:
        changes = ("the file was changed after it was signed",)
    run = report.run or {}
    mine = verdict in ("ours", "probably_ours")
    return Assessment(
        verdict=verdict,
        legs={
            "manifest": manifest,
            "watermark": Leg(state="unavailable", limits="A vector file has no pixels that could carry a watermark."),
            "fingerprint": Leg(
                state="match" if exact else "absent",
                detail={"image_id": exact.image_id, "bytes": "identical"} if exact else {},
                limits="Exactly the bytes that were registered."
                if exact
                else "A vector file is compared by its bytes; ask about a picture of it instead.",
            ),
        },
        run_id=exact.run_id if exact else str(run["run_id"]) if mine and "run_id" in run else None,
        image_id=exact.image_id if exact else str(run["image_id"]) if mine and "image_id" in run else None,
        changes=changes,
    )
