"""A folder of files that are there whole or not at all, whatever is killed or pulled out meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from pathlib import Path

from ..durable import write_whole
from ..errors import StoreError

__all__ = ["Folder"]

_INCOMING = ".incoming"
_STALE_SECONDS = 3600.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Folder:
    """Files by relative name, readable by their owner alone. Blocking: call it in threads.

    A file is written beside, made durable (`fsync`), and then moved into place: readers see all of it or none. Object
    store libraries do the same for a local folder, but without `fsync`, and a power cut leaves files of zeros.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / _INCOMING

    @classmethod
    def open(cls, root: Path) -> Folder:
        """The folder at `root`, made where there is none; what a killed writer left half-written long ago is removed.

        Raises:
            StoreError: it cannot be made or written.
        """
        folder = cls(root)
        try:
            folder._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            oldest = time.time() - _STALE_SECONDS
            for left in folder._incoming.iterdir():
                with contextlib.suppress(FileNotFoundError):  # another process tidies too
                    if left.stat().st_mtime < oldest:
                        left.unlink()
            descriptor, probe = tempfile.mkstemp(dir=folder._incoming)
            os.close(descriptor)
            os.unlink(probe)
        except OSError as error:
            raise folder._failed("written", error) from error
        return folder

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` as `name`. What already stands there is left alone if it is the same, and replaced if not.

        Raises:
            StoreError: the disk is full or fails; nothing half-written is left.
        """
        path = self._root / name
        try:
            if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                return
            self._make(path.parent)
            write_whole(path, data, beside=self._incoming)
            _sync(path.parent)
        except OSError as error:
            raise self._failed("written", error) from error

    def get(self, name: str) -> bytes | None:
        """The file's bytes, None where there is no such file. Raises StoreError where it cannot be read."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error) from error

    def exists(self, name: str) -> bool:
        """True where there is a file of that name."""
        return (self._root / name).is_file()

    def delete(self, name: str) -> None:
        """Remove the file, if there is one. Raises StoreError where it cannot be removed."""
        path = self._root / name
        try:
            path.unlink()
            _sync(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("written", error) from error

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for made in (folder.parent, self._root):
                _sync(made)

    def _failed(self, verb: str, error: OSError) -> StoreError:
        if error.errno in _FULL:
            return StoreError(f"The disk of {self._root} is full ({error.strerror}): make room, then resume.")
        return StoreError(
            f"The folder {self._root} cannot be {verb} ({error.strerror or error}): check it and its permissions."
        )


def _sync(folder: Path) -> None:
    """Make the names in a folder durable; where the system cannot open folders (Windows), it does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
