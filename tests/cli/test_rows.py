"""Files of verdicts are taken up where a kill left them, wherever that was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.cli.rows import count_rows, read_rows, take_up
from safelight.errors import BadFile

IDS = st.lists(st.text(max_size=8), unique=True, max_size=6)


@given(IDS, st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_kill_left_is_whole_lines_again(tmp_path: Path, ids: list[str], data: st.DataObject) -> None:
    lines = [json.dumps({"id": each, "decision": "allow"}, ensure_ascii=False).encode() + b"\n" for each in ids]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    (tmp_path / "out.jsonl").write_bytes(whole[:cut])
    done = take_up(tmp_path / "out.jsonl")
    kept = [each for index, each in enumerate(ids) if len(b"".join(lines[: index + 1])) <= cut]
    assert done == set(kept)
    assert (tmp_path / "out.jsonl").read_bytes() == b"".join(lines[: len(kept)])


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
