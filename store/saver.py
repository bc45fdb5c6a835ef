"""LangGraph's SQLite saver, with writes that share their commits.

LangGraph's own hops to its thread three or four times a write and commits each write by itself; a step with four
parallel branches makes five. Here what waits is written in one hop and one commit, so that durability
(`synchronous=FULL`) is paid once a step. Tables and rows are LangGraph's: either saver reads what the other wrote.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

__all__ = ["SharedCommits", "SqliteSaver"]

Statement = tuple[str, list[tuple[Any, ...]]]

_PUT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, "
    "checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_WRITES = (
    "INSERT OR {conflict} INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, "
    "type, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SharedCommits:
    """Writes to one SQLite file from a thread of its own: those that wait while others are committed go together."""

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="safelight-checkpoint")
        self._connection = sqlite3.connect(path, busy_seconds, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA secure_delete = ON")  # states hold prompts; a deleted thread is gone
        self._waiting: list[tuple[Statement, asyncio.Future[None]]] = []
        self._drainer: asyncio.Task[None] | None = None

    async def write(self, statement: Statement) -> None:
        """Returns once the rows are durable. A cancelled caller does not undo its write. Raises sqlite3.Error."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, future))
        if self._drainer is None:
            self._drainer = asyncio.create_task(self._drain())
        await asyncio.shield(future)

    async def aclose(self) -> None:
        """Finish what was asked, then let go of the file."""
        while self._drainer is not None:
            await asyncio.wait([self._drainer])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[tuple[Statement, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                outcomes = await loop.run_in_executor(self._thread, self._commit, [write[0] for write in batch])
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    _settle(future, outcome)
        finally:
            self._drainer = None
            # Only a cancelled drainer leaves anyone waiting.
            for _, future in [*batch, *self._waiting]:
                _settle(future, sqlite3.OperationalError("the write was interrupted; whether it happened is unknown"))
            self._waiting = []

    def _commit(self, statements: Sequence[Statement]) -> list[Exception | None]:
        """How each of them went: all in one transaction, or, where one spoils that, each in its own."""
        fault = self._transaction(statements)
        if fault is None or len(statements) == 1:
            return [fault] * len(statements)
        return [self._transaction([statement]) for statement in statements]

    def _transaction(self, statements: Sequence[Statement]) -> Exception | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for sql, rows in statements:
                    self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise
        except Exception as error:  # it is told to whoever asked, and must not end the thread's work for the others
            return error
        return None


class SqliteSaver(AsyncSqliteSaver):
    """As LangGraph's, but for `aput` and `aput_writes`, which share their commits."""

    def __init__(self, reading: aiosqlite.Connection, writing: SharedCommits, *, serde: SerializerProtocol) -> None:
        super().__init__(reading, serde=serde)
        self._writing = writing

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint; returns its address."""
        place = config["configurable"]
        kind, data = self.serde.dumps_typed(checkpoint)
        about = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False).encode("utf-8", "ignore")
        thread_id, namespace = str(place["thread_id"]), place["checkpoint_ns"]
        row = (thread_id, namespace, checkpoint["id"], place.get("checkpoint_id"), kind, data, about)
        await self._writing.write((_PUT, [row]))
        address = {"thread_id": place["thread_id"], "checkpoint_ns": namespace, "checkpoint_id": checkpoint["id"]}
        return {"configurable": address}

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote, as (channel, value) pairs, before its step is complete."""
        place = config["configurable"]
        key = (str(place["thread_id"]), str(place["checkpoint_ns"]), str(place["checkpoint_id"]), task_id, task_path)
        special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        rows = [
            (*key, WRITES_IDX_MAP.get(channel, index), channel, *self.serde.dumps_typed(value))
            for index, (channel, value) in enumerate(writes)
        ]
        await self._writing.write((_PUT_WRITES.format(conflict="REPLACE" if special else "IGNORE"), rows))


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # a cancelled caller will not ask, and that is no reason for a warning
