"""A journal is whole lines wherever a kill cut it, and goes on after them; what is not ours stays as it is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.errors import BadFile
from safelight.jsonl import Journal, read_distinct, read_kept

WORDS = st.lists(st.text(max_size=8), max_size=6)


def line(word: str) -> bytes:
    return json.dumps({"word": word}).encode()


def word(line: str | bytes) -> str:
    try:
        return str(json.loads(line)["word"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("no word.") from error


@settings(deadline=None)  # it writes to a disk, which others use too
@given(WORDS, WORDS, st.data(), st.sampled_from([b"", b'{"word":']))
def test_cut_at_any_byte_whole_lines_are_kept_and_the_next_stand_by_themselves(
    words: list[str], more: list[str], data: st.DataObject, begins: bytes
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "made" / "words.jsonl"
        journal = Journal(path, word, begins=begins)
        assert journal.kept == []
        for each in words:
            journal.add(line(each))
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        kept = words[: whole[:cut].count(b"\n")]
        assert list(read_kept(path, word)) == kept
        journal = Journal(path, word, begins=begins)
        assert journal.kept == kept
        journal.add(*map(line, more))
        assert path.read_bytes() == b"".join(line(each) + b"\n" for each in kept + more)


@pytest.mark.parametrize("theirs", [b"my notes", b"[1, 2]", b'{ "word": "of mine"}', b'{"word": "a"}\n\nmy notes'])
def test_an_end_that_no_kill_of_ours_left_is_not_cut_off(tmp_path: Path, theirs: bytes) -> None:
    (tmp_path / "words.jsonl").write_bytes(theirs)
    with pytest.raises(BadFile, match=r"words.jsonl, line \d: .*not ours"):
        Journal(tmp_path / "words.jsonl", word, begins=b'{"word":')
    assert (tmp_path / "words.jsonl").read_bytes() == theirs


def test_a_damaged_whole_line_is_named_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    path.write_bytes(line("a") + b"\nmy notes\n" + line("b")[:5])
    for read in (Journal, lambda path, parse: list(read_kept(path, parse))):
        with pytest.raises(BadFile, match=r"words.jsonl, line 2: no word"):
            read(path, word)
    assert path.read_bytes().endswith(line("b")[:5])


def test_a_journal_is_made_for_whom_it_is_for(tmp_path: Path) -> None:
    Journal(tmp_path / "private.jsonl", word, permissions=0o600)
    assert (tmp_path / "private.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_people_write_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    path.write_text('{"word": "a"}\n\n  \n{"word": "b"}\nmy notes\n')
    words = read_distinct(path, word, str)
    assert [next(words), next(words)] == ["a", "b"]
    with pytest.raises(BadFile, match="line 5: no word"):
        next(words)


def test_a_name_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    path.write_text('{"word": "a"}\n{"word": "b"}\n\n{"word": "a"}')
    with pytest.raises(BadFile, match="line 4: the id 'a' stands there twice"):
        list(read_distinct(path, word, str))


@pytest.mark.parametrize("content", [b"\xff\xfe\n", None])
def test_what_cannot_be_read_is_said_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "words.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFile, match=r"words.jsonl cannot be read"):
        list(read_distinct(path, word, str))


def test_a_journal_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"absent.jsonl cannot be read"):
        list(read_kept(tmp_path / "absent.jsonl", word))
