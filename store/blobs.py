"""Blobs: bytes kept under their own hash, so that a reference cannot come to mean something else.

Places: a folder (`file:///…`), memory (`memory://`), an S3 bucket (`s3://bucket/prefix`, credentials from the usual
`AWS_*` variables). A blob is there whole or not at all, and is checked against its name whenever it is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import ConfigError, StoreError
from .folder import Folder

__all__ = ["Blobs", "ref_of"]

_REF = re.compile(r"sha256:([0-9a-f]{64})\Z")


def ref_of(data: bytes) -> str:
    """The reference of these bytes: `sha256:<64 hex digits>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Place(Protocol):
    """Where bytes lie under names. `get` gives None for what is not there; failures are StoreErrors."""

    async def put(self, name: str, data: bytes) -> None: ...
    async def get(self, name: str) -> bytes | None: ...
    async def exists(self, name: str) -> bool: ...
    async def delete(self, name: str) -> None: ...


class Blobs:
    """Bytes by reference. References are `sha256:<64 hex digits>` of the bytes."""

    def __init__(self, place: _Place) -> None:
        self._place = place

    @classmethod
    async def open(cls, url: str) -> Blobs:
        """The blobs at `url`; a folder is made where there is none.

        Raises:
            ConfigError: the URL names no place that is supported.
            StoreError: the folder cannot be written.
        """
        parts = urlsplit(url)
        match parts.scheme:
            case "file" if parts.netloc in ("", "localhost"):
                return cls(_FolderPlace(await asyncio.to_thread(Folder.open, Path(url2pathname(parts.path)))))
            case "memory" | "s3" | "s3a":
                return cls(_ObjectPlace(url))
        raise ConfigError(f"The blobs cannot be kept at {url!r}: use file:///PATH, memory:// or s3://BUCKET/PREFIX.")

    async def put(self, data: bytes) -> str:
        """Keep the bytes, durably and whole; returns their reference. Keeping them twice is keeping them once.

        Raises:
            StoreError: they could not be kept (a full disk, an unreachable bucket); nothing half-written is left.
        """
        ref = await asyncio.to_thread(ref_of, data)
        await self._place.put(_name(ref), data)
        return ref

    async def get(self, ref: str) -> bytes:
        """The bytes behind `ref`.

        Raises:
            StoreError: there are none, or they are no longer the ones that were kept.
        """
        data = await self._place.get(_name(ref))
        if data is None:
            raise StoreError(f"The blob {ref} is not in the store: it was erased, or belongs to another store.")
        if await asyncio.to_thread(ref_of, data) != ref:
            raise StoreError(f"The blob {ref} is damaged: put it back from a backup, or make the image again.")
        return data

    async def exists(self, ref: str) -> bool:
        """True where bytes are kept under `ref`; says nothing about their state."""
        return await self._place.exists(_name(ref))

    async def delete(self, ref: str) -> None:
        """Forget the bytes; no complaint where there are none."""
        await self._place.delete(_name(ref))


def _name(ref: str) -> str:
    found = _REF.match(ref)
    if found is None:
        raise StoreError(f"{ref[:80]!r} is no blob reference: it should read sha256: and 64 hex digits.")
    return f"sha256/{found[1][:2]}/{found[1]}"


class _FolderPlace:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._folder.put, name, data)

    async def get(self, name: str) -> bytes | None:
        return await asyncio.to_thread(self._folder.get, name)

    async def exists(self, name: str) -> bool:
        return await asyncio.to_thread(self._folder.exists, name)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._folder.delete, name)


class _ObjectPlace:
    """Memory or a bucket, through obstore. Puts are create-only: what is there under a hash is never written over."""

    def __init__(self, url: str) -> None:
        import obstore
        from obstore.store import MemoryStore, S3Store

        self._obstore = obstore
        self._url = url
        try:
            self._store: Any = MemoryStore() if url.startswith("memory:") else S3Store.from_url(url)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise ConfigError(f"The bucket {url!r} cannot be used: {_line(error)}.") from error

    async def put(self, name: str, data: bytes) -> None:
        try:
            await self._obstore.put_async(self._store, name, data, mode="create", use_multipart=False)
        except self._obstore.exceptions.AlreadyExistsError:
            return
        except (self._obstore.exceptions.BaseError, OSError) as error:
            raise self._failed("write", error) from error

    async def get(self, name: str) -> bytes | None:
        try:
            result = await self._obstore.get_async(self._store, name)
            return bytes(await result.bytes_async())
        except (self._obstore.exceptions.NotFoundError, FileNotFoundError):
            return None
        except (self._obstore.exceptions.BaseError, OSError) as error:
            raise self._failed("read", error) from error

    async def exists(self, name: str) -> bool:
        try:
            await self._obstore.head_async(self._store, name)
        except (self._obstore.exceptions.NotFoundError, FileNotFoundError):
            return False
        except (self._obstore.exceptions.BaseError, OSError) as error:
            raise self._failed("read", error) from error
        return True

    async def delete(self, name: str) -> None:
        try:
            await self._obstore.delete_async(self._store, name)
        except (self._obstore.exceptions.NotFoundError, FileNotFoundError):
            return
        except (self._obstore.exceptions.BaseError, OSError) as error:
            raise self._failed("delete", error) from error

    def _failed(self, verb: str, error: Exception) -> StoreError:
        return StoreError(
            f"The blobs at {self._url} could not {verb}: {_line(error)}. Check the address and the credentials."
        )


def _line(error: Exception) -> str:
    """The first line of a message: what follows is a dump of the request."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip().rstrip(".")[:300]
