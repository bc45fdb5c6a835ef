"""Files of JSON lines: what people hand in is read with its faults named, what we keep survives a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO, Generic, TypeVar

from .errors import BadFile

__all__ = ["Journal", "read_distinct", "read_kept"]

T = TypeVar("T")


class Journal(Generic[T]):
    """A file that lines are only ever appended to, by one process at a time.

    They are on the disk when `add` returns. Of a line that a kill cut short nothing is left once the file is opened
    again, so that the next one stands by itself. `kept` is what `parse` made of the lines that were there.
    """

    def __init__(
        self, path: Path, parse: Callable[[bytes], T], *, begins: bytes = b"", permissions: int = 0o666
    ) -> None:
        """Open the file, made where there is none.

        `begins` is how all of our lines begin, for a file whose name a person chose: an end without a line break that
        begins otherwise is none of ours to cut off. `permissions` are those of a file that is made.

        Raises:
            BadFile: a whole line is not ours (`parse` raised ValueError), or the end is not. The file stays as it is.
        """
        self._path, self._permissions = path, permissions
        self.kept: list[T] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as file:
            file.seek(0)
            end = 0
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    self.kept += _taken(path, number, line, parse)
                    end += len(line)
                elif line[: len(begins)] == begins[: len(line)]:
                    file.truncate(end)
                else:
                    raise BadFile(f"{path}, line {number}: not cut off by a kill, and not ours. Choose another file.")

    def add(self, *lines: bytes) -> None:
        """Append lines, given without their breaks, durably."""
        with self._open() as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def _open(self) -> BinaryIO:
        return open(self._path, "a+b", opener=lambda name, flags: os.open(name, flags, self._permissions))


def read_kept(path: Path, parse: Callable[[bytes], T]) -> Iterator[T]:
    """What `parse` makes of each line of a journal, one at a time; a half line at the end is left out.

    Raises:
        BadFile: the file cannot be read, or `parse` raised ValueError; the message names the line.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    yield from _taken(path, number, line, parse)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from error


def read_distinct(path: Path, parse: Callable[[str], T], name: Callable[[T], str]) -> Iterator[T]:
    """What `parse` makes of each line that a person wrote, one at a time; of those before it, only names are held.

    Raises:
        BadFile: the file cannot be read, `parse` raised ValueError, or a name stands there twice; the message names
            the line.
    """
    seen: set[str] = set()
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                for row in _taken(path, number, line, parse):
                    if name(row) in seen:
                        raise BadFile(f"{path}, line {number}: the id {name(row)!r} stands there twice.")
                    seen.add(name(row))
                    yield row
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}.") from error


def _taken(path: Path, number: int, line: AnyStr, parse: Callable[[AnyStr], T]) -> list[T]:
    """What the line holds: nothing where it is blank."""
    try:
        return [parse(line)] if line.strip() else []
    except ValueError as error:
        raise BadFile(f"{path}, line {number}: {error}") from error
