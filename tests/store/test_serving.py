"""What a server keeps: keys, leased jobs, owed webhooks; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from safelight.errors import StoreError
from safelight.store import Store


async def test_a_key_is_found_by_its_text_alone(store: Store) -> None:
    text, key = await store.api_keys.create("alice", "laptop", scopes=("generate",), limits={"rate": "5/minute"})
    found = await store.api_keys.find(text)
    assert found == key
    assert repr(found).find(text[-8:]) == -1
    for wrong in ("", "sl", text[:-1], text + "0", text.replace("sl_", "xx_"), text.upper(), "sl_ä_ö", f"sl_{key.id}_"):
        assert await store.api_keys.find(wrong) is None
    assert await store.api_keys.all() == [key]


async def test_revoked_and_expired_keys_are_not_found(store: Store) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired, _ = await store.api_keys.create("a", "a", scopes=(), expires_at=past)
    revoked, key = await store.api_keys.create("a", "b", scopes=())
    await store.api_keys.revoke(key.id)
    assert await store.api_keys.find(expired) is None
    assert await store.api_keys.find(revoked) is None
    assert await store.api_keys.get(key.id) is None
    with pytest.raises(StoreError, match="no key none"):
        await store.api_keys.revoke("none")


async def add(store: Store, run_id: str, **more: object) -> str:
    fields: dict[str, object] = {"kind": "native", "request": {}, "detached": True, "owner": "one", "seconds": 60.0}
    job = await store.jobs.add(run_id, **{**fields, **more})  # type: ignore[arg-type]
    return job.run_id


async def test_one_idempotency_key_is_one_job(store: Store) -> None:
    assert await add(store, "r1", idempotency="k") == "r1"
    assert await add(store, "r2", idempotency="k") == "r1"
    assert await add(store, "r3") == "r3"
    assert await add(store, "r4") == "r4"
    found = await store.jobs.by_idempotency("k")
    assert found is not None
    assert found.run_id == "r1"
    assert await store.jobs.get("r2") is None


async def test_a_job_is_taken_over_when_its_lease_is_out_or_its_owner_dead(store: Store) -> None:
    await add(store, "held")
    await add(store, "lost", seconds=-1.0)
    await add(store, "done", seconds=-1.0)
    await store.jobs.finish("done")
    assert [job.run_id for job in await store.jobs.claim("two", 60)] == ["lost"]
    assert await store.jobs.claim("three", 60) == []
    assert await store.jobs.owners() == {"one", "two"}
    assert [job.run_id for job in await store.jobs.claim("three", 60, dead=frozenset({"one"}))] == ["held"]
    await store.jobs.release("three")
    assert [job.run_id for job in await store.jobs.claim("four", 60)] == ["held"]
    await store.jobs.reopen("done", "four", -1.0)
    await store.jobs.renew("four", 60)
    assert await store.jobs.claim("five", 60) == []


async def test_a_webhook_is_due_when_its_run_has_ended(store: Store) -> None:
    await store.deliveries.book("w1", "r1", "https://example.org/")
    assert await store.deliveries.claim(60) == []
    await store.deliveries.arm("r1", "delivered")
    (due,) = await store.deliveries.claim(60)
    assert (due.id, due.status, due.attempts) == ("w1", "delivered", 1)
    assert await store.deliveries.claim(60) == []  # somebody is at it
    await store.deliveries.failed("w1", "status 500", again_in=-1.0)
    assert [each.attempts for each in await store.deliveries.claim(60)] == [2]
    await store.deliveries.done("w1")
    await store.deliveries.arm("r1", "delivered")
    assert await store.deliveries.claim(60) == []
    (kept,) = await store.deliveries.of_run("r1")
    assert kept.ended_at is not None


async def test_runs_and_images_are_counted_by_account(store: Store) -> None:
    await store.runs.create("r1", brief={}, account="alice")
    await store.runs.create("r2", brief={})
    for run_id in ("r2", "r1"):
        image = await store.images.add_image(image_id=run_id, run_id=run_id, image=0, sha256="0" * 64, bits=bytes(32))
    assert [run.id for run in await store.runs.recent(account="alice")] == ["r1"]
    assert [run.id for run in await store.runs.recent(account="")] == ["r2"]
    for age, count in ((0, 1), (1, 0)):
        since = image.created_at + timedelta(seconds=age)
        assert await store.images.count(account="alice", since=since) == count
