"""Files of JSON lines: prompts that come in, verdicts that go out, a row at a time and none lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..jsonl import Journal, read_distinct

__all__ = ["count_rows", "read_rows", "take_up"]


def read_rows(source: Path) -> Iterator[tuple[str, str]]:
    """The id and the prompt of each row. Of those before it, only the ids are held in memory.

    Raises:
        BadFile: the file cannot be read, a line is no row, or an id stands there twice.
    """
    return read_distinct(source, _row, lambda row: row[0])


def count_rows(source: Path) -> int:
    """How many rows there are. Raises BadFile as `read_rows`."""
    return sum(1 for _ in read_rows(source))


def take_up(target: Path) -> Journal[str]:
    """The verdicts in `target`, of which it keeps the ids, to go on with.

    Raises:
        BadFile: the file holds something else, which is left as it is.
    """
    return Journal(target, _judged, begins=b'{"id":')


def _row(line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        return str(row["id"]), str(row["prompt"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'not a row {{"id": …, "prompt": …}} ({error}).') from error


def _judged(line: bytes) -> str:
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("no verdict. Choose a new --output.") from error
