"""Past runs as small strips of film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...store import RunRecord

__all__ = ["strips"]


def strips(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """What a strip shows of each run: its prompt, its state, and its delivered images."""
    return [_strip(record) for record in records if record.erased_at is None]


def _strip(record: RunRecord) -> dict[str, Any]:
    images = (record.result or {}).get("images", ()) if record.status in {"delivered", "partial"} else ()
    frames = [
        {"src": "" if image.get("gap") else f"/runs/{record.id}/images/{image['index']}?small=1"} for image in images
    ]
    return {
        "id": record.id,
        "prompt": str(record.brief.get("prompt", "")),
        "status": record.status,
        "created": record.created_at,
        "frames": frames,
    }
