"""LangGraph checkpointers that revive nothing but plain data, on the same kinds of database as the rest."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, StoreError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

__all__ = ["open_checkpointer", "strict_serializer"]

_BUSY_SECONDS = 20.0
_SETUP_LOCK = 0x5AFE_11_69
_POOL = 8


def strict_serializer() -> JsonPlusSerializer:
    """A serializer that imports and calls nothing that a row names.

    LangGraph's default revives any `(module, name)` found in the database (GHSA-g48c-2wqr-h844); here only its list of
    plain types passes. Unknown types come back as raw data: keep state to JSON types, and validate what is loaded.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer  # slow, and not for who lists runs

    return JsonPlusSerializer(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=[])


@asynccontextmanager
async def open_checkpointer(place: str | Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A checkpointer in the SQLite file at `place`, or in the PostgreSQL database that its URL names.

    Run paid graphs with `durability="sync"`: then a step's checkpoint is on disk before the next step starts.

    Raises:
        ConfigError: PostgreSQL's saver is not installed.
        StoreError: the file or the server cannot be used.
    """
    text = str(place)
    if text.startswith(("postgres://", "postgresql://", "postgresql+psycopg://")):
        async with _postgresql("postgresql://" + text.partition("://")[2]) as saver:
            yield saver
    else:
        async with _sqlite(Path(text.removeprefix("sqlite+aiosqlite:///").removeprefix("sqlite:///"))) as saver:
            yield saver


@asynccontextmanager
async def _sqlite(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    import aiosqlite

    from .saver import SharedCommits, SqliteSaver  # LangGraph's modules are slow to import

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = await aiosqlite.connect(path, timeout=_BUSY_SECONDS)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        try:
            writing = SharedCommits(path, busy_seconds=_BUSY_SECONDS)
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        try:
            saver = SqliteSaver(connection, writing, serde=strict_serializer())
            try:
                await _patiently(saver.setup)
                await connection.execute("PRAGMA synchronous = FULL")
                await connection.execute("PRAGMA secure_delete = ON")  # threads are deleted through this connection
            except sqlite3.Error as error:
                raise _unusable(path, error) from error
            yield saver
        finally:
            await writing.aclose()
    finally:
        await connection.close()


async def _patiently(setup: Any) -> None:
    """Run `setup`, which switches the file to WAL, until no other process is at the same."""
    for attempt in range(100):
        try:
            await setup()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 99:
                raise
            await asyncio.sleep(0.02 + 0.05 * random.random())  # noqa: S311 - only keeps two processes out of step


@asynccontextmanager
async def _postgresql(url: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    try:
        import psycopg
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import AsyncConnectionPool, PoolTimeout
    except ImportError as error:
        raise ConfigError("PostgreSQL's saver is not installed: pip install 'safelight[server]'") from error

    options: dict[str, Any] = {
        "autocommit": True, "prepare_threshold": 0, "row_factory": dict_row, "connect_timeout": 10,
    }  # fmt: skip
    pool: Any = AsyncConnectionPool(
        url, min_size=1, max_size=_POOL, kwargs=options, open=False, check=AsyncConnectionPool.check_connection
    )
    try:
        # By itself and first: a pool would try a dead server again and again before it says so.
        async with await psycopg.AsyncConnection.connect(url, **options) as guard:
            # Polled, not waited for: a statement that waits for the lock holds a snapshot, and the indexes that the
            # other process builds concurrently wait for every snapshot to go. Closing the connection unlocks.
            while not await _got(await guard.execute(_TRY_LOCK)):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.05)
            await pool.open(wait=True, timeout=10)
            saver = AsyncPostgresSaver(pool, serde=strict_serializer())
            await saver.setup()
    except (psycopg.Error, PoolTimeout) as error:
        await pool.close()
        place = psycopg.conninfo.conninfo_to_dict(url)
        where = f"{place.get('host', 'localhost')}/{place.get('dbname', '')}"
        raise StoreError(
            f"The checkpoints on PostgreSQL at {where} cannot be used: {' '.join(str(error).split())}. "
            "Check that it runs and that the URL is right."
        ) from error
    try:
        yield saver
    finally:
        await pool.close()


async def _got(cursor: Any) -> bool:
    return bool((await cursor.fetchone())["got"])


_TRY_LOCK = f"SELECT pg_try_advisory_lock({_SETUP_LOCK}) AS got"


def _unusable(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"The checkpoints in {path} cannot be used ({error}): check the folder and its permissions; "
        "a damaged file can be moved away, at the cost of the runs that are under way."
    )
