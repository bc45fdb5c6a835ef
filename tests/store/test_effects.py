"""The effect ledger says the truth about every call, and never lets one be silently made again."""

from __future__ import annotations

import asyncio

import pytest

from safelight.errors import StoreError
from safelight.store import Effects, Finished, Started, Store, Unknown

CALL = ("run", "generate", "0" * 64)


async def test_a_call_is_made_once(store: Store) -> None:
    assert await store.effects.begin(*CALL) == Started(1)
    assert await store.effects.finish(*CALL, {"ref": "sha256:1"}) == {"ref": "sha256:1"}
    assert await store.effects.begin(*CALL) == Finished({"ref": "sha256:1"})
    assert await store.effects.begin(*CALL, idempotent=True, force=True) == Finished({"ref": "sha256:1"})


async def test_a_call_without_an_end_is_unknown_and_reported(store: Store, clock: object) -> None:
    await store.effects.begin(*CALL)
    restarted = Effects(store.db, store.effects._clock)
    outcome = await restarted.begin(*CALL)
    assert isinstance(outcome, Unknown)
    (pending,) = await restarted.pending("run")
    assert (pending.effect, pending.key, pending.attempt) == (*CALL[1:], 1)
    assert pending.started_at == outcome.started_at
    assert outcome.started_at.tzinfo is not None


@pytest.mark.parametrize("permission", ["idempotent", "force"])
async def test_an_unknown_call_is_repeated_only_with_permission(store: Store, permission: str) -> None:
    await store.effects.begin(*CALL)
    assert isinstance(await store.effects.begin(*CALL), Unknown)
    assert await store.effects.begin(*CALL, **{permission: True}) == Started(2)
    assert isinstance(await store.effects.begin(*CALL), Unknown)


async def test_a_call_that_failed_for_certain_may_be_made_again(store: Store) -> None:
    await store.effects.begin(*CALL)
    await store.effects.fail(*CALL, "the service was down")
    assert await store.effects.pending("run") == []
    assert await store.effects.begin(*CALL) == Started(2)


async def test_the_first_result_counts(store: Store) -> None:
    await store.effects.begin(*CALL)
    await store.effects.begin(*CALL, force=True)
    await store.effects.finish(*CALL, {"which": "first"})
    assert await store.effects.finish(*CALL, {"which": "second"}) == {"which": "first"}
    await store.effects.fail(*CALL, "too late")
    assert await store.effects.begin(*CALL) == Finished({"which": "first"})


async def test_runs_effects_and_inputs_are_kept_apart(store: Store) -> None:
    names = [(run, effect, key) for run in "ab" for effect in ("generate", "stamp") for key in "01"]
    assert [await store.effects.begin(*name) for name in names] == [Started(1)] * 8
    assert len(await store.effects.pending("a")) == 4


async def test_an_end_without_a_beginning_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="not begun"):
        await store.effects.finish(*CALL, {})


async def test_of_many_at_once_one_starts(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.effects.begin(*CALL) for _ in range(20)))
    assert sum(isinstance(outcome, Started) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Unknown) for outcome in outcomes) == 19


async def test_what_a_stamp_that_was_cut_off_had_registered_is_taken_out_again(store: Store) -> None:
    async def registered(image_id: str, image: int, run: str = "run") -> None:
        await store.images.add_image(image_id=image_id, run_id=run, image=image, sha256=image_id * 64, bits=bytes(32))

    stamp = ("run", "stamp", "0:of these bytes")
    await store.effects.begin(*stamp, idempotent=True)
    await registered("a", 0)  # and here the process is killed
    await store.effects.begin(*stamp, idempotent=True)
    await registered("b", 0)
    await registered("c", 1)
    await registered("d", 0, run="another")
    await store.effects.finish(*stamp, {"sha256": "b" * 64})
    assert await store.images.drop_lost("run", 0) == 1
    assert [image.image_id for image in await store.images.by_run("run")] == ["b", "c"]
    assert await store.images.by_image_id("d") is not None
    assert await store.images.drop_lost("run", 0) == 0
