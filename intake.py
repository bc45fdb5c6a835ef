"""Takes a user's files in: decided by content, decoded within bounds, cleaned, and kept by digest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from .agent.brief import Attachment
from .errors import BadFile, BadImage
from .media import sanitize
from .provenance.inputs import detach
from .store import Store

__all__ = ["MAX_FILE_BYTES", "keep_document", "keep_image", "take_document", "take_image"]

MAX_FILE_BYTES = 50 * 1024 * 1024


async def take_image(path: Path, store: Store, *, kind: Literal["image", "mask"] = "image") -> Attachment:
    """An image for a brief: re-encoded without metadata, its manifest kept apart.

    Raises BadImage or BadFile, naming the file.
    """
    try:
        return await keep_image(await asyncio.to_thread(_read, path), path.name, store, kind=kind)
    except BadImage as error:
        raise BadImage(f"{path}: {error}") from error


async def take_document(path: Path, store: Store) -> Attachment:
    """A document for a brief, as it is: it is read, within bounds, by its guarded effect. Raises BadFile."""
    return await keep_document(await asyncio.to_thread(_read, path), path.name, store)


async def keep_image(data: bytes, name: str, store: Store, *, kind: Literal["image", "mask"] = "image") -> Attachment:
    """An image that is already in memory, as `take_image` takes one from a file. Raises BadImage."""
    clean, media_type = await asyncio.to_thread(sanitize, data)
    ref = await store.blobs.put(clean)
    archive = await asyncio.to_thread(detach, data) if kind == "image" else None
    manifest = await store.blobs.put(archive) if archive else None
    return Attachment(ref=ref, name=name, media_type=media_type, kind=kind, manifest=manifest)


async def keep_document(data: bytes, name: str, store: Store) -> Attachment:
    """A document that is already in memory. Raises BadFile."""
    if not data:
        raise BadFile(f"{name} is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise BadFile(f"{name} has {len(data) / 2**20:.0f} MiB; at most {MAX_FILE_BYTES // 2**20} MiB are accepted.")
    return Attachment(
        ref=await store.blobs.put(data), name=name, media_type="application/octet-stream", kind="document"
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
