"""Secrets of this installation: made on first use, readable by their owner alone, rotated by id.

One file a name (`clearance.json`): `{"current": "k2", "keys": {"k1": "<hex>", "k2": "<hex>"}}`. The current key signs,
the others still verify.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..durable import write_whole
from ..errors import ConfigError

__all__ = ["KeyRing", "Keys"]

_BYTES = 32
_LOCK_SECONDS = 10.0


class Keys(NamedTuple):
    """The keys of one name: the id of the one that signs, and all of them by id, 32 bytes or more each."""

    current: str
    secrets: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Keys(current={self.current!r}, ids={sorted(self.secrets)})"

    @property
    def key(self) -> bytes:
        """The key that signs."""
        return self.secrets[self.current]


class KeyRing:
    """The keys in one folder. Blocking, and quick: a small file a call."""

    def __init__(self, folder: Path, entropy: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._entropy = entropy

    @classmethod
    def open(cls, folder: Path, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> KeyRing:
        """The key ring in `folder`, which is made (mode 0700) where there is none.

        Raises:
            ConfigError: the folder cannot be made, or others may write to it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            mode = folder.stat().st_mode
        except OSError as error:
            raise ConfigError(f"The keys folder {folder} cannot be made: {error.strerror or error}.") from error
        if not folder.is_dir():
            raise ConfigError(f"The keys folder {folder} is not a folder.")
        if os.name != "nt" and mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(f"Others can write to the keys folder {folder}: chmod 700 {folder}")
        return cls(folder, entropy)

    def get(self, name: str) -> Keys:
        """The keys called `name`; the first of them is made on first use, once, however many processes ask.

        Raises:
            ConfigError: the file cannot be read or written, is damaged, holds too short a key, or is open to others.
        """
        path = self._path(name)
        if not path.exists():
            with contextlib.suppress(FileExistsError):  # another process was first: its key is the key
                self._write(path, Keys("k1", {"k1": self._entropy(_BYTES)}), replace=False)
        return self._read(path)

    def rotate(self, name: str) -> Keys:
        """Make a new key the one that signs; those before it still verify. Returns the keys as they are then.

        Raises:
            ConfigError: as `get`.
        """
        path = self._path(name)
        with self._locked(path):
            keys = self.get(name)
            number = 1 + max((int(each[1:]) for each in keys.secrets if each[1:].isdigit()), default=0)
            fresh = f"k{number}"
            rotated = Keys(fresh, {**keys.secrets, fresh: self._entropy(_BYTES)})
            self._write(path, rotated, replace=True)
        return rotated

    def _path(self, name: str) -> Path:
        if not name.replace("-", "").isalnum():
            raise ConfigError(f"{name!r} is no name for a key: letters, digits and hyphens only.")
        return self._folder / f"{name}.json"

    def _read(self, path: Path) -> Keys:
        try:
            mode = path.stat().st_mode
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The key file {path} cannot be read: {error}.") from error
        if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
            raise ConfigError(
                f"The key file {path} is open to other users: chmod 600 {path}, and consider rotating it."
            )
        try:
            fields = json.loads(text)
            keys = Keys(str(fields["current"]), {str(name): bytes.fromhex(key) for name, key in fields["keys"].items()})
            short = [name for name, key in keys.secrets.items() if len(key) < _BYTES or not name.isalnum()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"The key file {path} is damaged: put it back from a backup. ({error})") from error
        if short or keys.current not in keys.secrets:
            fault = (
                f"key {short[0]!r} is shorter than {_BYTES} bytes or oddly named"
                if short
                else "its current key is missing"
            )
            raise ConfigError(f"The key file {path} cannot be used: {fault}. Put it back from a backup.")
        return keys

    def _write(self, path: Path, keys: Keys, *, replace: bool) -> None:
        text = json.dumps({"current": keys.current, "keys": {name: key.hex() for name, key in keys.secrets.items()}})
        try:
            write_whole(path, text.encode("ascii"), replace=replace)
        except FileExistsError:
            raise
        except OSError as error:
            raise ConfigError(f"The key file {path} cannot be written: {error.strerror or error}.") from error

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """One process at a time. A lock that was left behind by a kill is broken after ten seconds."""
        lock = path.with_suffix(".lock")
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                if time.monotonic() > deadline:
                    lock.unlink(missing_ok=True)
                time.sleep(0.02)
            except OSError as error:
                raise ConfigError(f"The keys folder {self._folder} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
