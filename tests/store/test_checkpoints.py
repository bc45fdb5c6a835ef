"""Checkpoints resume a graph, on both databases, and revive nothing but plain data."""

from __future__ import annotations

import asyncio
import operator
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, TypedDict

import ormsgpack
import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from safelight.errors import StoreError
from safelight.store import open_checkpointer, strict_serializer
from safelight.store.saver import SharedCommits


class State(TypedDict):
    done: Annotated[list[str], operator.add]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    if request.param == "sqlite":
        return tmp_path / "a folder" / "checkpoints.db"
    url: str = request.getfixturevalue("postgresql")
    return url


async def test_a_graph_goes_on_where_it_failed(place: str | Path) -> None:
    fail = True

    def second(state: State) -> dict[str, list[str]]:
        if fail:
            raise RuntimeError("pulled out")
        return {"done": ["second"]}

    builder = StateGraph(State)
    builder.add_node("first", lambda state: {"done": ["first"]})
    builder.add_node("second", second)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    builder.add_edge("second", END)
    thread = {"configurable": {"thread_id": "r1"}}
    async with open_checkpointer(place) as saver:
        with pytest.raises(RuntimeError):
            await builder.compile(checkpointer=saver).ainvoke({"done": []}, thread, durability="sync")
    fail = False
    async with open_checkpointer(place) as saver:
        graph = builder.compile(checkpointer=saver)
        assert (await graph.ainvoke(None, thread, durability="sync"))["done"] == ["first", "second"]
        await saver.adelete_thread("r1")
        assert (await graph.aget_state(thread)).values == {}


async def test_opened_at_once_it_is_made_once(place: str | Path) -> None:
    async def opened() -> bool:
        async with open_checkpointer(place) as saver:
            return [each async for each in saver.alist(None)] == []

    assert await asyncio.gather(*(opened() for _ in range(5))) == [True] * 5


async def test_sqlite_checkpoints_are_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    async with open_checkpointer(f"sqlite:///{path}") as saver:
        async with saver.conn.execute("PRAGMA journal_mode") as cursor:  # type: ignore[attr-defined]
            assert await cursor.fetchone() == ("wal",)
        async with saver.conn.execute("PRAGMA synchronous") as cursor:  # type: ignore[attr-defined]
            assert await cursor.fetchone() == (2,)
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5])
def test_a_row_that_names_code_does_not_run_it(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes in which LangGraph's own serializer would import a module and call a name in it."""
    monkeypatch.setenv("SAFELIGHT_PROBE", "was called")
    for arguments in ("SAFELIGHT_PROBE", ["SAFELIGHT_PROBE"], {"key": "SAFELIGHT_PROBE"}):
        inner = ormsgpack.packb(["os", "getenv", arguments, "get"])
        row = ormsgpack.packb(ormsgpack.Ext(code, inner))
        assert "was called" not in repr(strict_serializer().loads_typed(("msgpack", row)))


def test_pickles_are_not_read() -> None:
    with pytest.raises(NotImplementedError):
        strict_serializer().loads_typed(("pickle", b"\x80\x04N."))
    with pytest.raises((NotImplementedError, TypeError)):
        strict_serializer().dumps_typed(lambda: None)


async def test_a_place_that_cannot_work_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database at all, and long enough to be mistaken for one" * 40)
    for path in (tmp_path / "file", tmp_path / "file" / "checkpoints.db", tmp_path):
        with pytest.raises(StoreError, match="cannot be used"):
            async with open_checkpointer(path):
                pass


async def test_a_server_that_does_not_answer_is_one_clear_line() -> None:
    with pytest.raises(StoreError, match="cannot be used") as error:
        async with open_checkpointer("postgresql+psycopg://someone:hunter2@127.0.0.1:9/safelight"):
            pass
    assert "hunter2" not in str(error.value)


# -- writes that share their commits ---------------------------------------------------------------------------------


def row(thread: str, number: int) -> tuple[str, list[tuple[object, ...]]]:
    return "INSERT INTO kept VALUES (?, ?)", [(thread, number)]


@pytest.fixture
async def commits(tmp_path: Path) -> AsyncIterator[SharedCommits]:
    path = tmp_path / "shared.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kept (thread TEXT, number INTEGER UNIQUE)")
    shared = SharedCommits(path, busy_seconds=1)
    yield shared
    await shared.aclose()


async def test_writes_that_wait_share_a_commit(commits: SharedCommits, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    commit = commits._commit
    monkeypatch.setattr(commits, "_commit", lambda statements: (batches.append(len(statements)), commit(statements))[1])
    await asyncio.gather(*(commits.write(row("t", number)) for number in range(20)))
    assert sum(batches) == 20
    assert len(batches) <= 2


async def test_a_failed_write_is_told_to_whoever_asked_and_the_next_one_works(commits: SharedCommits) -> None:
    await commits.write(row("t", 1))
    with pytest.raises(sqlite3.IntegrityError):
        await commits.write(row("t", 1))
    with pytest.raises(UnicodeEncodeError):
        await commits.write(row("lone \ud800", 2))
    await commits.write(row("t", 2))


async def test_one_that_fails_does_not_take_its_neighbors_with_it(commits: SharedCommits) -> None:
    writes = [commits.write(row(thread, number)) for thread, number in [("a", 1), ("b", 1), ("\ud800", 2), ("c", 3)]]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "NoneType", "IntegrityError", "UnicodeEncodeError", "NoneType",
    ]  # fmt: skip


async def test_a_cancelled_caller_does_not_take_its_write_back(commits: SharedCommits, tmp_path: Path) -> None:
    writing = asyncio.create_task(commits.write(row("t", 7)))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await commits.write(row("t", 8))
    with sqlite3.connect(tmp_path / "shared.db") as connection:
        assert connection.execute("SELECT number FROM kept ORDER BY number").fetchall() == [(7,), (8,)]


async def test_langgraphs_own_saver_reads_what_ours_wrote(tmp_path: Path) -> None:
    builder = StateGraph(State)
    builder.add_node("only", lambda state: {"done": ["only"]})
    builder.add_edge(START, "only")
    builder.add_edge("only", END)
    thread = {"configurable": {"thread_id": "r1"}}
    async with open_checkpointer(tmp_path / "checkpoints.db") as ours:
        await builder.compile(checkpointer=ours).ainvoke({"done": []}, thread, durability="sync")
        expected = [found async for found in ours.alist(thread)]
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as theirs:
        assert [found.checkpoint for found in [each async for each in theirs.alist(thread)]] == [
            found.checkpoint for found in expected
        ]
        assert len(expected) == 3
