"""The schema that migrations make, the databases that cannot be used, and writes that share a commit."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from safelight.errors import ConfigError, StoreError
from safelight.store import Database, Store, migrations
from safelight.store.migrations import HEAD, VERSION_TABLE
from safelight.store.tables import Table

KEY = b"a ledger key of thirty-two bytes"


async def test_migrations_make_what_the_models_say(url: str) -> None:
    database = await Database.open(url)

    def differences(connection: sa.Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE}
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata)
        return found

    assert await database.write(differences) == []
    await database.aclose()


def test_the_newest_migration_is_the_one_that_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_a_newer_schema_is_left_alone(url: str) -> None:
    database = await Database.open(url)
    await database.write(
        lambda connection: connection.execute(sa.text("UPDATE safelight_schema SET version_num = '9999'"))
    )
    await database.aclose()
    with pytest.raises(StoreError, match=r"newer version \(schema 9999.* upgrade Safelight"):
        await Database.open(url)


async def test_opened_at_once_it_is_made_once(url: str) -> None:
    databases = await asyncio.gather(*(Database.open(url) for _ in range(6)))
    tables = await databases[0].read(lambda connection: set(sa.inspect(connection).get_table_names()))
    assert tables == {*Table.metadata.tables, VERSION_TABLE}
    for database in databases:
        await database.aclose()


async def test_sqlite_is_durable_and_private(sqlite: str, tmp_path: Path) -> None:
    database = await Database.open(sqlite)

    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.read(pragmas) == ["wal", 2, 1, 1]
    assert await database.write(pragmas) == ["wal", 2, 1, 1]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "data").iterdir())
    await database.aclose()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/db", "not supported"),
        ("no url at all", "cannot be read"),
        ("postgresql://host:notaport/db", "cannot be read"),
    ],
)
async def test_an_address_that_cannot_work_is_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        await Database.open(url)


@pytest.mark.parametrize(
    "content", [b"this is no database, and long enough to be taken for one" * 40, b"SQLite format 3\0" + b"\xff" * 4096]
)
async def test_a_damaged_database_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "safelight.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"safelight.db .* (backup|check)") as error:
        await Database.open(f"sqlite:///{path}")
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content  # left for whoever can still save something


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="check the folder and its permissions"):
        await Database.open(f"sqlite:///{tmp_path / 'file' / 'safelight.db'}")
    with pytest.raises(StoreError, match="check the folder and its permissions"):
        await Database.open(f"sqlite:///{tmp_path}")  # a folder is no database


async def test_a_server_that_does_not_answer_is_one_clear_line_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="does not answer") as error:
        await Database.open("postgresql://someone:hunter2@127.0.0.1:9/safelight")
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


async def test_a_server_that_does_not_know_us_is_one_clear_line(server: str) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        await Database.open(server.replace("/test", "/no_such_database"))


async def test_a_file_that_another_process_holds_is_waited_for_and_then_reported(sqlite: str) -> None:
    database = await Database.open(sqlite, busy_seconds=0.2)
    with sqlite3.connect(database.place) as hand:
        hand.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds it"):
            await database.write(lambda connection: connection.execute(sa.text("DELETE FROM runs")))
        hand.rollback()
    await database.write(lambda connection: connection.execute(sa.text("DELETE FROM runs")))
    await database.aclose()


def add(name: str, reason: str = ""):  # type: ignore[no-untyped-def]
    query = sa.text("INSERT INTO accounts (id, created_at, suspended_for) VALUES (:id, '2026-01-01', :reason)")
    return lambda connection: connection.execute(query, {"id": name, "reason": json.dumps(reason)}).rowcount


async def test_of_writes_that_share_a_commit_only_the_bad_one_fails(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.db.write(add(name)) for name in ("a", "b", "a", "c")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [int, int, StoreError, int]
    names = await store.db.read(
        lambda connection: connection.execute(sa.text("SELECT id FROM accounts")).scalars().all()
    )
    assert sorted(names) == ["a", "b", "c"]


async def test_those_who_wait_for_the_same_lock_wait_once(sqlite: str) -> None:
    database = await Database.open(sqlite, busy_seconds=0.3)
    with sqlite3.connect(database.place) as hand:
        hand.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        outcomes = await asyncio.gather(*(database.write(add(f"{n}")) for n in range(40)), return_exceptions=True)
        assert time.monotonic() - begun < 5
        hand.rollback()
    assert {type(outcome) for outcome in outcomes} == {StoreError}
    await database.aclose()


@pytest.mark.parametrize("brief", [{"n": float("nan")}, {"n": b"bytes"}, {"n": {1, 2}}])
async def test_what_cannot_be_kept_is_one_clear_line(store: Store, brief: dict[str, object]) -> None:
    with pytest.raises(StoreError) as error:
        await store.runs.create("r1", brief=brief)
    assert "INSERT" not in str(error.value)
    assert await store.runs.recent() == []


@pytest.mark.parametrize("name", ["\ud800", "a \0 b"])
async def test_a_name_that_a_database_cannot_hold_is_a_store_error_or_kept(store: Store, name: str) -> None:
    try:
        await store.runs.create(name, brief={})
    except StoreError:
        assert await store.runs.recent() == []
    else:
        assert [run.id for run in await store.runs.recent()] == [name]
    await store.effects.begin("r1", "generate", "k")
    await store.effects.fail("r1", "generate", "k", f"a message with {name}")
    await store.ledger.verify()


async def test_a_deadlock_is_tried_again(postgresql: str) -> None:
    """Two processes that take the same two rows in opposite order: PostgreSQL stops one, and it goes again."""
    one, other = await Database.open(postgresql), await Database.open(postgresql)
    for name in "ab":
        await one.write(add(name))

    def suspend(names: str):  # type: ignore[no-untyped-def]
        def work(connection: sa.Connection) -> str:
            for name in names:
                connection.execute(sa.text("UPDATE accounts SET suspended_at = now() WHERE id = :id"), {"id": name})
                time.sleep(0.2)
            return names

        return work

    assert await asyncio.gather(one.write(suspend("ab")), other.write(suspend("ba"))) == ["ab", "ba"]
    await one.aclose()
    await other.aclose()


async def test_an_error_names_no_values(store: Store) -> None:
    """What a person wrote does not leak into logs by way of a failed statement."""
    await store.db.write(add("once"))
    with pytest.raises(StoreError) as error:
        await store.db.write(add("once", "secret words"))
    assert "secret words" not in str(error.value)


async def test_a_reader_sees_one_moment(store: Store) -> None:
    """A snapshot: what is committed during a read is not seen by it."""
    await store.db.write(add("first"))
    loop = asyncio.get_running_loop()
    count = sa.text("SELECT count(*) FROM accounts")

    def twice(connection: sa.Connection) -> tuple[int, int]:
        before = connection.execute(count).scalar_one()
        asyncio.run_coroutine_threadsafe(store.db.write(add("second")), loop).result(10)
        return before, connection.execute(count).scalar_one()

    assert await store.db.read(twice) == (1, 1)


async def test_a_closed_store_says_so(url: str) -> None:
    async with Store.open(url, "memory://", KEY) as store:
        pass
    for attempt in (store.ledger.append("delivery"), store.runs.get("r")):
        with pytest.raises(StoreError, match="closed"):
            await attempt


async def test_closing_waits_for_what_was_asked(url: str) -> None:
    async with Store.open(url, "memory://", KEY) as store:
        writes = [asyncio.create_task(store.ledger.append("delivery")) for _ in range(20)]
        await asyncio.sleep(0)
    assert sorted(entry.seq for entry in await asyncio.gather(*writes)) == list(range(2, 22))


async def test_a_store_in_memory_works_too() -> None:
    async with Store.open("sqlite://", "memory://", KEY) as store:
        await asyncio.gather(*(store.runs.create(f"r{number}", brief={}) for number in range(8)))
        assert len(await store.runs.recent()) == 8
        assert (await store.ledger.verify()).entries == 1


FILLER = """
import asyncio, resource, sys
from safelight.errors import StoreError
from safelight.store import Store

async def main():
    async with Store.open(sys.argv[1], "memory://", b"a ledger key of thirty-two bytes") as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        try:
            for number in range(10_000):
                await store.runs.create(f"r{number}", brief={"prompt": "x" * 50_000})
        except StoreError as error:
            print(error)
            print(len(await store.runs.recent(limit=10_000)))

asyncio.run(main())
"""


async def test_a_full_disk_is_one_clear_line_and_loses_nothing(sqlite: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", FILLER, sqlite], check=True, capture_output=True, text=True
    )
    message, kept = done.stdout.strip().splitlines()
    assert "make room" in message
    async with Store.open(sqlite, "memory://", KEY) as store:
        assert len(await store.runs.recent(limit=10_000)) == int(kept) > 5
        await store.ledger.append("delivery")
        await store.ledger.verify()
