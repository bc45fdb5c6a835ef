"""An edit keeps what its input came with: the input's own manifest, through whichever door it was given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from safelight import Brief, Safelight
from safelight.agent.brief import Turn
from safelight.config import Settings, load_settings
from safelight.errors import StoreError
from safelight.graphs.result import RunResult
from safelight.intake import keep_image
from safelight.provenance.c2pa import ContentCredentials
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.manifest import Bindings
from safelight.provenance.stamp import StampFacts
from safelight.store.opening import open_store

MADE = ["c2pa.created", "c2pa.watermarked.bound"]
BINDINGS = Bindings("img_00000000001", bytes(32), 256, 256, "ab" * 192)
EDITED = ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.bound"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(search=("none",), home=tmp_path / "home")


async def edits_of(safelight: Safelight, result: RunResult) -> list[dict[str, Any]]:
    """What the manifest of the result's only image says was done, newest first."""
    assert result.status == "delivered"
    found = await safelight.assess(await safelight.image(result.images[0].ref))
    assert found.verdict == "ours"
    edits: list[dict[str, Any]] = found.legs["manifest"].detail["edits"]
    return edits


async def given(safelight: Safelight, data: bytes) -> Any:
    return await keep_image(data, "before.png", (await safelight.assembly()).store)


def photographed() -> bytes:
    """A picture with a remark that is its owner's alone."""
    exif = Image.Exif()
    exif[0x010E] = "taken at home, 5 Elm Street"
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_an_inputs_own_manifest_is_kept_through_two_edits(settings: Settings) -> None:
    async with Safelight(settings) as safelight:
        made = await safelight.run(Brief(prompt="A poster that says “Bake sale”", n=1, size="256x256", format="jpeg"))
        once = await safelight.run(
            Brief(
                prompt="Change the title to “Sold out”",
                attachments=(await given(safelight, await safelight.image(made.images[0].ref)),),
            )
        )
        assert [each["action"] for each in await edits_of(safelight, once)] == EDITED + MADE
        twice = await safelight.run(
            Brief(
                prompt="Change the title to “Closed”",
                attachments=(await given(safelight, await safelight.image(once.images[0].ref)),),
            )
        )
        assert [each["action"] for each in await edits_of(safelight, twice)] == EDITED * 2 + MADE


async def test_what_an_earlier_turn_brought_keeps_its_manifest(settings: Settings) -> None:
    async with Safelight(settings) as safelight:
        made = await safelight.run(Brief(prompt="A poster that says “Bake sale”", n=1, size="256x256"))
        before = await given(safelight, await safelight.image(made.images[0].ref))
        assert before.manifest is not None
        turn = Turn(role="user", text="A poster", images=(before.ref,), manifests={before.ref: before.manifest})
        edit = await safelight.run(Brief(prompt="Make it blue instead", turns=(turn,), n=1))
        assert [each["action"] for each in await edits_of(safelight, edit)] == EDITED + MADE


def signed(folder: Path) -> bytes:
    """The same, as somebody else's program signed it."""
    credentials = ContentCredentials(SigningIdentity.development(folder), version="1")
    facts = StampFacts(run_id="run_1", model="a model", algorithmic=True)
    return credentials.sign(photographed(), "image/jpeg", facts, BINDINGS).data


async def test_of_an_input_nothing_is_kept_but_pixels_and_manifest(settings: Settings, tmp_path: Path) -> None:
    data = signed(tmp_path / "elsewhere")
    assert b"Elm Street" in data
    async with open_store(settings) as (store, _):
        before = await keep_image(data, "before.jpg", store)
        assert before.manifest is not None
        for ref in (before.ref, before.manifest):
            assert b"Elm Street" not in await store.blobs.get(ref)
        assert (await keep_image(photographed(), "before.jpg", store)).manifest is None


async def test_a_manifest_that_cannot_be_read_costs_nothing_else(settings: Settings, tmp_path: Path) -> None:
    broken = signed(tmp_path / "elsewhere").replace(b"jumd", b"jomd")
    async with open_store(settings) as (store, _):
        assert (await keep_image(broken, "before.jpg", store)).manifest is None


async def test_what_an_image_came_with_goes_when_its_run_is_erased(settings: Settings, tmp_path: Path) -> None:
    async with Safelight(settings) as safelight:
        store = (await safelight.assembly()).store
        before = await keep_image(signed(tmp_path / "elsewhere"), "before.jpg", store)
        result = await safelight.run(Brief(prompt="Rotate it by 90 degrees", attachments=(before,)))
        edits = await edits_of(safelight, result)
        assert [each["action"] for each in edits] == [*EDITED, "c2pa.created"]
        assert await store.blobs.get(before.manifest or "")
        await store.erase(result.run_id)
        with pytest.raises(StoreError, match="erased"):
            await store.blobs.get(before.manifest or "")
