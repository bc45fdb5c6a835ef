"""No image leaves without a stamp: what a result can hold, who hands bytes out, and many runs at once."""

from __future__ import annotations

import ast
import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from safelight import Brief, Safelight
from safelight.config import Settings, load_settings
from safelight.errors import StoreError
from safelight.events import Delivered, ImageFinished, ImagePartial
from safelight.export import export_run
from safelight.graphs.result import Delivery, Gap, RunResult, VectorDelivery
from safelight.intake import keep_image
from safelight.provenance.stamp import Stamp, StampFacts

ROOT = Path(__file__).parent.parent
FACES = ["cli", "export", "server"]
# Whoever of the faces reads blobs hands bytes out: what, and where it is shown that they are stamped.
WAYS_OUT = {
    ("client.py", "image"): "what was delivered; here",
    ("client.py", "preview"): "what an event of `SAFELIGHT_PARTIAL_IMAGES` shows, which bears no stamp and says so",
    ("export/folder.py", "export_run"): "a result's images and vector files; here and in runs/test_vectors.py",
    ("server/files.py", "describe"): "the size of a delivered image",
    ("server/files.py", "content"): "a delivered image; server/test_stamps.py",
    ("server/openai/images.py", "encoded"): "a delivered image; server/test_stamps.py",
    ("server/pages/downloads.py", "image"): "a delivered image, or a small copy of one; server/test_stamps.py",
    ("server/pages/review.py", "picture"): "for a reviewer, before the set is judged; server/test_review.py",
    ("server/asking.py", "pixels"): "what the caller sent along, to moderators and to the verifier",
}
DIGEST = hashlib.sha256(b"an image").hexdigest()


def stamp_of(sha256: str) -> Stamp:
    return Stamp(
        image_id="img_0", sha256=sha256, manifest_id=None, watermark=None, fingerprint="f", signer="", development=True
    )


def readers_of_blobs(path: Path) -> set[str]:
    """The functions of a module that mention `….blobs.get`."""
    found = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr == "get" and ast.unparse(node.value).endswith("blobs"):
                    found.add(function.name)
    return found


def test_every_way_out_is_known() -> None:
    modules = [ROOT / "client.py", *(path for face in FACES for path in (ROOT / face).rglob("*.py"))]
    found = {(str(path.relative_to(ROOT)), name) for path in modules for name in readers_of_blobs(path)}
    assert found == set(WAYS_OUT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ref": f"sha256:{DIGEST}", "sha256": DIGEST},
        {"ref": f"sha256:{DIGEST}", "sha256": DIGEST, "stamp": stamp_of("0" * 64)},
        {"ref": f"sha256:{'0' * 64}", "sha256": DIGEST, "stamp": stamp_of(DIGEST)},
        {"ref": f"sha256:{'0' * 64}", "sha256": "0" * 64, "stamp": stamp_of(DIGEST)},
        {"stamp": stamp_of(DIGEST), "gap": Gap(stage="stamp", reason="away")},
    ],
)
def test_no_result_holds_an_image_without_a_stamp_of_its_own(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="stamp"):
        Delivery(index=0, **wrong)
    if "gap" not in wrong:
        with pytest.raises(ValidationError, match="stamp"):
            VectorDelivery.model_validate({"media_type": "image/svg+xml", **wrong})
    right = {"ref": f"sha256:{DIGEST}", "sha256": DIGEST, "stamp": stamp_of(DIGEST)}
    assert Delivery(index=0, **right).stamp == VectorDelivery(media_type="image/svg+xml", **right).stamp


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(search=("none",), home=tmp_path / "home")


async def assert_are_ours(safelight: Safelight, result: RunResult) -> None:
    """Every image of the result, as whoever asks for it gets it."""
    assert result.status == "delivered"
    for image in result.images:
        for ref in (image.ref, *([image.vector.ref] if image.vector else [])):
            found = await safelight.assess(await safelight.image(ref))
            assert (found.verdict, found.run_id, found.changes) == ("ours", result.run_id, ())
            assert found.legs["manifest"].state == "match"


async def cut_off(safelight: Safelight, brief: Brief) -> str:
    """The id of a run that ended without notice once its first image was stamped."""
    events = safelight.stream(brief)
    async for event in events:
        if isinstance(event, ImageFinished):
            await events.aclose()  # type: ignore[attr-defined]
            return event.run_id
    raise AssertionError("no image was made")


