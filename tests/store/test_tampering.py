"""The ledger under attack: whatever is done to it is found, placed and named.

Each example copies a genuine ledger, lays hands on the copy as somebody with full access to the database would, and
verifies it.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.errors import LedgerBroken
from safelight.store import Record, Store
from safelight.store.anchor import Anchor
from safelight.store.audit import Audit, audit
from safelight.store.chain import Head, Seal, digest

KEY = b"a ledger key of thirty-two bytes"
LENGTH = 24
COLUMNS = ("at", "kind", "run_id", "payload", "previous", "hash", "key_id", "mac")
Row = dict[str, Any]


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 24 entries."""
    import asyncio

    folder = tmp_path_factory.mktemp("genuine")

    async def fill() -> None:
        async with Store.open(f"sqlite:///{folder / 'ledger.db'}", "memory://", KEY) as store:
            records = [Record("verdict", f"run-{number % 3}", {"number": number}) for number in range(LENGTH - 1)]
            await store.ledger.append_all(records)

    asyncio.run(fill())
    return folder / "ledger.db"


@contextmanager
def copied(genuine: Path) -> Iterator[sqlite3.Connection]:
    """A private copy in memory: hypothesis tries hundreds."""
    with closing(sqlite3.connect(genuine)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        yield copy


def rows_of(copy: sqlite3.Connection) -> list[Row]:
    cursor = copy.execute("SELECT * FROM ledger ORDER BY seq")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def put_back(copy: sqlite3.Connection, rows: list[Row], *, renumber: bool = False) -> None:
    copy.execute("DELETE FROM ledger")
    for number, row in enumerate(rows, 1):
        values = {**row, "seq": number} if renumber else row
        names, marks = ",".join(values), ",".join("?" * len(values))
        copy.execute(f"INSERT INTO ledger ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our names
    copy.commit()


def verify(copy: sqlite3.Connection, anchored: Head | None = None, seal: Seal | None = None) -> Audit:
    engine = sa.create_engine("sqlite://", creator=lambda: copy, poolclass=sa.pool.StaticPool)
    with engine.connect() as connection:
        return audit(connection, seal or Seal(KEY), anchored)


def found(copy: sqlite3.Connection, **options: Any) -> tuple[str, int]:
    with pytest.raises(LedgerBroken) as broken:
        verify(copy, **options)
    assert f"Entry {broken.value.entry} " in str(broken.value)
    return broken.value.fault, broken.value.entry


def forged(row: Row) -> Row:
    """The row with its hash put right, as far as that goes without the key."""
    hashed = digest(row["previous"], row["seq"], row["at"], row["kind"], row["run_id"], row["payload"])
    return {**row, "hash": hashed}


places = st.integers(1, LENGTH)


def test_an_untouched_ledger_verifies(genuine: Path) -> None:
    with copied(genuine) as copy:
        report = verify(copy)
    assert (report.entries, report.anchored) == (LENGTH, 0)


@given(places, st.sampled_from(COLUMNS), st.data())
def test_an_edit_is_found(genuine: Path, seq: int, column: str, data: st.DataObject) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        old = rows[seq - 1][column]
        new = data.draw(
            (st.binary() if isinstance(old, bytes) else st.text(st.characters(codec="utf-8"))).filter(
                lambda it: it != old
            )
        )
        rows[seq - 1][column] = new
        put_back(copy, rows)
        fault, entry = found(copy)
    assert entry == seq
    assert fault == ("key" if column == "key_id" else "edit")


@given(places, st.sampled_from(["at", "kind", "run_id", "payload"]))
def test_an_edit_with_every_later_hash_put_right_is_found(genuine: Path, seq: int, column: str) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        rows[seq - 1][column] += " "
        for number in range(seq - 1, LENGTH):
            if number >= seq:
                rows[number]["previous"] = rows[number - 1]["hash"]
            rows[number] = forged(rows[number])
        put_back(copy, rows)
        copy.execute("UPDATE ledger_head SET hash = ?", (rows[-1]["hash"],))
        copy.commit()
        assert found(copy) == ("edit", seq)


@given(st.integers(1, LENGTH - 1), st.integers(1, 5), st.booleans())
def test_a_deletion_is_found(genuine: Path, first: int, count: int, renumber: bool) -> None:
    last = min(first + count - 1, LENGTH - 1)
    with copied(genuine) as copy:
        rows = rows_of(copy)
        put_back(copy, rows[: first - 1] + rows[last:], renumber=renumber)
        assert found(copy) == ("deletion", first)


@given(places)
def test_a_truncation_is_found(genuine: Path, first: int) -> None:
    with copied(genuine) as copy:
        put_back(copy, rows_of(copy)[: first - 1])
        assert found(copy) == ("truncation", first)


@given(places, st.booleans())
def test_a_truncation_with_a_forged_head_is_found(genuine: Path, kept: int, own_signature: bool) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)[:kept]
        put_back(copy, rows)
        last = rows[-1]
        # The entry's own signature is the best that one finds without the key; it is no signature of a head.
        mac = last["mac"] if own_signature else None
        copy.execute(
            "UPDATE ledger_head SET seq = ?, hash = ?, mac = coalesce(?, mac)", (last["seq"], last["hash"], mac)
        )
        copy.commit()
        if kept == LENGTH and not own_signature:
            assert verify(copy).entries == LENGTH
        else:
            assert found(copy) == ("head", kept)


@given(places, places)
def test_a_swap_is_found(genuine: Path, one: int, other: int) -> None:
    if one == other:
        return
    with copied(genuine) as copy:
        rows = rows_of(copy)
        rows[one - 1], rows[other - 1] = rows[other - 1], rows[one - 1]
        put_back(copy, rows, renumber=True)
        assert found(copy) == ("reordering", min(one, other))


@given(places, places)
def test_a_move_is_found(genuine: Path, origin: int, place: int) -> None:
    if origin == place:
        return
    with copied(genuine) as copy:
        rows = rows_of(copy)
        rows.insert(place - 1, rows.pop(origin - 1))
        put_back(copy, rows, renumber=True)
        assert found(copy) == ("reordering", min(origin, place))


@given(places, st.booleans())
def test_an_insertion_is_found(genuine: Path, place: int, hashed: bool) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        made_up = {**rows[place - 1], "seq": place, "kind": "verdict", "payload": json.dumps({"decision": "allow"})}
        rows.insert(place - 1, forged(made_up) if hashed else made_up)
        put_back(copy, rows, renumber=True)
        assert found(copy) == ("insertion", place)


@given(places, places)
def test_an_inserted_copy_of_a_genuine_entry_is_found(genuine: Path, origin: int, place: int) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        rows.insert(place - 1, dict(rows[origin - 1]))
        put_back(copy, rows, renumber=True)
        # A copy put right before the entry that it is of cannot be told from it: the second of the two is the copy.
        assert found(copy) == ("insertion", place + (origin == place))


@given(st.integers(1, 5), st.booleans())
def test_entries_after_the_end_are_found(genuine: Path, gap: int, copy_of_last: bool) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        row = {**rows[-1], "seq": LENGTH + gap}
        put_back(copy, [*rows, row if copy_of_last else forged({**row, "previous": rows[-1]["hash"]})])
        fault, entry = found(copy)
    assert (fault, entry) == (("insertion", LENGTH + 1))


@pytest.mark.parametrize("seq", [0, -7])
def test_an_entry_before_the_beginning_is_found(genuine: Path, seq: int) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        put_back(copy, [{**rows[0], "seq": seq}, *rows])
        assert found(copy) == ("insertion", seq)


@pytest.mark.parametrize("column", ["seq", "hash", "key_id", "mac"])
def test_an_edited_head_is_found(genuine: Path, column: str) -> None:
    value: object = LENGTH - 1 if column == "seq" else ("0" * 16 if column == "key_id" else bytes(32))
    with copied(genuine) as copy:
        copy.execute(f"UPDATE ledger_head SET {column} = ?", (value,))  # noqa: S608 - our names
        copy.commit()
        assert found(copy) == ("key" if column == "key_id" else "head", LENGTH)


def test_a_removed_head_is_found(genuine: Path) -> None:
    with copied(genuine) as copy:
        copy.execute("DELETE FROM ledger_head")
        copy.commit()
        assert found(copy) == ("head", LENGTH)


def test_removing_everything_is_found(genuine: Path) -> None:
    with copied(genuine) as copy:
        copy.execute("DELETE FROM ledger_head")
        copy.execute("DELETE FROM ledger")
        copy.commit()
        assert found(copy) == ("truncation", 1)


def test_the_wrong_key_is_told_from_a_forgery(genuine: Path) -> None:
    with copied(genuine) as copy:
        assert found(copy, seal=Seal(bytes(32))) == ("key", 1)


def test_a_rotated_key_verifies_what_the_one_before_it_signed(genuine: Path) -> None:
    with copied(genuine) as copy:
        assert verify(copy, seal=Seal(bytes(32), {"k1": KEY})).entries == LENGTH


def test_an_old_copy_of_everything_verifies_by_itself_but_not_against_the_anchor(genuine: Path, tmp_path: Path) -> None:
    """What remains at risk, said as a test: whoever can put back a whole old database needs an anchor to be caught."""
    seal = Seal(KEY)
    with copied(genuine) as copy:
        rows = rows_of(copy)
        put_back(copy, rows[:10])
        old = seal.head(10, rows[9]["hash"])  # the genuine head of that time, from a backup
        copy.execute("UPDATE ledger_head SET seq = ?, hash = ?, mac = ?", (10, old.hash, old.mac))
        copy.commit()
        assert verify(copy).entries == 10
        anchor = Anchor(tmp_path / "anchor.json", seal)
        anchor.note(seal.head(LENGTH, rows[-1]["hash"]))
        assert found(copy, anchored=anchor.read()) == ("truncation", 11)


def test_two_genuine_histories_are_not_spliced(genuine: Path) -> None:
    """The end of one history behind the beginning of another: every signature holds, and the seam is found."""
    seal = Seal(KEY)
    with copied(genuine) as copy:
        rows = rows_of(copy)
        for number in range(9, 12):  # signed entries that another branch of the ledger had in these places
            previous = rows[number - 1]["hash"]
            entry = seal.entry(previous, number + 1, rows[number]["at"], "verdict", "elsewhere", "{}")
            rows[number] = vars(entry)
        put_back(copy, rows)
        assert found(copy) == ("insertion", 13)


def test_another_history_is_found_by_the_anchor(genuine: Path) -> None:
    seal = Seal(KEY)
    with copied(genuine) as copy:
        assert verify(copy, anchored=seal.head(12, rows_of(copy)[11]["hash"])).anchored == 12
        assert found(copy, anchored=seal.head(12, bytes(32))) == ("anchor", 12)


@given(st.binary(max_size=64), st.integers(-(2**63), 2**63 - 1), st.lists(st.text(), min_size=4, max_size=4))
def test_no_two_entries_share_an_encoding(previous: bytes, seq: int, texts: list[str]) -> None:
    at, kind, run_id, payload = texts
    moved = (kind[:1], kind[1:] + run_id)
    if (kind, run_id) != moved:
        assert digest(previous, seq, at, kind, run_id, payload) != digest(previous, seq, at, *moved, payload)


@settings(max_examples=20)
@given(st.sampled_from(COLUMNS), st.sampled_from([None, 0, 1.5, b"", struct.pack(">d", 1.0)]))
def test_values_of_the_wrong_type_are_an_edit_not_a_crash(genuine: Path, column: str, value: object) -> None:
    with copied(genuine) as copy:
        rows = rows_of(copy)
        copy.execute("CREATE TABLE loose AS SELECT * FROM ledger")  # a table without types or constraints
        copy.execute("DROP TABLE ledger")
        copy.execute("ALTER TABLE loose RENAME TO ledger")
        rows[4][column] = value
        put_back(copy, rows)
        assert found(copy)[1] == 5
