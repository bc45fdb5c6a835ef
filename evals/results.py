"""Where an evaluation is kept: a folder with what was evaluated, and one line for each record, only ever appended.

Processes and machines that share the work each write a folder of their own (`shard_folder`); read together, they are
one evaluation, provided that they were made on the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..durable import write_whole
from ..errors import BadFile, BadInput
from ..jsonl import Journal, read_kept
from .record import Record

__all__ = ["Results", "evaluations", "read_description", "read_results", "read_together", "shard_folder"]

_RECORDS = "results.jsonl"
_DESCRIPTION = "evaluation.json"


class Results:
    """Appends records to a folder, and knows which are there already.

    Each is on the disk before `add` returns; one that a kill cut short is made again.
    `description` is what must be equal for records to stand in one table. One process at a time may write.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        """Open the folder, made where there is none.

        Raises:
            BadInput: it holds an evaluation of something else; the message names what differs.
            BadFile: a whole line of its results is damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        _agree(folder, description)
        self._journal = Journal(folder / _RECORDS, lambda line: _record(line).key)
        self.done = set(self._journal.kept)

    def add(self, record: Record) -> None:
        """Append one record, durably."""
        if record.key in self.done:
            raise ValueError(f"{record.id} in {record.mode} mode ({record.attack}) is recorded already")
        self._journal.add(record.model_dump_json().encode())
        self.done.add(record.key)


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
    return read_kept(folder / _RECORDS, _record)


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
        if differs := _differing(description, read_description(place)):
            raise BadInput(f"{place} and {places[0]} are evaluations with another {differs}.")
    return description, _each_once(places)


def _each_once(places: Sequence[Path]) -> Iterator[Record]:
    seen: set[str] = set()
    for place in places:
        for record in read_results(place):
            if record.key not in seen:
                seen.add(record.key)
                yield record


def _agree(folder: Path, description: dict[str, Any]) -> None:
    path = folder / _DESCRIPTION
    if not path.exists():
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        write_whole(path, text.encode(), permissions=0o644)
        return
    if differs := _differing(read_description(folder), json.loads(json.dumps(description))):
        raise BadInput(f"{folder} holds an evaluation with another {differs}. Choose another --out, or remove it.")


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    return ", ".join(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))


def _record(line: bytes) -> Record:
    try:
        return Record.model_validate_json(line)
    except ValidationError as error:
        raise ValueError(f"no record ({error.errors()[0]['msg']}). Remove the line to redo it.") from error
