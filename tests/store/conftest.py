"""Real databases for the store's tests: a SQLite file, and a PostgreSQL schema where a server is reachable."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from safelight.store import Store

SERVER = os.environ.get("SAFELIGHT_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
KEY = b"a ledger key of thirty-two bytes"


class Clock:
    """Time that moves only when it is told to; seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def server() -> str:
    psycopg = pytest.importorskip("psycopg", reason="PostgreSQL's driver is not installed")
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL server at {SERVER}: {error}")
    return SERVER


@pytest.fixture
def postgresql(server: str) -> Iterator[str]:
    """The URL of an empty schema, dropped afterwards."""
    import psycopg

    schema = f"safelight_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{server}?options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'data' / 'safelight.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A new database, of each kind in turn."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def store(url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with Store.open(url, (tmp_path / "blobs").as_uri(), KEY, clock=clock) as opened:
        yield opened
