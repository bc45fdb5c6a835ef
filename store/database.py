"""The database: SQLite (WAL) by default, PostgreSQL by URL; one writer a process, commits shared, failures explained.

Statements are SQLAlchemy Core and run as whole transactions in threads: a transaction costs one hop there and back,
where an async driver hops at every statement (measured: 1.5 against 3.2 ms of CPU for a select, an insert and an update
with aiosqlite). Writes that wait while another commits are committed together, so that durability (`synchronous=FULL`)
is paid once for all of them.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from ..errors import ConfigError, StoreError
from .faults import explained, explained_sqlite, passes
from .migrations import migrate

__all__ = ["Database", "endings_of"]

T = TypeVar("T")

_BUSY_SECONDS = 20.0
_READERS = 4
_LARGEST_BATCH = 256
_ENDINGS = "safelight_endings"
_TRIES = 5


@dataclass(eq=False)
class _Write(Generic[T]):
    work: Callable[[sa.Connection], T]
    last: bool
    future: asyncio.Future[T]


class Database:
    """Transactions on one database. `read` and `write` take a function of a connection; SQL stays inside the store."""

    def __init__(self, engine: sa.Engine, readers: ThreadPoolExecutor, writer: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._readers = readers
        self._writer = writer
        self._waiting: list[_Write[Any]] = []
        self._drainer: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float = _BUSY_SECONDS) -> Database:
        """The database at `url`, made if it is new and brought up to this version's schema.

        Any number of processes may open it at once: one of them migrates, the others wait.

        Raises:
            ConfigError: the URL is not one of SQLite's or PostgreSQL's, or PostgreSQL's driver is not installed.
            StoreError: it is unreachable, damaged, not writable, or was made by a newer version.
        """
        parsed = _parse(url)
        writer = ThreadPoolExecutor(1, thread_name_prefix="safelight-write")
        # An in-memory database is one connection: its readers queue behind its writer.
        memory = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
        readers = writer if memory else ThreadPoolExecutor(_READERS, thread_name_prefix="safelight-read")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(writer, _connect, parsed, busy_seconds)
        except BaseException:
            readers.shutdown(wait=False)
            writer.shutdown(wait=False)
            raise
        return cls(engine, readers, writer)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def place(self) -> str:
        """Where the database is, without password, for messages."""
        return _place(self._engine.url)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns from one consistent snapshot of the database.

        Raises:
            StoreError: the database failed, or is closed.
        """
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._reading, work)

    async def write(self, work: Callable[[sa.Connection], T], *, last: bool = False) -> T:
        """What `work` returns, once its effects are durable; all of them or none.

        `work` may share its transaction with other writes, may be run again after a rollback, and so touches nothing
        but its connection. `last` orders it behind its neighbors: locks that everybody takes are taken last, and held
        shortest. A cancelled caller does not undo its write.

        Raises:
            StoreError: the database failed, or is closed; nothing was written.
        """
        self._check_open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(work, last, future))
        if self._drainer is None:
            self._drainer = asyncio.create_task(self._drain())
        return await asyncio.shield(future)

    async def scrub(self) -> None:
        """Leave no copy of deleted rows in SQLite's write-ahead log. (PostgreSQL cleans up after itself, in time.)"""
        self._check_open()
        if self.dialect == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._writer, self._truncate_log)

    async def aclose(self) -> None:
        """Finish what was asked, then let go of the database."""
        self._closed = True
        while self._drainer is not None:
            await asyncio.wait([self._drainer])
        await asyncio.get_running_loop().run_in_executor(self._writer, self._engine.dispose)
        self._readers.shutdown(wait=False)
        self._writer.shutdown(wait=False)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.")

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Write[Any]] = []
        try:
            while self._waiting:
                batch = self._waiting[:_LARGEST_BATCH]
                del self._waiting[:_LARGEST_BATCH]
                batch.sort(key=lambda write: write.last)
                outcomes = await loop.run_in_executor(self._writer, self._commit, [write.work for write in batch])
                for write, outcome in zip(batch, outcomes, strict=True):
                    _settle(write.future, outcome)
        finally:
            self._drainer = None
            # Only a cancelled or crashed drainer leaves anyone waiting.
            for write in [*batch, *self._waiting]:
                _settle(write.future, StoreError("The write was interrupted; whether it happened is unknown."))
            self._waiting.clear()

    def _truncate_log(self) -> None:
        try:
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                raw.close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explained_sqlite(error, self.place) from error

    def _reading(self, work: Callable[[sa.Connection], T]) -> T:
        try:
            # SQLite's transactions see one snapshot as they are.
            options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
            with self._engine.connect().execution_options(**options) as connection:
                return work(connection)
        except (SQLAlchemyError, UnicodeError) as error:
            raise explained(error, self.place) from error

    def _commit(self, works: list[Callable[[sa.Connection], Any]]) -> list[Any]:
        """The outcome of each: its value, or the exception that is to be raised to who asked."""
        if len(works) > 1:
            try:
                return self._transaction(lambda connection: [work(connection) for work in works])
            except DBAPIError as error:
                # A lost connection may have committed: repeating it could do it twice. And what does not work for all
                # (no answer, no room, no lock) would not work for each, only take as many times as long.
                if error.connection_invalidated or (isinstance(error, OperationalError) and not passes(error)):
                    return [explained(error, self.place) for _ in works]
            except Exception:  # noqa: S110 - one bad write spoils its batch, so each is now tried alone, and told
                pass
        return [self._alone(work) for work in works]

    def _alone(self, work: Callable[[sa.Connection], Any]) -> Any:
        for attempt in range(1, _TRIES + 1):
            try:
                return self._transaction(work)
            except DBAPIError as error:
                if attempt < _TRIES and passes(error):
                    time.sleep(0.01 * 2**attempt)
                    continue
                return explained(error, self.place)
            except (SQLAlchemyError, UnicodeError) as error:
                return explained(error, self.place)
            except Exception as error:
                return error
        raise AssertionError("unreachable")

    def _transaction(self, work: Callable[[sa.Connection], T]) -> T:
        endings: dict[object, Callable[[sa.Connection], None]] = {}
        options = {"safelight_write": True, _ENDINGS: endings}
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            result = work(connection)
            for ending in endings.values():
                ending(connection)
            return result


