"""Rows come in one at a time, and files of verdicts are taken up where a kill left them."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.cli.rows import count_rows, read_rows, take_up
from safelight.errors import BadFile


def test_verdicts_are_taken_up_where_a_kill_left_them(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_bytes(b'{"id": "1", "decision": "allow"}\n{"id": "2", "deci')
    journal = take_up(target)
    assert journal.kept == ["1"]
    journal.add(b'{"id": "2", "decision": "block"}')
    assert take_up(target).kept == ["1", "2"]


@pytest.mark.parametrize("theirs", ['{ "id": "7"}', '{"name": 1}', '{"name": 1}\n', "7\n"])
def test_a_file_of_somebody_elses_stays_as_it_is(tmp_path: Path, theirs: str) -> None:
    (tmp_path / "out.jsonl").write_text(theirs)
    with pytest.raises(BadFile, match="Choose"):
        take_up(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == theirs


def test_rows_are_read_one_at_a_time(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id": 1, "prompt": "a cat"}\n\n{"id": "2", "prompt": "a dog"}\nnone\n')
    rows = read_rows(source)
    assert next(rows) == ("1", "a cat")
    assert next(rows) == ("2", "a dog")
    with pytest.raises(BadFile, match="line 4"):
        next(rows)


def test_no_id_stands_twice(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id": 1, "prompt": "a cat"}\n{"id": "1", "prompt": "a dog"}\n')
    with pytest.raises(BadFile, match=r"line 2: .* twice"):
        count_rows(source)
