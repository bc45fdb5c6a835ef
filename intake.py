"""Takes a user's files in: decided by content, decoded within bounds, cleaned, and kept by digest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from .agent.brief import Attachment
from .errors import BadFile, BadImage
from .media import sanitize
from .store import Store

__all__ = ["MAX_FILE_BYTES", "take_document", "take_image"]

MAX_FILE_BYTES = 50 * 1024 * 1024


async def take_image(path: Path, store: Store, *, kind: Literal["image", "mask"] = "image") -> Attachment:
    """An image for a brief: re-encoded without metadata. Raises BadImage or BadFile, naming the file."""
    data = await asyncio.to_thread(_read, path)
    try:
        clean, media_type = await asyncio.to_thread(sanitize, data)
    except BadImage as error:
        raise BadImage(f"{path}: {error}") from error
    return Attachment(ref=await store.blobs.put(clean), name=path.name, media_type=media_type, kind=kind)


async def take_document(path: Path, store: Store) -> Attachment:
    """A document for a brief, as it is: it is read, within bounds, by its guarded effect. Raises BadFile."""
    data = await asyncio.to_thread(_read, path)
    return Attachment(
        ref=await store.blobs.put(data), name=path.name, media_type="application/octet-stream", kind="document"
    )


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise BadFile(f"{path} does not exist, or is not a file.")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadFile(f"{path} has {size / 2**20:.0f} MiB; at most {MAX_FILE_BYTES // 2**20} MiB are accepted.")
        if size == 0:
            raise BadFile(f"{path} is empty.")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
