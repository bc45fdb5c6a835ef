"""Runs, their events, their images and who asked for them come back as they were kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from safelight.errors import StoreError
from safelight.events import Delivered, Thinking
from safelight.store import Store, pseudonym

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
NASTY = "a \0 NUL, a lone surrogate \ud800, \u202e and 漢字"


def thought(seq: int, text: str = "…", run_id: str = "r1") -> Thinking:
    return Thinking(run_id=run_id, seq=seq, at=AT + timedelta(seconds=seq), text=text)


async def test_a_run_comes_back_as_it_was_kept(store: Store) -> None:
    made = await store.runs.create("r1", mode="thinking", brief={"prompt": NASTY, "n": 4}, account="a1")
    assert await store.runs.get("r1") == made
    assert (made.status, made.cost, made.result, made.erased_at) == ("running", 0.0, None, None)
    await store.runs.update("r1", status="delivered", result={"images": [NASTY]}, cost=0.04)
    kept = await store.runs.get("r1")
    assert kept is not None
    assert (kept.status, kept.result, kept.cost) == ("delivered", {"images": [NASTY]}, 0.04)
    assert kept.brief == made.brief
    assert kept.created_at == made.created_at < kept.updated_at
    await store.runs.update("r1", status="running", result=None)
    again = await store.runs.get("r1")
    assert again is not None
    assert (again.result, again.cost) == (None, 0.04)


async def test_runs_that_are_not_there(store: Store) -> None:
    assert await store.runs.get("r1") is None
    with pytest.raises(StoreError, match="no run r1"):
        await store.runs.update("r1", status="failed")
    with pytest.raises(StoreError, match="no run r1"):
        await store.runs.append_event(thought(0))


async def test_a_run_is_created_once(store: Store) -> None:
    await store.runs.create("r1", brief={})
    with pytest.raises(StoreError, match="already"):
        await store.runs.create("r1", brief={"prompt": "another"})


async def test_runs_are_listed_newest_first_a_page_at_a_time(store: Store) -> None:
    for number in range(7):
        await store.runs.create(f"r{number}", brief={}, account="even" if number % 2 == 0 else "odd")
    await store.runs.update("r3", status="refused")
    first = await store.runs.recent(limit=3)
    assert [run.id for run in first] == ["r6", "r5", "r4"]
    assert [run.id for run in await store.runs.recent(before=first[-1])] == ["r3", "r2", "r1", "r0"]
    assert [run.id for run in await store.runs.recent(account="odd")] == ["r5", "r3", "r1"]
    assert [run.id for run in await store.runs.recent(status="refused")] == ["r3"]


async def test_runs_of_the_same_moment_are_all_listed(store: Store, clock: object) -> None:
    for number in range(5):
        clock.now = 1_800_000_000.0  # type: ignore[attr-defined]
        await store.runs.create(f"r{number}", brief={})
    seen, last = [], None
    while page := await store.runs.recent(limit=2, before=last):
        seen += [run.id for run in page]
        last = page[-1]
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


async def test_events_are_replayed_from_where_one_was(store: Store) -> None:
    await store.runs.create("r1", brief={})
    await store.runs.append_event(thought(0, NASTY))
    await store.runs.add_events("r1", [thought(1), Delivered(run_id="r1", seq=2, at=AT, images=("sha256:00", None))])
    events = await store.runs.events("r1")
    assert [event.seq for event in events] == [0, 1, 2]
    assert events[0] == thought(0, NASTY)
    assert events[2] == Delivered(run_id="r1", seq=2, at=AT, images=("sha256:00", None))
    assert [event.seq for event in await store.runs.events("r1", after=0, limit=1)] == [1]
    assert await store.runs.next_seq("r1") == 3
    assert await store.runs.next_seq("r2") == 0


async def test_an_event_has_its_number_alone(store: Store) -> None:
    await store.runs.create("r1", brief={})
    await store.runs.append_event(thought(0))
    with pytest.raises(StoreError, match=r"Event 0 .* taken"):
        await store.runs.add_events("r1", [thought(1), thought(0, "another")])
    assert await store.runs.events("r1") == [thought(0)]  # all or none
    with pytest.raises(StoreError, match="another run"):
        await store.runs.add_events("r1", [thought(1, run_id="r2")])


async def test_images_are_found_by_each_of_their_names(store: Store) -> None:
    facts = {"run_id": "r1", "sha256": "ab" * 32, "bits": bytes(range(32))}
    whole = await store.images.add_image(
        image_id="i1", image=1, thumbnail=b"thumb", manifest=b"jumbf", stamp={"notes": [NASTY]}, **facts
    )
    await store.images.add_image(image_id="i0", run_id="r1", image=0, sha256="cd" * 32, bits=bytes(32))
    assert await store.images.by_image_id("i1") == whole
    assert await store.images.by_sha256("ab" * 32) == whole
    assert [record.image for record in await store.images.by_run("r1")] == [0, 1]
    assert (whole.ref, whole.algorithm) == ("sha256:" + "ab" * 32, "pdq")
    assert await store.images.by_image_id("i2") is None
    assert await store.images.by_sha256("00" * 32) is None

    assert await store.images.add_image(image_id="i1", image=1, **facts) == whole
    with pytest.raises(StoreError, match="taken by another"):
        await store.images.add_image(image_id="i1", image=1, **{**facts, "sha256": "ef" * 32})


async def test_accounts_are_suspended_and_restored(store: Store) -> None:
    made = await store.accounts.ensure("a1")
    assert not made.suspended
    assert await store.accounts.ensure("a1") == made
    await store.accounts.suspend("a1", "a reviewer's reason")
    suspended = await store.accounts.ensure("a1")
    assert suspended.suspended
    assert suspended.suspended_for == "a reviewer's reason"
    await store.accounts.restore("a1")
    assert await store.accounts.ensure("a1") == made
    with pytest.raises(StoreError, match="no account"):
        await store.accounts.suspend("a2", "")


async def test_a_suspended_account_has_no_key_that_opens_anything(store: Store) -> None:
    keys = {}
    for account in ("a1", "a2"):
        await store.accounts.ensure(account)
        keys[account] = await store.api_keys.create(account, "of a test", scopes=("generate",))
    await store.accounts.suspend("a1", "a reviewer's reason")
    for account, opens in (("a1", False), ("a2", True)):
        text, key = keys[account]
        assert (await store.api_keys.find(text) is not None) == opens
        assert (await store.api_keys.get(key.id) is not None) == opens
    assert {key.account for key in await store.api_keys.all()} == {"a1", "a2"}
    await store.accounts.restore("a1")
    assert await store.api_keys.find(keys["a1"][0]) == keys["a1"][1]


def test_a_pseudonym_needs_its_key() -> None:
    assert pseudonym(b"k" * 32, "ann") == pseudonym(b"k" * 32, "ann")
    assert len({pseudonym(key, name) for key in (b"k" * 32, b"l" * 32) for name in ("ann", "bob")}) == 4
