"""What goes into the ledger, in which order, and what keeps entries out."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from safelight.errors import ConfigError, LedgerBroken, StoreError
from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Content, ImagePart, Stage, TextPart
from safelight.safety.guard import Recorder
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.store import KeyRing, Record, Store

KEY = b"a ledger key of thirty-two bytes"
SECRET = "the words that nobody but the run may keep"


def verdict(decision: Decision = Decision.ALLOW) -> Verdict:
    finding = Finding(
        policy="hate", category="slur", score=0.25, decision=decision, moderator="words", evidence=f"“{SECRET}”"
    )
    return Verdict(decision=decision, findings=(finding,), policy_version="p1", reason=SECRET, seconds=0.5)


async def test_entries_link_to_each_other(store: Store) -> None:
    one = await store.ledger.append("delivery", run_id="r1", payload={"images": ["sha256:00"]})
    two, three = await store.ledger.append_all([Record("refusal", "r2"), Record("erased", "r2", {"b": 1, "a": 2.0})])
    assert [entry.seq for entry in (one, two, three)] == [2, 3, 4]
    assert (two.previous, three.previous) == (one.hash, two.hash)
    assert three.payload == '{"a":2,"b":1}'
    assert one.data == {"images": ["sha256:00"]}
    report = await store.ledger.verify()
    assert (report.entries, report.head) == (4, three.hash.hex())
    assert [entry.kind for entry in await store.ledger.entries()] == ["ledger.begun", "delivery", "refusal", "erased"]
    assert [entry.seq for entry in await store.ledger.entries(run_id="r2", after=3)] == [4]


async def test_nothing_appended_is_nothing_changed(store: Store) -> None:
    assert await store.ledger.append_all([]) == []
    assert (await store.ledger.verify()).entries == 1


async def test_appends_at_once_are_one_chain(store: Store) -> None:
    entries = await asyncio.gather(
        *(store.ledger.append("effect", run_id=f"r{n}", payload={"n": n}) for n in range(60))
    )
    assert sorted(entry.seq for entry in entries) == list(range(2, 62))
    assert all(entry.data == {"n": number} for number, entry in enumerate(entries))
    assert (await store.ledger.verify()).entries == 61


async def test_a_bad_record_harms_no_neighbor(store: Store) -> None:
    outcomes = await asyncio.gather(
        store.ledger.append("effect", payload={"n": 1}),
        store.ledger.append("effect", payload={"n": float("nan")}),
        store.ledger.append("effect", payload={"n": 3}),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], StoreError)
    assert "no JSON form" in str(outcomes[1])
    assert [entry.data for entry in await store.ledger.entries(after=1)] == [{"n": 1}, {"n": 3}]
    assert (await store.ledger.verify()).entries == 3


async def test_a_cancelled_caller_leaves_its_entry(store: Store) -> None:
    task = asyncio.create_task(store.ledger.append("effect"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.ledger.append("delivery")
    assert [entry.kind for entry in await store.ledger.entries(after=1)] == ["effect", "delivery"]


async def test_the_ledger_goes_on_where_it_ended(url: str, tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        async with Store.open(url, "memory://", KEY, anchor=tmp_path / "anchor.json") as store:
            assert (await store.ledger.verify()).entries == expected
            await store.ledger.append("delivery")
    async with Store.open(url, "memory://", KEY, anchor=tmp_path / "anchor.json") as store:
        assert (await store.ledger.verify()).anchored == 4


async def test_another_key_does_not_open_it(url: str) -> None:
    async with Store.open(url, "memory://", KEY):
        pass
    with pytest.raises(StoreError, match=r"another key .* keys folder"):
        async with Store.open(url, "memory://", bytes(32)):
            pass


async def test_a_rotated_key_goes_on(sqlite: str, tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path / "keys")
    for number in range(3):
        async with Store.open(sqlite, "memory://", ring.get("ledger")) as store:
            await store.ledger.append("delivery")
            assert (await store.ledger.verify()).entries == 2 + number
            assert len({entry.key_id for entry in await store.ledger.entries()}) == number + 1
        ring.rotate("ledger")


@pytest.mark.parametrize("harm", ["DELETE FROM ledger_head", "UPDATE ledger_head SET mac = x'00'"])
async def test_nothing_is_appended_to_a_chain_without_a_genuine_head(sqlite: str, harm: str) -> None:
    async with Store.open(sqlite, "memory://", KEY) as store:
        await store.ledger.append("delivery")
        with sqlite3.connect(store.db.place) as hand:
            hand.execute(harm)
        with pytest.raises(LedgerBroken, match="audit verify"):
            await store.ledger.append("delivery")
    async with Store.open(sqlite, "memory://", KEY) as store:  # it opens, so that it can be examined
        with pytest.raises(LedgerBroken):
            await store.ledger.verify()
        with pytest.raises(LedgerBroken):
            await store.ledger.append("delivery")


async def test_an_emptied_ledger_does_not_start_anew_beside_its_anchor(sqlite: str, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
        await store.ledger.append("delivery")
        place = store.db.place
    with sqlite3.connect(place) as hand:
        hand.execute("DELETE FROM ledger")
        hand.execute("DELETE FROM ledger_head")
    async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
        with pytest.raises(LedgerBroken, match="truncation"):
            await store.ledger.verify()
        with pytest.raises(LedgerBroken):
            await store.ledger.append("delivery")


async def test_an_anchor_that_cannot_be_written_is_an_error(sqlite: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with Store.open(sqlite, "memory://", KEY, anchor=tmp_path / "file" / "anchor.json") as store:
        with pytest.raises(StoreError, match="anchor"):
            await store.ledger.append("delivery")
    (tmp_path / "file").unlink()
    async with Store.open(sqlite, "memory://", KEY, anchor=tmp_path / "file" / "anchor.json") as store:
        await store.ledger.append("delivery")
        assert (await store.ledger.verify()).anchored == 3


async def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="fewer than 32 bytes"):
        async with Store.open("sqlite://", "memory://", b"short"):
            pass


async def test_an_old_copy_does_not_outgrow_the_anchor(sqlite: str, tmp_path: Path) -> None:
    """A ledger that was put back and went on to be longer than before does not talk its way past the anchor."""
    anchor, backup = tmp_path / "anchor.json", tmp_path / "backup.db"
    async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
        place = Path(store.db.place)
        await store.ledger.append("delivery")
    shutil.copy(place, backup)
    async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
        await store.ledger.append_all([Record("refusal")] * 3)
    shutil.copy(backup, place)
    for _ in range(2):
        async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
            await store.ledger.append_all([Record("delivery")] * 5)
            with pytest.raises(LedgerBroken, match="anchored"):
                await store.ledger.verify()


@pytest.mark.parametrize("text", ["", "{}", '{"seq": 9, "hash": "00", "key_id": "x", "mac": "00"}', "\xff"])
async def test_a_damaged_or_forged_anchor_is_found(sqlite: str, tmp_path: Path, text: str) -> None:
    anchor = tmp_path / "anchor.json"
    async with Store.open(sqlite, "memory://", KEY, anchor=anchor) as store:
        anchor.write_text(text, "latin-1")
        with pytest.raises(LedgerBroken, match="anchor") as broken:
            await store.ledger.verify()
        assert broken.value.fault == "anchor"
        await store.ledger.append("delivery")  # the chain itself is sound


async def test_the_recorder_is_one_that_guards_accept_and_writes_no_words(store: Store) -> None:
    recorder: Recorder = store.recorder
    content = Content(Stage.GENERATOR_INPUT, (TextPart(SECRET), ImagePart(b"an image")))
    office = ClearanceOffice({"k1": bytes(32)}, "k1", "p1")
    clearance = office.issue(content, verdict().model_copy(update={"findings": ()}), run_id="r1")
    await recorder.verdict(run_id="r1", content=content, verdict=verdict(Decision.BLOCK), clearance=clearance)
    await recorder.effect(run_id="r1", name="generate", digest=content.digest)

    given, cleared, ran = await store.ledger.entries(run_id="r1")
    veiled = await store.recorder.veiled("r1", content.digest)
    assert given.data == {
        "stage": "generator_input", "decision": "block", "policies": ["hate"], "failed": False,
        "policy_version": "p1", "content": veiled,
    }  # fmt: skip
    assert cleared.data["nonce"] == clearance.nonce.hex()
    assert ran.data == {"name": "generate", "content": veiled}
    text = "".join(entry.payload for entry in (given, cleared, ran))
    assert SECRET not in text
    assert content.digest.hex() not in text  # a digest of a short text can be guessed
    assert clearance.mac.hex() not in text


async def test_the_same_content_looks_different_in_every_run(store: Store) -> None:
    digest = bytes(32)
    for run_id in ("r1", "r2"):
        await store.recorder.effect(run_id=run_id, name="search", digest=digest)
        await store.recorder.effect(run_id=run_id, name="search", digest=digest.hex())
    one, again, other, _ = [entry.data["content"] for entry in await store.ledger.entries(after=1)]
    assert one == again != other
    assert await store.recorder.veiled("r3", digest) is None


async def test_recording_costs_little_when_much_is_recorded(store: Store) -> None:
    """One commit serves all who wait: sixty verdicts make a handful of transactions."""
    content = Content.of_text(Stage.PROMPT, "a vaccine, step by step")
    commits = 0
    transaction = store.db._transaction

    def counted(work):  # type: ignore[no-untyped-def]
        nonlocal commits
        commits += 1
        return transaction(work)

    store.db._transaction = counted  # type: ignore[method-assign]
    await asyncio.gather(*(store.recorder.verdict(run_id="r1", content=content, verdict=verdict()) for _ in range(60)))
    assert commits <= 3
    assert (await store.ledger.verify()).entries == 61
