"""A file is there whole or not at all, and for whom it is for."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from safelight.durable import write_whole


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    for data in (b"old", b"new"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_where_it_may_not_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    write_whole(path, b"old", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(path, b"new", replace=False)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("replace", [True, False])
def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(tmp_path: Path, replace: bool) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    with full_disk(1000), pytest.raises(OSError, match="too large"):
        write_whole(path, b"new" * 1000, replace=replace)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("permissions", [0o600, 0o644])
def test_it_is_for_whom_it_is_for(tmp_path: Path, permissions: int) -> None:
    write_whole(tmp_path / "kept", b"", permissions=permissions)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == permissions


def test_it_is_written_beside_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    write_whole(tmp_path / "kept", b"whole", beside=tmp_path / "incoming")
    assert not list((tmp_path / "incoming").iterdir())
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "kept", b"other", beside=tmp_path / "absent")
    assert (tmp_path / "kept").read_bytes() == b"whole"
