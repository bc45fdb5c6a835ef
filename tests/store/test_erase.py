"""What a person wrote is erased for good, and the record of what happened still verifies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safelight.errors import StoreError
from safelight.events import Thinking
from safelight.safety.content import Content, Stage
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.store import Erased, Store, ref_of

SECRET = "ZebraQuartzViolin"
KEY = b"a ledger key of thirty-two bytes"


async def fill(store: Store, run_id: str) -> Content:
    """A run that leaves the secret everywhere that a run writes to."""
    content = Content.of_text(Stage.PROMPT, SECRET)
    finding = Finding(policy="hate", category="c", score=0.5, decision=Decision.ALLOW, moderator="m", evidence=SECRET)
    verdict = Verdict(decision=Decision.ALLOW, findings=(finding,), policy_version="p")
    await store.runs.create(run_id, brief={"prompt": SECRET})
    await store.runs.append_event(Thinking(run_id=run_id, seq=0, at=datetime.now(UTC), text=SECRET))
    await store.recorder.verdict(run_id=run_id, content=content, verdict=verdict)
    await store.effects.begin(run_id, "generate", content.digest.hex())
    ref = await store.keep(run_id, f"{SECRET} {run_id}".encode())
    await store.effects.finish(run_id, "generate", content.digest.hex(), {"ref": ref, "notes": SECRET})
    await store.keep(run_id, b"a picture that two runs share")
    image = f"{SECRET} {run_id} image".encode()
    sha256 = (await store.keep(run_id, image)).removeprefix("sha256:")
    await store.images.add_image(
        image_id=f"i-{run_id}", run_id=run_id, image=0, sha256=sha256,
        bits=bytes(32), thumbnail=SECRET.encode(), manifest=SECRET.encode(), stamp={"title": SECRET},
    )  # fmt: skip
    await store.runs.update(run_id, status="delivered", result={"title": SECRET})
    return content


async def test_an_erased_run_is_empty_and_the_ledger_verifies(store: Store) -> None:
    content = await fill(store, "r1")
    before = await store.ledger.entries(run_id="r1")
    assert await store.recorder.veiled("r1", content.digest) == before[0].data["content"]

    assert await store.erase("r1") == Erased(blobs=3, shared=0)

    run = await store.runs.get("r1")
    assert run is not None
    assert (run.brief, run.result, run.status) == ({}, None, "delivered")
    assert run.erased_at is not None
    assert await store.runs.events("r1") == []
    assert await store.effects.pending("r1") == []
    assert not await store.blobs.exists(ref_of(f"{SECRET} r1".encode()))
    image = await store.images.by_image_id("i-r1")
    assert image is not None  # still recognized as ours
    assert (image.thumbnail, image.manifest, image.stamp, image.bits) == (None, None, None, bytes(32))
    assert not await store.blobs.exists(image.ref)

    assert (await store.ledger.entries(run_id="r1"))[: len(before)] == before
    assert (await store.ledger.entries(run_id="r1"))[-1].kind == "erased"
    assert await store.recorder.veiled("r1", content.digest) is None  # nobody can match them any more
    await store.ledger.verify()


async def test_nothing_is_left_in_any_file(sqlite: str, tmp_path: Path) -> None:
    def holders() -> list[str]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return [path.name for path in files if SECRET.encode() in path.read_bytes()]

    async with Store.open(sqlite, (tmp_path / "blobs").as_uri(), KEY) as store:
        await fill(store, "r1")
        assert any("safelight.db" in name for name in holders())
        await store.erase("r1")
        assert holders() == []  # not in free pages, not in the write-ahead log


async def test_what_another_run_has_too_stays(store: Store) -> None:
    await fill(store, "r1")
    await fill(store, "r2")
    assert await store.erase("r1") == Erased(blobs=2, shared=1)
    assert await store.blobs.get(ref_of(b"a picture that two runs share"))
    run = await store.runs.get("r2")
    assert run is not None
    assert run.brief == {"prompt": SECRET}
    assert await store.erase("r2") == Erased(blobs=3, shared=0)
    assert not await store.blobs.exists(ref_of(b"a picture that two runs share"))


async def test_erasing_again_is_harmless_and_an_unknown_run_is_an_error(store: Store) -> None:
    await fill(store, "r1")
    await store.erase("r1")
    assert (await store.erase("r1")).shared == 0
    with pytest.raises(StoreError, match="nothing was erased"):
        await store.erase("r2")


async def test_an_effect_that_ends_after_the_erasure_leaves_nothing(store: Store) -> None:
    await store.runs.create("r1", brief={})
    await store.effects.begin("r1", "generate", "k")
    await store.erase("r1")
    with pytest.raises(StoreError, match="erased"):
        await store.effects.finish("r1", "generate", "k", {"notes": SECRET})


async def test_a_blob_that_is_kept_while_another_run_lets_go_of_it_is_there(store: Store) -> None:
    """The race that would lose bytes: one run erases the blob that another has just been told exists."""
    data = b"wanted by many" * 1000
    for number in range(8):
        await store.runs.create(f"old{number}", brief={})
        await store.keep(f"old{number}", data)
        await asyncio.gather(store.erase(f"old{number}"), store.keep(f"new{number}", data))
        assert await store.blobs.get(ref_of(data)) == data
        await store.runs.create(f"new{number}", brief={})
        await store.erase(f"new{number}")
        assert not await store.blobs.exists(ref_of(data))
