"""Checkpoints resume a graph, on both databases, and revive nothing but plain data."""

from __future__ import annotations

import asyncio
import operator
from pathlib import Path
from typing import Annotated, TypedDict

import ormsgpack
import pytest
from langgraph.graph import END, START, StateGraph

from safelight.errors import StoreError
from safelight.store import open_checkpointer, strict_serializer


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
