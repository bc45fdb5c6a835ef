"""Each way to tamper with a stamped file is told apart and named, in every format."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from safelight.errors import BadImage
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamp import Assessment
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

from .conftest import FACTS, decoded, encoded, graphic, photo
from .surgery import FORMATS, manifest_of, with_comment, with_edited_manifest, with_manifest

SIZE = (640, 640)
PICTURE = photo(SIZE, 11)
REENCODED = "every part of the picture differs in some pixel: it was re-encoded or adjusted as a whole"


@dataclass(frozen=True)
class Scene:
    """Two images of ours, delivered as files of one format by a stamper that knows them: `one` of run_1, `two` of
    run_2."""

    stamper: ImageStamper
    format: str
    one: bytes
    two: bytes

    def file(self, image: Image.Image) -> bytes:
        """As whoever tampers saves it."""
        return encoded(image, self.format, **({} if self.format == "png" else {"quality": 92}))

    async def assess(self, data: bytes) -> Assessment:
        return await self.stamper.assess(data)

    @property
    def is_lossy(self) -> bool:
        return self.format != "png"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    identity = SigningIdentity.development(tmp_path_factory.mktemp("keys"))
    watermark, entropy = SpreadSpectrum(bytes(range(32))), random.Random(0).getrandbits
    stamper = ImageStamper(identity, watermark, MemoryRegistry(), version="1", entropy=entropy)

    async def stamped(image: Image.Image, run: str, format_: str) -> bytes:
        facts = FACTS.model_copy(update={"run_id": run})
        return (await stamper.stamp(encoded(image), f"image/{format_}", facts))[0]

    async def made() -> dict[str, Scene]:
        return {
            each: Scene(
                stamper, each, await stamped(PICTURE, "run_1", each), await stamped(graphic(SIZE), "run_2", each)
            )
            for each in FORMATS
        }

    return asyncio.run(made())


@pytest.fixture(params=FORMATS)
def scene(request: pytest.FixtureRequest, scenes: dict[str, Scene]) -> Scene:
    return scenes[request.param]


async def test_untouched(scene: Scene) -> None:
    found = await scene.assess(scene.one)
    assert (found.verdict, found.run_id, found.changes) == ("ours", "run_1", ())
    assert {leg.state for leg in found.legs.values()} == {"match"}


async def test_one_pixel(scene: Scene) -> None:
    pixels = np.array(decoded(scene.one))
    pixels[300, 100] ^= 1
    data = with_manifest(scene.file(Image.fromarray(pixels)), manifest_of(scene.one, scene.format), scene.format)
    found = await scene.assess(data)
    assert (found.verdict, found.legs["manifest"].state) == ("ours", "tampered")
    where = REENCODED if scene.is_lossy else "changed: 12%-25% from the left, 38%-50% from the top"
    assert found.changes == ("the pixels were changed after signing", where)


async def test_one_byte_of_the_coded_picture(scene: Scene) -> None:
    """It decodes to other pixels, perhaps to another picture, or not at all; never to one whose signature holds."""
    start = len(scene.one) // 2
    answers = []
    for place in range(start, start + 6 * 997, 997):
        damaged = bytearray(scene.one)
        damaged[place] ^= 0x10
        try:
            found = await scene.assess(bytes(damaged))
        except BadImage:
            continue
        assert found.legs["manifest"].state == "tampered"
        answers.append(found.changes[0].partition(" from img_")[0])
    assert set(answers) <= {"the pixels were changed after signing", "the manifest was moved here"}
    assert answers or not scene.is_lossy  # a PNG has check sums


async def test_one_byte_of_metadata(scene: Scene) -> None:
    found = await scene.assess(with_comment(scene.one, scene.format))
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    assert found.changes == ("the pixels are as signed; bytes outside the picture (metadata) were changed",)


async def test_a_byte_of_the_manifest(scene: Scene) -> None:
    found = await scene.assess(with_edited_manifest(scene.one, b"run_1", b"run_7", scene.format))
    assert found.legs["manifest"].state == "tampered"
    assert found.changes == ("the manifest was edited after it was signed",)
    assert found.run_id == "run_1"  # from the watermark, not from what was edited


async def test_stripped(scene: Scene) -> None:
    found = await scene.assess(scene.file(decoded(scene.one)))
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    assert found.changes == ("the manifest was removed", *([REENCODED] if scene.is_lossy else []))


@pytest.mark.parametrize("into", FORMATS)
async def test_encoded_anew_in_another_format(scene: Scene, into: str) -> None:
    found = await scene.assess(encoded(decoded(scene.one), into, **({} if into == "png" else {"quality": 60})))
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    assert found.changes == ("the manifest was removed", *([REENCODED] if into != "png" else []))


async def test_cropped(scene: Scene) -> None:
    found = await scene.assess(scene.file(decoded(scene.one).crop((40, 60, 520, 500))))
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    assert found.changes == ("the manifest was removed", "it was cropped to about 75% of its longest side")


async def test_turned_mirrored_and_inverted(scene: Scene) -> None:
    image = ImageOps.invert(ImageOps.mirror(decoded(scene.one)).rotate(5, Image.Resampling.BICUBIC))
    found = await scene.assess(scene.file(image))
    assert found.verdict == "ours"
    assert {"the colors were inverted", "it was mirrored"} <= set(found.changes)
    assert any("rotated" in change for change in found.changes)


async def test_an_area_painted_over(scene: Scene) -> None:
    """Found tile by tile where the other pixels are as they were, and by the mark where all were encoded anew."""
    image = decoded(scene.two)
    ImageDraw.Draw(image).rectangle([80, 80, 319, 319], fill=(90, 90, 200))
    found = await scene.assess(scene.file(image))
    assert (found.verdict, found.run_id) == ("ours", "run_2")
    area = "12%-50% from the left, 12%-50% from the top"
    assert (f"carries no mark of this image: {area}" if scene.is_lossy else f"changed: {area}") in found.changes


async def test_a_splice_of_two_of_ours(scene: Scene) -> None:
    image = decoded(scene.one)
    image.paste(decoded(scene.two).crop((0, 0, 320, 640)), (0, 0))
    found = await scene.assess(scene.file(image))
    assert found.verdict == "ours"
    both = {"run_1": scene.one, "run_2": scene.two}
    other = both[{"run_1": "run_2", "run_2": "run_1"}[str(found.run_id)]]
    assert f"spliced: a part of it comes from {(await scene.assess(other)).image_id}" in found.changes


async def test_a_manifest_moved_to_another_picture(scene: Scene) -> None:
    forged = with_manifest(scene.file(photo(SIZE, 50)), manifest_of(scene.one, scene.format), scene.format)
    found = await scene.assess(forged)
    assert (found.verdict, found.run_id) == ("no_evidence", None)
    source = (await scene.assess(scene.one)).image_id
    assert found.changes == (f"the manifest was moved here from {source}: its fingerprint is not that of this picture",)


async def test_a_manifest_of_ours_moved_to_another_of_ours(scene: Scene) -> None:
    forged = with_manifest(scene.file(decoded(scene.two)), manifest_of(scene.one, scene.format), scene.format)
    found = await scene.assess(forged)
    assert (found.verdict, found.run_id) == ("ours", "run_2")
    assert any("the manifest was moved here from" in change for change in found.changes)


async def test_a_second_manifest_of_ours(scene: Scene) -> None:
    found = await scene.assess(with_manifest(scene.two, manifest_of(scene.one, scene.format), scene.format))
    assert (found.verdict, found.run_id) == ("ours", "run_2")  # these pixels are run_2's, whatever is said beside them
    assert found.legs["manifest"].state == "tampered"
    assert found.changes


@pytest.mark.parametrize("attack", ["the original", "median", "blur"])
async def test_a_watermark_moved_to_another_picture(scenes: dict[str, Scene], attack: str) -> None:
    scene = scenes["png"]
    source = decoded(scene.one)
    clean = {
        "the original": PICTURE,
        "median": source.filter(ImageFilter.MedianFilter(5)),
        "blur": source.filter(ImageFilter.GaussianBlur(2.5)),
    }[attack]
    residual = np.asarray(source, np.float32) - np.asarray(clean, np.float32)
    for seed in (51, 52):
        target = np.asarray(photo(SIZE, seed), np.float32)
        found = await scene.assess(scene.file(_picture(target + 1.5 * residual)))
        assert (found.verdict, found.run_id) == ("no_evidence", None)
        if attack == "the original":
            assert any(change.startswith("the watermark was moved here") for change in found.changes)


async def test_watermark_and_manifest_moved_together(scene: Scene) -> None:
    residual = np.asarray(decoded(scene.one), np.float32) - np.asarray(PICTURE, np.float32)
    carrier = scene.file(_picture(np.asarray(photo(SIZE, 51), np.float32) + 1.5 * residual))
    found = await scene.assess(with_manifest(carrier, manifest_of(scene.one, scene.format), scene.format))
    assert (found.verdict, found.run_id) == ("no_evidence", None)
    assert [change.split(" was moved here")[0] for change in found.changes] == ["the manifest", "the watermark"]


@pytest.mark.parametrize("format_", ["png", "webp", "gif"])
async def test_an_image_of_ours_with_further_frames(scenes: dict[str, Scene], format_: str) -> None:
    """What moves behind our first frame is not vouched for, and that is said."""
    scene = scenes["png"]
    ours = decoded(scene.two)
    moving = encoded(ours, format_, save_all=True, append_images=[photo(SIZE, 50)])
    found = await scene.assess(moving)
    assert (found.verdict, found.run_id) == ("ours", "run_2")
    assert "only the first frame of the animation was used" in found.changes


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.98])
async def test_truncated_files_are_answered_or_bad_images(scene: Scene, share: float) -> None:
    try:
        found = await scene.assess(scene.one[: int(share * len(scene.one))])
    except BadImage:
        return
    assert found.legs["manifest"].state != "match"
    assert found.changes


@pytest.fixture(scope="module")
def bare(scenes: dict[str, Scene]) -> dict[str, Any]:
    """A stamper without a watermark, which is quick, and a small stamped file of each format."""
    made = ImageStamper(scenes["png"].stamper.identity, None, MemoryRegistry(), version="1")

    async def fill() -> dict[str, bytes]:
        picture = encoded(photo((96, 64), 3))
        return {each: (await made.stamp(picture, f"image/{each}", FACTS))[0] for each in FORMATS}

    return {"stamper": made, "files": asyncio.run(fill())}


def answer(bare: dict[str, Any], hostile: bytes) -> None:
    """An answer that claims nothing new, or BadImage."""
    try:
        found = asyncio.run(bare["stamper"].assess(hostile))
    except BadImage:
        return
    assert found.verdict in ("ours", "probably_ours", "no_evidence", "other_generator")
    assert found.run_id in (None, "run_1")
    if hostile not in bare["files"].values() and found.legs["manifest"].state == "match":
        assert found.changes  # bytes that no signature covers, named


@settings_of(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_files_are_answered_or_refused(bare: dict[str, Any], data: st.DataObject) -> None:
    """Cut, overwritten, doubled, spliced into one another."""
    files = list(bare["files"].values())
    hostile = bytearray(data.draw(st.sampled_from(files)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(hostile)))
        piece = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from(files).map(lambda file: file[:900])))
        end = place + data.draw(st.integers(0, 200))
        hostile[place:end] = piece
    answer(bare, bytes(hostile))


@settings_of(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_manifests_are_answered(bare: dict[str, Any], data: st.DataObject) -> None:
    """Written over anywhere, in a file that is sound but for that: the damage reaches the reader of manifests."""
    format_ = data.draw(st.sampled_from(FORMATS))
    whole = bare["files"][format_]
    manifest = manifest_of(whole, format_)
    room = 20 if format_ == "jpeg" else 12 if format_ != "avif" else 40  # before it, what holds it
    place = data.draw(st.integers(room, len(manifest) - 40))
    before = manifest[place : place + data.draw(st.integers(1, 24))]
    after = data.draw(st.binary(min_size=len(before), max_size=len(before)))
    answer(bare, with_edited_manifest(whole, before, after, format_))


ODD: dict[str, bytes] = {
    "one pixel": encoded(Image.new("RGB", (1, 1))),
    "a line": encoded(Image.new("RGB", (3000, 2), "white")),
    "all white": encoded(Image.new("RGB", (512, 512), "white")),
    "all black, as JPEG": encoded(Image.new("RGB", (512, 512)), "JPEG"),
    "nothing but transparency": encoded(Image.new("RGBA", (300, 300))),
    "gray of 16 bits": encoded(Image.fromarray(np.arange(65536, dtype=np.uint16).reshape(256, 256))),
    "a palette": encoded(photo((256, 256)).quantize(7), "GIF"),
    "two colors": encoded(photo((256, 256)).convert("1")),
    "ink, as JPEG": encoded(photo((256, 256)).convert("CMYK"), "JPEG"),
    "noise": encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))),
    "an animation": encoded(photo((64, 64)), "GIF", save_all=True, append_images=[photo((64, 64), 1)]),
    "an animation, as WebP": encoded(photo((64, 64)), "WEBP", save_all=True, append_images=[photo((64, 64), 1)]),
    "an animation, as PNG": encoded(photo((64, 64)), "PNG", save_all=True, append_images=[photo((64, 64), 1)]),
    "a bitmap": encoded(photo((256, 256)), "BMP"),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_pictures_are_nobodys(scenes: dict[str, Scene], name: str) -> None:
    found = await scenes["png"].assess(ODD[name])
    assert (found.verdict, found.run_id, found.changes) == ("no_evidence", None, ())


def _picture(pixels: Any) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
