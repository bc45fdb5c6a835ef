"""No image leaves a run without a stamp of its own, in any mode, and the stamp cites what the image draws on."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime

import pytest
from PIL import Image

from safelight.agent.brief import Attachment, Brief
from safelight.agent.plan import Plan
from safelight.errors import StoreError, Uncleared
from safelight.provenance.stamp import Stamp, StampFacts
from safelight.testing import ScriptedGenerator, ScriptedReasoner
from safelight.tools.images.canvas import Canvas
from safelight.tools.images.generator import GeneratedImage, ImageRequest
from safelight.tools.images.spec import ImageSpec, StyleSheet
from safelight.tools.source import Source

from .conftest import Build, PlainStamper, Surroundings

MODES = ["thinking", "instant", "edit"]


async def brief_for(mode: str, world: Surroundings) -> Brief:
    if mode != "edit":
        return Brief(prompt="two cats", n=2, mode=mode)  # type: ignore[arg-type]
    photo = await world.store.blobs.put(b"photo bytes")
    attached = Attachment(ref=photo, name="photo.png", media_type="image/png", kind="image")
    return Brief(prompt="make it red", n=1, attachments=(attached,))


class Liar(PlainStamper):
    """Says that it stamped, and hands back other bytes than those that its stamp names."""

    async def stamp(self, data: bytes, media_type: str, facts: StampFacts) -> tuple[bytes, Stamp]:
        _, stamp = await super().stamp(data, media_type, facts)
        return data, stamp


class Broken(PlainStamper):
    async def stamp(self, data: bytes, media_type: str, facts: StampFacts) -> tuple[bytes, Stamp]:
        raise StoreError("The registry is away.", stage="stamp")


@pytest.mark.parametrize("mode", MODES)
async def test_every_mode_stamps_every_image(build: Build, mode: str) -> None:
    world = await build()
    result, _ = await world.run(await brief_for(mode, world))
    assert result.status == "delivered"
    assert len(world.stamper.stamped) == len(result.images)
    for image in result.images:
        data = await world.store.blobs.get(image.ref)
        assert image.stamp is not None
        assert data.endswith(b"stamped")
        assert image.stamp.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("mode", MODES)
async def test_a_stamp_on_other_bytes_delivers_nothing(build: Build, mode: str) -> None:
    world = await build(stamper=Liar())
    brief = await brief_for(mode, world)
    with pytest.raises(Uncleared, match="without a stamp"):
        await world.run(brief)
    assert not [entry for entry in await world.store.ledger.entries() if entry.kind == "delivery"]


@pytest.mark.parametrize("mode", MODES)
async def test_what_cannot_be_stamped_is_not_delivered(build: Build, mode: str) -> None:
    world = await build(stamper=Broken())
    result, events = await world.run(await brief_for(mode, world))
    assert result.images == ()
    assert not [event for event in events if event.type in ("image.finished", "delivered")]


async def test_the_stamp_cites_the_pages_that_an_image_draws_on_and_no_file_of_the_users(build: Build) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    page, unused = "https://example.org/tides", "https://example.org/other"
    sources = (
        Source(id="s1", url=page, title="Tides", quote="The moon pulls.", read_at=now),
        Source(id="s2", url=unused, title="Other", quote="Nothing.", read_at=now),
        Source(id="s3", url="attachment:salaries.csv", title="salaries.csv", quote="1", read_at=now),
    )
    spec = ImageSpec(index=0, of=1, prompt="tides", sources=("s1", "s3", "s9"))
    reasoner = ScriptedReasoner(sources=sources, plan=Plan(intent="tides", style=StyleSheet(seed=0), images=(spec,)))
    world = await build(reasoner=reasoner)
    result, _ = await world.run(Brief(prompt="how tides work", n=1))
    assert result.status == "delivered"
    assert world.stamper.stamped[0].sources == (("Tides", page),)


async def test_the_stamp_names_the_model_and_its_version(build: Build) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    made = GeneratedImage(picture.getvalue(), "image/png", 64, 64, "painter", version="2.1")
    world = await build(generator=ScriptedGenerator(made))
    result, _ = await world.run(Brief(prompt="a cat", n=1, mode="instant"))
    assert result.status == "delivered"
    assert [(facts.model, facts.model_version) for facts in world.stamper.stamped] == [("painter", "2.1")]
    drawn = await Canvas(workers=1).generate(ImageRequest(ImageSpec(index=0, of=1, prompt="a cat"), StyleSheet(), {}))
    assert drawn.version