async def assert_files_are_ours(safelight: Safelight, result: RunResult, folder: Path) -> None:
    """What lies in the folder that a run was written to: the very files that were stamped."""
    await export_run(result, (await safelight.assembly()).store, folder)
    vectors = [image.vector for image in result.images if image.vector]
    files = sorted(folder.glob("image-*"))
    assert len(files) == len(result.images) + len(vectors)
    for file in files:
        found = await safelight.assess(file.read_bytes())
        assert (found.verdict, found.run_id, found.changes) == ("ours", result.run_id, ())
        assert found.legs["manifest"].state == "match"


async def test_many_runs_at_once_deliver_nothing_but_stamped_images(settings: Settings, tmp_path: Path) -> None:
    """A batch, as a script makes one, with a run that was cut off and goes on beside it: each image is its own run's,
    no two share an id, and what is written to folders is what was stamped, vector files too."""
    kinds = (("instant", "png", "pdf"), ("instant", "jpeg", "svg"), ("thinking", "webp", None))
    briefs = [
        Brief(prompt=f"A poster that says “{format_}”", n=1, size="256x256", mode=mode, format=format_, vector=vector)
        for mode, format_, vector in kinds
    ]
    async with Safelight(settings) as safelight:
        lost = await cut_off(safelight, Brief(prompt="Two lanterns", n=2, size="256x256", mode="instant", vector="svg"))
        *results, resumed = await asyncio.gather(*map(safelight.run, briefs), safelight.resume(lost))
        assert resumed.run_id == lost
        for number, result in enumerate((*results, resumed)):
            await assert_are_ours(safelight, result)
            await assert_files_are_ours(safelight, result, tmp_path / str(number))
        made = [image for result in (*results, resumed) for image in result.images]
        stamps = [each.stamp for image in made for each in (image, image.vector) if each and each.stamp]
        assert len({stamp.image_id for stamp in stamps}) == len(stamps) == 9
        # What was delivered once is edited, and leaves anew: as another image, whose parent it is.
        data = await safelight.image(results[0].images[0].ref)
        before = await keep_image(data, "before.png", (await safelight.assembly()).store)
        edit = await safelight.run(Brief(prompt="Change the title to “Sold out”", attachments=(before,)))
        await assert_are_ours(safelight, edit)
        assert edit.images[0].sha256 != results[0].images[0].sha256


async def test_nothing_leaves_that_was_not_delivered(settings: Settings) -> None:
    """Not what a generator handed over, nor what was stamped for a set that was never let go."""
    async with Safelight(settings) as safelight:
        store, stamper = (await safelight.assembly()).store, (await safelight.assembly()).stamper
        finished: list[str] = []
        async for event in safelight.stream(Brief(prompt="A lantern", n=2, size="256x256", mode="instant")):
            if isinstance(event, ImageFinished):
                finished.append(event.ref)
            if isinstance(event, Delivered):
                assert set(event.images) == set(finished)
                data = [await safelight.image(ref) for ref in finished]
                assert {(await safelight.assess(each)).verdict for each in data} == {"ours"}
                facts = StampFacts(run_id=event.run_id, image=2, model="canvas", algorithmic=True)
        assert len(finished) == 2
        undelivered, _ = await stamper.stamp(data[0], "image/png", facts)
        for bytes_ in (b"what a generator handed over", data[0] + b"!", undelivered):
            with pytest.raises(StoreError, match="Nothing was delivered"):
                await safelight.image(await store.blobs.put(bytes_))


async def test_an_image_does_not_leave_before_its_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Safelight(settings) as safelight:
        runs = (await safelight.assembly()).store.runs
        keep, refused = runs.append_event, []

        async def kept(event: Any) -> None:
            await keep(event)
            if isinstance(event, ImageFinished):
                with pytest.raises(StoreError, match="Nothing was delivered"):
                    await safelight.image(event.ref)
                refused.append(event.ref)

        monkeypatch.setattr(runs, "append_event", kept)
        result = await safelight.run(Brief(prompt="A lantern", n=1, size="256x256", mode="instant"))
        assert refused == [image.ref for image in result.images]
        await assert_are_ours(safelight, result)


async def test_a_preview_is_asked_for_as_one(settings: Settings) -> None:
    async with Safelight(settings) as safelight:
        ref = await (await safelight.assembly()).store.blobs.put(b"a small WebP")
        event = ImagePartial.model_validate(
            {"run_id": "run_1", "seq": 0, "at": "2026-01-01T00:00:00Z", "image": 0, "number": 0, "ref": ref,
             "media_type": "image/webp", "blurred": True}
        )  # fmt: skip
        assert await safelight.preview(event) == b"a small WebP"
        with pytest.raises(StoreError, match="Nothing was delivered"):
            await safelight.image(ref)
