"""Where an evaluation is kept: a folder with what was evaluated, and one line for each record, only ever appended.

Processes and machines that share the work each write a folder of their own (`shard_folder`); read together, they are
one evaluation, provided that they were made on the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from ..errors import BadFile, BadInput
from .record import Record

__all__ = ["Results", "evaluations", "read_description", "read_results", "read_together", "shard_folder"]

_RECORDS = "results.jsonl"
_DESCRIPTION = "evaluation.json"


class Results:
    """Appends records to a folder, and knows which are there already.

    A line is on the disk before `add` returns; one that a kill cut short is dropped when the folder is opened again.
    `description` is what must be equal for records to stand in one table. One process at a time may write.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self._folder, self._description = folder, description
        self.done: set[str] = set()

    def __enter__(self) -> Self:
        """Open the folder, made where there is none.

        Raises:
            BadInput: it holds an evaluation of something else; the message names what differs.
            BadFile: a whole line of its results is damaged.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _RECORDS
        self._agree()
        self._file = path.open("ab+")
        try:
            _drop_half_line(path)
            self.done = {record.key for record in read_results(self._folder)}
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, record: Record) -> None:
        """Append one record, durably."""
        if record.key in self.done:
            raise ValueError(f"{record.id} in {record.mode} mode ({record.attack}) is recorded already")
        self._file.write(record.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done.add(record.key)

    def _agree(self) -> None:
        path = self._folder / _DESCRIPTION
        if not path.exists():
            fresh = path.with_suffix(".part")
            fresh.write_text(json.dumps(self._description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            fresh.replace(path)
            return
        known = read_description(self._folder)
        wanted = json.loads(json.dumps(self._description))
        if differs := sorted(name for name in {*known, *wanted} if known.get(name) != wanted.get(name)):
            raise BadInput(
                f"{self._folder} holds an evaluation with another {', '.join(differs)}. "
                "Choose another --out, or remove it."
            )


def read_description(folder: Path) -> dict[str, Any]:
    """What the evaluation in this folder was made on. Raises BadFile where there is none."""
    path = folder / _DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"{folder} holds no evaluation ({path.name}: {error}).") from error
    if not isinstance(description, dict):
        raise BadFile(f"{path} is not the description of an evaluation.")
    return description


def read_results(folder: Path) -> Iterator[Record]:
    """The records of a folder, one at a time; a half line at the end is left out.

    Raises:
        BadFile: a whole line is not a record; the message names it.
    """
    path = folder / _RECORDS
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield Record.model_validate_json(line)
                except ValidationError as error:
                    fault = error.errors()[0]["msg"]
                    raise BadFile(f"{path}, line {number}: no record ({fault}). Remove the line to redo it.") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from error


def shard_folder(folder: Path, shard: int, shards: int) -> Path:
    """Where the `shard`-th of `shards` processes keeps its records."""
    return folder / f"shard-{shard:0{len(str(shards))}d}-of-{shards}"


def evaluations(folders: Sequence[Path]) -> list[Path]:
    """The folders that hold records: each of `folders` itself and its shards.

    Raises:
        BadFile: one of them holds neither.
    """
    found: list[Path] = []
    for folder in folders:
        here = [each for each in (folder, *sorted(folder.glob("shard-*-of-*"))) if (each / _DESCRIPTION).exists()]
        if not here:
            read_description(folder)  # which says what is wrong
        found += here
    return found


def read_together(folders: Sequence[Path]) -> tuple[dict[str, Any], Iterator[Record]]:
    """What the folders were made on, and the records of all of them, one at a time; what is there twice, once.

    Raises:
        BadInput: they were not made on the same; the message names what differs.
        BadFile: as `read_description` and, while it is read, `read_results`.
    """
    places = evaluations(folders)
    description = read_description(places[0])
    for place in places[1:]:
        other = read_description(place)
        if differs := sorted(name for name in {*description, *other} if description.get(name) != other.get(name)):
            raise BadInput(f"{place} and {places[0]} are evaluations with another {', '.join(differs)}.")
    return description, _each_once(places)


def _each_once(places: Sequence[Path]) -> Iterator[Record]:
    seen: set[str] = set()
    for place in places:
        for record in read_results(place):
            if record.key not in seen:
                seen.add(record.key)
                yield record


def _drop_half_line(path: Path) -> None:
    """Cut the file after its last line break, reading backwards a block at a time."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        position = end
        while position > 0:
            start = max(0, position - 65536)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position < end:
            file.truncate(position)