def endings_of(connection: sa.Connection) -> dict[object, Callable[[sa.Connection], None]]:
    """What is to be done once at the end of the writing transaction, by whose it is: neighbors that share a commit
    share these too."""
    found: dict[object, Callable[[sa.Connection], None]] = connection.get_execution_options()[_ENDINGS]
    return found


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
        future.exception()  # a cancelled caller will not ask, and that is no reason for a warning
    else:
        future.set_result(outcome)


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise ConfigError(
            "The database URL cannot be read: use sqlite:///PATH or postgresql://USER@HOST/NAME."
        ) from error
    match parsed.drivername.partition("+")[0]:
        case "sqlite":
            return parsed.set(drivername="sqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigError(
                f"The database {other!r} is not supported: use sqlite:///PATH or postgresql://USER@HOST/NAME."
            )


def _place(url: sa.URL) -> str:
    return str(url.database or "memory") if url.get_backend_name() == "sqlite" else url.render_as_string()


def _connect(url: sa.URL, busy_seconds: float) -> sa.Engine:
    place = _place(url)
    try:
        engine = _sqlite(url, busy_seconds) if url.get_backend_name() == "sqlite" else _postgresql(url)
        try:
            with engine.connect().execution_options(safelight_write=True) as connection, connection.begin():
                migrate(connection, place)
        except BaseException:
            engine.dispose()
            raise
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError("PostgreSQL's driver is not installed: pip install 'safelight[server]'") from error
    except SQLAlchemyError as error:
        raise explained(error, place) from error
    except sqlite3.Error as error:
        raise explained_sqlite(error, place) from error
    except OSError as error:
        raise StoreError(
            f"The database {place} cannot be made ({error.strerror or error}): check the folder and its permissions."
        ) from error
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_size=_READERS + 1, connect_args={"connect_timeout": 10}
    )


def _sqlite(url: sa.URL, busy_seconds: float) -> sa.Engine:
    if url.database in (None, "", ":memory:"):
        engine = sa.create_engine(
            url, hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        _prepare_file(Path(str(url.database)), busy_seconds)
        engine = sa.create_engine(url, hide_parameters=True, pool_size=_READERS + 1)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # In WAL mode NORMAL may lose the last commits at a power cut; what was paid for must not be among them.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA secure_delete = ON")  # what is erased leaves no trace in free pages
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns into a writer fails at once when another wrote meanwhile; this one waits.
        writing = connection.get_execution_options().get("safelight_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _prepare_file(path: Path, busy_seconds: float) -> None:
    """Make the file, readable by its owner alone, and put it into WAL mode, which it then stays in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    deadline = time.monotonic() + busy_seconds
    while True:
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The switch does not wait for other connections as transactions do.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            connection.close()
