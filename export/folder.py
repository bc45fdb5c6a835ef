"""The output folder of a run."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..durable import write_whole
from ..errors import StoreError
from ..graphs.result import Delivery, RunResult
from ..store import Store
from .page import render_page

__all__ = ["check_folder", "export_run"]

_READABLE = 0o644
_SUFFIX = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "image/svg+xml": "svg",
}


def check_folder(folder: Path) -> None:
    """Create the folder and try to write in it, before anything is spent on images.

    Raises:
        StoreError: it cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be written: {error.strerror}. Choose another with --out."
        ) from error


async def export_run(result: RunResult, store: Store, folder: Path) -> RunResult:
    """Write `image-1.png …` (and `image-1.pdf …`), `run.json` and `index.html`; returns the result with their paths.

    Each file appears whole or not at all. The images are the stamped bytes, untouched.

    Raises:
        StoreError: the folder or the disk refused.
    """
    record = await store.runs.get(result.run_id)
    events = [event.model_dump(mode="json") for event in await store.runs.events(result.run_id)]
    brief = dict(record.brief) if record else {}
    refs = [ref for image in result.images for ref in (image.ref, image.vector.ref if image.vector else "") if ref]
    blobs = {ref: await store.blobs.get(ref) for ref in refs}
    return await asyncio.to_thread(_write, result, brief, events, blobs, folder)


def _write(
    result: RunResult,
    brief: dict[str, Any],
    events: list[dict[str, Any]],
    blobs: Mapping[str, bytes],
    folder: Path,
) -> RunResult:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        images = []
        for image in result.images:
            if image.ref:
                path = folder / f"image-{image.index + 1}.{_SUFFIX[image.media_type]}"
                write_whole(path, blobs[image.ref], permissions=_READABLE)
                images.append(_with_vector(image.model_copy(update={"path": str(path)}), blobs, path))
            else:
                images.append(image)
        result = result.model_copy(update={"images": tuple(images)})
        run = run_record(result, brief, events)
        text = json.dumps(run, ensure_ascii=False, indent=2).encode()
        write_whole(folder / "run.json", text, permissions=_READABLE)
        write_whole(folder / "index.html", render_page(run).encode(), permissions=_READABLE)
    except OSError as error:
        raise StoreError(
            f"The results could not be written to {folder}: {error.strerror}. They are safe in the store: "
            f"safelight generate --resume {result.run_id} --out FOLDER writes them again.",
            run_id=result.run_id,
        ) from error
    return result


def _with_vector(image: Delivery, blobs: Mapping[str, bytes], path: Path) -> Delivery:
    """The image with its vector file written beside it, where there is one."""
    if image.vector is None:
        return image
    beside = path.with_suffix(f".{_SUFFIX[image.vector.media_type]}")
    write_whole(beside, blobs[image.vector.ref], permissions=_READABLE)
    return image.model_copy(update={"vector": image.vector.model_copy(update={"path": str(beside)})})


def run_record(result: RunResult, brief: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """What `run.json` holds: the brief, the plan, the sources, every verdict, stamps, timings and costs."""
    plans = [event["plan"] for event in events if event["type"] == "plan"]
    return {
        **result.public(),
        "brief": brief,
        "plan": plans[-1] if plans else None,
        "thinking": [event["text"] for event in events if event["type"] == "thinking"],
        "searches": [_without(event) for event in events if event["type"] == "search"],
        "verdicts": [_without(event) for event in events if event["type"] == "verdict"],
    }


def _without(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in {"type", "run_id", "seq"}}
