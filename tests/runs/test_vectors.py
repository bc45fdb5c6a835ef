"""A vector file leaves only beside the image that it is, judged, signed, and bound to the set's clearance."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from pypdf.actions import JavaScript

from safelight.agent.brief import Attachment, Brief
from safelight.agent.plan import Plan
from safelight.errors import BadImage, BadInput, GeneratorError, Uncleared
from safelight.graphs.emitter import Emitter
from safelight.graphs.engraving import opened
from safelight.graphs.services import RunContext
from safelight.graphs.steps.finish import deliver
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.vectors import vector_type
from safelight.safety.content import Content, Stage
from safelight.safety.policy import PolicySet
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.testing import AllowAll, ScriptedReasoner, every_pair
from safelight.tools.images.canvas import Canvas
from safelight.tools.images.generator import ImageRequest
from safelight.tools.images.spec import ImageSpec, Item, Size, StyleSheet
from safelight.tools.images.vector import VectorKind, inspected, rasterized

from .conftest import Build, Surroundings

KINDS: list[VectorKind] = ["pdf", "svg"]
STYLE = StyleSheet(direction="chalkboard")


def spec(**fields: Any) -> ImageSpec:
    given = {"index": 0, "of": 1, "role": "list", "prompt": "a menu", "title": "Café Luna", "subject": "coffee",
             "items": (Item(label="Espresso", value="2,50 €"), Item(label="Kuchen", value="4,00 €")),
             "size": Size(width=512, height=640)}  # fmt: skip
    return ImageSpec(**{**given, **fields})


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    return Canvas(workers=1)


@pytest.fixture
def stamper(tmp_path: Path) -> ImageStamper:
    return ImageStamper(SigningIdentity.development(tmp_path), None, MemoryRegistry(), version="1")


async def world_with(build: Build, canvas: Canvas, stamper: ImageStamper, made: ImageSpec, **how: Any) -> Surroundings:
    plan = Plan(intent="a menu", style=STYLE, images=(made,))
    return await build(generator=canvas, stamper=stamper, reasoner=ScriptedReasoner(plan=plan), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_file_is_the_image_and_ours(
    build: Build, canvas: Canvas, stamper: ImageStamper, kind: VectorKind
) -> None:
    world = await world_with(build, canvas, stamper, spec())
    result, _ = await world.run(Brief(prompt="a menu", n=1, vector=kind))
    assert result.status == "delivered"
    vector = result.images[0].vector
    assert vector is not None
    data = await world.store.blobs.get(vector.ref)
    assert vector_type(data) == vector.media_type
    picture = await world.store.blobs.get(result.images[0].ref)
    assert opened(data, kind, picture).kind == kind  # which raises where it is not that picture
    found = await stamper.assess(data)
    assert (found.verdict, found.run_id) == ("ours", result.run_id)
    assert found.legs["manifest"].state == "match"
    assert found.legs["watermark"].state == "unavailable"
    entries = await world.store.ledger.entries(run_id=result.run_id)
    delivered = next(json.loads(entry.payload) for entry in entries if entry.kind == "delivery")
    assert delivered["files"] == [vector.ref]
    assert "vector" in result.public()["images"][0]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_that_was_changed_is_not_ours(
    build: Build, canvas: Canvas, stamper: ImageStamper, kind: VectorKind
) -> None:
    world = await world_with(build, canvas, stamper, spec())
    result, _ = await world.run(Brief(prompt="a menu", n=1, vector=kind))
    assert result.images[0].vector is not None
    data = await world.store.blobs.get(result.images[0].vector.ref)
    changed = data.replace(b"<rect", b"<rect ", 1) if kind == "svg" else data + b"\n% more\n"
    found = await stamper.assess(changed)
    assert found.verdict == "probably_ours"
    assert found.legs["manifest"].state == "tampered"


class BlocksOutput:
    """Lets pass what goes in and pictures by themselves; blocks what has a file in it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.name = "no-files"

    async def moderate(self, content: Content) -> Verdict:
        if content.stage is Stage.GENERATOR_OUTPUT and any(part.source == "text of the file" for part in content.texts):
            finding = Finding(
                policy="fraud", category="fraud", score=1.0, decision=Decision.BLOCK, moderator=self.name, evidence="x"
            )
            return Verdict(decision=Decision.BLOCK, moderator=self.name, findings=(finding,), reason="no files")
        return await self.inner.moderate(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


async def test_a_file_that_does_not_clear_stays_here_and_its_image_goes(
    build: Build, canvas: Canvas, stamper: ImageStamper
) -> None:
    world = await world_with(
        build, canvas, stamper, spec(), moderator=BlocksOutput(AllowAll(every_pair(PolicySet.load())))
    )
    result, _ = await world.run(Brief(prompt="a menu", n=1, vector="pdf"))
    assert result.status == "delivered"
    assert result.images[0].vector is None
    assert any("There is no PDF" in note for note in result.images[0].notes)


async def test_a_file_swapped_after_the_set_was_judged_is_not_delivered(
    build: Build, canvas: Canvas, stamper: ImageStamper
) -> None:
    world = await world_with(build, canvas, stamper, spec())
    result, _ = await world.run(Brief(prompt="a menu", n=1, vector="svg"))
    config = {"configurable": {"thread_id": result.run_id}}
    state = (await world.runner.graphs["thinking"].aget_state(config)).values  # type: ignore[arg-type]
    other = await world.store.keep(result.run_id, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    state["images"]["0"]["vector"]["ref"] = other
    context = type("Runtime", (), {"context": await _context(world, result.run_id)})()
    with pytest.raises(Uncleared):
        await deliver(state, context)


async def _context(world: Surroundings, run_id: str) -> Any:
    emitter = Emitter(run_id, first=1000, clock=lambda: datetime.now(UTC), keep=_ignore)
    return RunContext(run_id, world.services, emitter)


async def _ignore(event: Any) -> None:
    del event


async def test_pixels_have_no_vector_file(build: Build, canvas: Canvas, stamper: ImageStamper) -> None:
    made = Image.new("RGB", (512, 640), "#336699")
    out = io.BytesIO()
    made.save(out, "PNG")
    world = await world_with(build, canvas, stamper, spec())
    ref = await world.store.blobs.put(out.getvalue())
    edited = spec(role="scene", edit_of=ref, instruction="make it black and white", items=())
    world = await world_with(build, canvas, stamper, edited)
    await world.store.blobs.put(out.getvalue())
    attached = Attachment(ref=ref, name="photo.png", media_type="image/png", kind="image")
    with pytest.raises(BadInput, match="made of pixels"):
        await world.run(Brief(prompt="make it black and white", attachments=(attached,), vector="pdf"))
    with pytest.raises(BadInput, match="made of pixels"):
        await canvas.engrave(ImageRequest(edited, STYLE, {ref: out.getvalue()}), "svg")


async def test_an_image_model_has_no_vector_files(build: Build) -> None:
    world = await build()
    with pytest.raises(BadInput, match="made of pixels"):
        await world.run(Brief(prompt="a menu", n=1, vector="pdf"))


async def engraved(canvas: Canvas, kind: VectorKind) -> tuple[bytes, bytes]:
    request = ImageRequest(spec(), STYLE)
    return await canvas.engrave(request, kind), (await canvas.generate(request)).data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", ["swiss", "darkroom", "blueprint", "papercut", "botanical", "playful"])
async def test_every_direction_is_engraved_alike(canvas: Canvas, kind: VectorKind, direction: str) -> None:
    request = ImageRequest(spec(role="cover", items=()), StyleSheet(direction=direction))  # type: ignore[arg-type]
    data = await canvas.engrave(request, kind)
    assert data == await canvas.engrave(request, kind)
    opened(data, kind, (await canvas.generate(request)).data)


async def test_an_added_line_of_small_print_is_seen(canvas: Canvas) -> None:
    data, picture = await engraved(canvas, "svg")
    with Image.open(io.BytesIO(picture)) as image:
        other = image.convert("RGB")
    ImageDraw.Draw(other).text((60, 330), "NOT WHAT WAS JUDGED", fill="white", font_size=14)
    out = io.BytesIO()
    other.save(out, "PNG")
    with pytest.raises(GeneratorError, match="does not look like"):
        opened(data, "svg", out.getvalue())


@pytest.mark.parametrize(
    "added",
    [
        b"<script>alert(1)</script>", b'<image href="https://example.org/x.png"/>', b"<!-- hidden -->",
        b'<use href="https://example.org/#a"/>', b"<foreignObject/>", b'<rect onclick="a()"/>', b"<animate/>",
        b'<rect fill="url(https://example.org/)"/>', b"<text>hidden</text>", b"<style>@import 'x';</style>",
        b'<a href="#x"/>', b"<?xml-stylesheet href='x'?>",
    ],
)  # fmt: skip
async def test_an_svg_holds_nothing_but_a_picture(canvas: Canvas, added: bytes) -> None:
    data, _ = await engraved(canvas, "svg")
    assert inspected(data, "svg") == ""
    with pytest.raises(BadImage):
        inspected(data.replace(b"</svg>", added + b"</svg>"), "svg")


def test_an_svg_with_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    with pytest.raises(BadImage):
        inspected(bomb, "svg")


async def test_a_pdf_holds_nothing_but_a_page(canvas: Canvas) -> None:
    data, _ = await engraved(canvas, "pdf")
    text = inspected(data, "pdf")
    assert "Café Luna" in text
    for change in ("script", "file", "link", "page"):
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
        if change == "script":
            writer.add_open_action(JavaScript("app.alert(1)"))
        elif change == "file":
            writer.add_attachment("secret.txt", b"hidden")
        elif change == "link":
            writer.add_uri(0, "https://example.org", (0, 0, 10, 10))
        else:
            writer.add_blank_page(100, 100)
        out = io.BytesIO()
        writer.write(out)
        with pytest.raises(BadImage):
            inspected(out.getvalue(), "pdf")


async def test_every_word_of_the_pdf_is_one_that_was_judged(canvas: Canvas) -> None:
    data, _ = await engraved(canvas, "pdf")
    asked = " ".join(spec().texts())
    words = re.findall(r"\w+", inspected(data, "pdf"))
    assert words
    assert all(word in asked for word in words)


def test_what_no_reader_shows_is_refused() -> None:
    with pytest.raises(BadImage):
        rasterized(b"%PDF-1.7 nonsense", "pdf", 100, 100)
    with pytest.raises(BadImage):
        rasterized(b"<svg", "svg", 100, 100)
    tall = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="90" viewBox="0 0 10 90"/>'
    assert vector_type(tall) == "image/svg+xml"
    assert vector_type(b"\x89PNG\r\n") is None
