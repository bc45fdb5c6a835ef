"""Files of JSON lines: prompts that come in, verdicts that go out, a row at a time and none lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadFile

__all__ = ["count_rows", "read_rows", "take_up"]


def read_rows(source: Path) -> Iterator[tuple[str, str]]:
    """The id and the prompt of each row. Of those before it, only the ids are held in memory.

    Raises:
        BadFile: the file cannot be read, a line is no row, or an id stands there twice.
    """
    seen: set[str] = set()
    try:
        with source.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row_id, prompt = _row(line, source, number)
                if row_id in seen:
                    raise BadFile(f"{source}, line {number}: the id {row_id!r} stands there twice.")
                seen.add(row_id)
                yield row_id, prompt
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{source} cannot be read: {error}.") from error


def count_rows(source: Path) -> int:
    """How many rows there are. Raises BadFile as `read_rows`."""
    return sum(1 for _ in read_rows(source))


def take_up(target: Path) -> set[str]:
    """The ids of the verdicts that are in `target` already; the end of a last line that a kill cut short is removed.

    Raises:
        BadFile: the file holds something else, which is left as it is.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    done: set[str] = set()
    end = 0
    with target.open("a+b") as file:
        file.seek(0)
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n") and line[:6] == b'{"id":'[: len(line)]:
                file.truncate(end)
                break
            try:
                done.add(str(json.loads(line)["id"]))
            except (ValueError, KeyError, TypeError) as error:
                raise BadFile(f"{target}, line {number}: no verdict. Choose a new --output.") from error
            end += len(line)
    return done


def _row(line: str, source: Path, number: int) -> tuple[str, str]:
    try:
        row = json.loads(line)
        return str(row["id"]), str(row["prompt"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f'{source}, line {number}: not a row {{"id": …, "prompt": …}} ({error}).') from error
