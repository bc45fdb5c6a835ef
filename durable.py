"""Files that are there whole or not at all, whatever is killed or pulled out meanwhile."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(
    path: Path, data: bytes, *, replace: bool = True, permissions: int = 0o600, beside: Path | None = None
) -> None:
    """Write a file beside, make it durable, and move it into place: readers see the old one or the new one.

    It is written in its own folder, or in `beside`, on the same disk. What a kill leaves there is hidden by a dot.

    Raises:
        FileExistsError: there is a file of that name, which it may not `replace`.
        OSError: it cannot be written. Nothing half-written is left.
    """
    descriptor, written = tempfile.mkstemp(dir=beside or path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(written, permissions)
        if replace:
            os.replace(written, path)
        else:
            os.link(written, path)  # fails where the name is taken, unlike a rename
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(written)
