"""What indexes in memory follow: every change of an image is told once, in order, and none is ever skipped."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from safelight.errors import StoreError
from safelight.store import Database, Images, Store
from safelight.store.database import endings_of
from safelight.store.image_index import RECORD_BYTES, Changes
from safelight.store.tables import ImageRow

KEY = b"a ledger key of thirty-two bytes"
Known = dict[int, tuple[bytes | None, bytes | None]]


def bits_of(number: int) -> bytes:
    return bytes([0, 255, number, 128]) * 8  # zeros, and bytes that are no text


def mark_of(number: int) -> bytes:
    return bytes([255, number, 0]) * 4


async def add(images: Images, number: int, run_id: str = "r", **changes: object) -> None:
    fields = {"bits": bits_of(number), "mark": mark_of(number), "stamp": {}, "sha256": f"{number:064x}"}
    await images.add_image(image_id=f"i{number}", run_id=run_id, image=number, **{**fields, **changes})  # type: ignore[arg-type]


def told(changes: Changes) -> Known:
    """What the records say: fingerprint and mark by number."""
    found: Known = {}
    for start in range(0, len(changes.records), RECORD_BYTES):
        record = changes.records[start : start + RECORD_BYTES]
        flagged = int(record[44:], 16)
        found[flagged >> 2] = record[:32] if flagged & 2 else None, record[32:44] if flagged & 1 else None
    return found


async def test_each_change_is_told_once(store: Store) -> None:
    assert await store.images.changes() == Changes(0, 0, 0, b"")
    await add(store.images, 0)
    await add(store.images, 1, mark=None)
    await add(store.images, 1, mark=None)  # the same again is no change
    first = await store.images.changes()
    assert told(first) == {0: (bits_of(0), mark_of(0)), 1: (bits_of(1), None)}
    assert (first.upto, first.last, first.slots) == (2, 2, 2)
    assert (await store.images.changes(first.upto)).records == b""
    await add(store.images, 2)
    assert told(await store.images.changes(first.upto)) == {2: (bits_of(2), mark_of(2))}


async def test_what_no_index_holds_is_not_told(store: Store) -> None:
    await add(store.images, 0, bits=b"short", mark=b"short")
    await add(store.images, 1, algorithm="another")
    assert told(await store.images.changes()) == {0: (None, None), 1: (None, mark_of(1))}


async def test_many_changes_are_told_by_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.store.image_index._MOST", 3)
    for number in range(7):
        await add(store.images, number)
    found: Known = {}
    after = 0
    for upto in (3, 6, 7):
        page = await store.images.changes(after)
        assert (page.upto, page.last) == (upto, 7)
        found |= told(page)
        after = page.upto
    assert found == {number: (bits_of(number), mark_of(number)) for number in range(7)}


async def test_what_is_erased_or_taken_out_is_a_change(store: Store) -> None:
    await store.runs.create("r", brief={})
    for number in range(3):
        await add(store.images, number, run_id="r" if number else "other")
    await store.erase("r")
    changes = await store.images.changes(3)
    assert told(changes) == {1: (bits_of(1), None), 2: (bits_of(2), None)}
    assert await store.images.drop_lost("r", 1) == 1  # no finished stamp names it
    changes = await store.images.changes(changes.upto)
    assert told(changes) == {1: (None, None)}
    await add(store.images, 1)  # and comes back under its number
    again = await store.images.changes(changes.upto)
    assert told(again) == {1: (bits_of(1), mark_of(1))}
    assert told(await store.images.changes()) == {
        0: (bits_of(0), mark_of(0)),
        1: (bits_of(1), mark_of(1)),
        2: (bits_of(2), None),
    }


async def test_only_images_that_are_there_stand(store: Store) -> None:
    for number in range(3):
        await add(store.images, number)
    assert await store.images.standing([]) == {}
    assert {each.image_id for each in (await store.images.standing([0, 1, 2, 9])).values()} == {"i0", "i1", "i2"}

    def by_hand(connection: sa.Connection) -> None:
        connection.execute(sa.text("DELETE FROM images WHERE image_id = 'i0'"))
        connection.execute(sa.text("UPDATE images SET stamp = NULL WHERE image_id = 'i1'"))

    await store.db.write(by_hand)
    standing = await store.images.standing([0, 1, 2])
    assert {number: (each.image_id, each.mark) for number, each in standing.items()} == {
        1: ("i1", None),
        2: ("i2", mark_of(2)),
    }


async def test_an_erased_mark_is_in_no_file(sqlite: str, tmp_path: Path) -> None:
    mark = b"ZebraQuartzV"

    def holders() -> list[str]:
        return [path.name for path in tmp_path.rglob("*") if path.is_file() and mark in path.read_bytes()]

    async with Store.open(sqlite, (tmp_path / "blobs").as_uri(), KEY) as store:
        await store.runs.create("r", brief={})
        await add(store.images, 0, mark=mark)
        assert any("safelight.db" in name for name in holders())
        await store.erase("r")
        assert holders() == []


async def test_a_commit_that_comes_late_is_not_skipped(postgresql: str) -> None:
    """A transaction that got its number first and commits last: whoever comes later waits for it."""
    slow, quick = await Database.open(postgresql), await Database.open(postgresql)
    numbered, release = threading.Event(), threading.Event()

    def hold(_: sa.Connection) -> None:
        numbered.set()
        assert release.wait(20)

    def holding(connection: sa.Connection) -> None:
        endings_of(connection)["held"] = hold

    first = asyncio.gather(add(Images(slow, lambda: 0.0), 0), slow.write(holding))
    assert await asyncio.to_thread(numbered.wait, 20)
    second = asyncio.create_task(add(Images(quick, lambda: 0.0), 1))
    await asyncio.wait([second], timeout=0.5)
    early = await Images(quick, lambda: 0.0).changes()
    release.set()
    await asyncio.gather(first, second)
    late = await Images(quick, lambda: 0.0).changes(early.upto)
    assert [*told(early), *told(late)] == [0, 1]
    await slow.aclose()
    await quick.aclose()


async def test_a_write_that_fails_leaves_no_change(store: Store) -> None:
    await add(store.images, 0)
    outcomes = await asyncio.gather(
        add(store.images, 1), add(store.images, 0, sha256="f" * 64), add(store.images, 2), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [type(None), StoreError, type(None)]
    assert set(told(await store.images.changes())) == {0, 1, 2}


async def test_a_damaged_index_says_so(store: Store) -> None:
    await add(store.images, 0)
    await store.db.write(
        lambda connection: connection.execute(sa.text("UPDATE image_index_head SET changed = 0, slots = 0"))
    )
    with pytest.raises(StoreError):
        await add(store.images, 1)
    await store.db.write(
        lambda connection: connection.execute(
            sa.text("UPDATE image_index SET mark = :mark"), {"mark": b"of another length"}
        )
    )
    await store.db.write(lambda connection: connection.execute(sa.text("UPDATE image_index_head SET changed = 1")))
    with pytest.raises(StoreError, match="wrong length"):
        await store.images.changes()


async def test_images_of_an_older_version_are_indexed(url: str) -> None:
    stamps = [{"watermark": mark_of(0).hex()}, {"watermark": None}, None, {"watermark": "ff"}, {"watermark": "z" * 24}]
    many = 4100  # more than a page

    def to_second(connection: sa.Connection) -> None:
        row = {"run_id": "r", "image": 0, "sha256": "", "algorithm": "pdq", "created_at": datetime.now(UTC)}
        images = [
            {**row, "image_id": f"i{number:05}", "bits": bits_of(number % 256), "stamp": stamp}
            for number, stamp in enumerate(stamps + [{}] * (many - len(stamps)))
        ]
        images[-1] |= {"algorithm": "another", "stamp": {"watermark": mark_of(9).hex()}}
        connection.execute(sa.insert(ImageRow), images)
        connection.execute(sa.text("DROP TABLE image_index"))
        connection.execute(sa.text("DROP TABLE image_index_head"))
        connection.execute(sa.text("UPDATE safelight_schema SET version_num = '0002'"))

    database = await Database.open(url)
    await database.write(to_second)
    await database.aclose()
    database = await Database.open(url)
    images = Images(database, lambda: 0.0)
    expected: Known = {number: (bits_of(number % 256), None) for number in range(many)}
    expected |= {0: (bits_of(0), mark_of(0)), many - 1: (None, mark_of(9))}
    assert told(await images.changes()) == expected
    await add(images, 5)
    assert told(await images.changes(many)) == {many: (bits_of(5), mark_of(5))}
    await database.aclose()
