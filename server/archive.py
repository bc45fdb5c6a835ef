"""What a run leaves, to take along: its record, and everything in one ZIP."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from fastapi import Response

from ..export import export_run
from ..export.folder import run_record
from ..graphs.result import RunResult
from ..store import RunRecord, Store

__all__ = ["archive", "record_of"]


async def record_of(store: Store, record: RunRecord) -> dict[str, Any]:
    """What `run.json` holds."""
    events = [event.model_dump(mode="json") for event in await store.runs.events(record.id)]
    return run_record(RunResult.model_validate(record.result), dict(record.brief), events)


async def archive(store: Store, record: RunRecord) -> Response:
    """The run's folder as a ZIP. Images are stored as they are: they do not get smaller, and their stamp stays."""
    with tempfile.TemporaryDirectory(prefix="safelight-") as folder:
        await export_run(RunResult.model_validate(record.result), store, Path(folder))
        data = await asyncio.to_thread(_zipped, Path(folder))
    name = f"safelight-{record.id.removeprefix('run_')[:12]}.zip"
    return Response(
        data, media_type="application/zip", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return buffer.getvalue()
