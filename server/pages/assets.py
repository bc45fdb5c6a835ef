"""Style sheets, scripts, fonts: read once, served under an address that changes with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Response

from ..errors import not_found

__all__ = ["asset", "router"]

router = APIRouter()

_TYPES = {".woff2": "font/woff2", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_FOREVER = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """The address of an asset. Raises KeyError for one that there is not."""
    _files()[name]
    return f"/assets/{_version()}/{name}"


@router.get("/assets/{version}/{name:path}")
async def serve(version: str, name: str) -> Response:
    """One asset. An old version's address gives today's file, to be asked for again."""
    found = _files().get(name)
    if found is None:
        raise not_found("file")
    caching = _FOREVER if version == _version() else "no-cache"
    return Response(found, media_type=_media_type(name), headers={"cache-control": caching})


@cache
def _files() -> dict[str, bytes]:
    files: dict[str, bytes] = {}

    def walk(folder: Traversable, prefix: str) -> None:
        for item in folder.iterdir():
            if item.is_dir():
                walk(item, f"{prefix}{item.name}/")
            else:
                files[prefix + item.name] = item.read_bytes()

    walk(resources.files(__package__) / "static", "")
    return files


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for name, data in sorted(_files().items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:12]


def _media_type(name: str) -> str:
    suffix = f".{name.rpartition('.')[2]}"
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
