"""Edits of foreign images: what an instruction means, what is done, and what is honestly not."""

import io

import numpy as np
import pytest
from PIL import Image

from safelight.errors import BadImage, BadInput
from safelight.tools.images.canvas import Canvas
from safelight.tools.images.canvas.instruction import read_instruction
from safelight.tools.images.generator import ImageRequest
from safelight.tools.images.spec import ImageSpec, Size, StyleSheet


def picture(width=480, height=320) -> bytes:
    """A gradient with a red square left of the center."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 120)], axis=2).astype(np.uint8)
    pixels[120:200, 100:180] = (230, 30, 30)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def mask_of(box, size=(480, 320)) -> bytes:
    mask = Image.new("L", size, 0)
    mask.paste(255, box)
    out = io.BytesIO()
    mask.save(out, "PNG")
    return out.getvalue()


async def edited(instruction, mask=None, data=None, **fields):
    spec = ImageSpec(
        index=0, of=1, role="scene", prompt=instruction, instruction=instruction, edit_of="sha256:a",
        mask="sha256:m" if mask else None, size=Size(width=480, height=320), **fields,
    )  # fmt: skip
    images = {"sha256:a": data or picture()} | ({"sha256:m": mask} if mask else {})
    canvas = Canvas()
    try:
        result = await canvas.generate(ImageRequest(spec=spec, style=StyleSheet(), images=images))
    finally:
        canvas.close()
    with Image.open(io.BytesIO(result.data)) as opened:
        return np.asarray(opened.convert("RGB")).astype(int), result


@pytest.mark.parametrize(
    ("instruction", "kinds"),
    [
        ("make it black and white", ["grayscale"]),
        ("Crop to a square, please", ["crop"]),
        ("add the title 'Sale'", ["title"]),
        ("warmer colors", ["warm"]),
        ("extend to 16:9", ["extend"]),
        ("pixelate the license plate", ["pixelate"]),
        ("Put the headline “Summer Fair” on it and crop it to 4:5, slightly brighter", ["title", "crop", "brighter"]),
        ('Add a caption "Photo: A. Lee" then rotate 90 degrees', ["caption", "rotate"]),
        ("tint it blue", ["tint"]),
        ("add a white border", ["border"]),
        ("remove the man in the background", []),
        ("make the sky purple", []),
    ],
)
def test_instructions_are_read_as_steps(instruction, kinds):
    ops, notes = read_instruction(instruction)
    assert [op.kind for op in ops] == kinds
    assert bool(notes) == (not kinds)


def test_what_is_beyond_it_is_said_beside_what_is_done():
    ops, notes = read_instruction("replace the dog with a cat and make it darker")
    assert [op.kind for op in ops] == ["darker"]
    assert "replace the dog" in notes[0]


async def test_grayscale_has_no_color():
    pixels, _ = await edited("make it black and white")
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() == 0


async def test_crop_and_extend_reach_the_aspect():
    pixels, _ = await edited("crop to a square")
    assert pixels.shape[:2] == (320, 320)
    pixels, _ = await edited("extend to 3:1")
    assert pixels.shape[:2] == (320, 960)
    original = np.asarray(Image.open(io.BytesIO(picture()))).astype(int)
    assert np.abs(pixels[:, 240:720] - original).max() == 0


async def test_warm_moves_red_up_and_blue_down():
    pixels, _ = await edited("warmer colors")
    original = np.asarray(Image.open(io.BytesIO(picture()))).astype(int)
    assert pixels[..., 2].mean() < original[..., 2].mean() - 5


async def test_redact_covers_the_mask_and_nothing_else():
    pixels, _ = await edited("redact the name", mask=mask_of((100, 120, 180, 200)))
    original = np.asarray(Image.open(io.BytesIO(picture()))).astype(int)
    assert pixels[125:195, 105:175].max() == 0
    assert np.abs(pixels[:110] - original[:110]).max() == 0
    assert np.abs(pixels[:, 200:] - original[:, 200:]).max() == 0


async def test_redact_without_a_mask_is_refused():
    with pytest.raises(BadInput, match="mask"):
        await edited("redact the name")


async def test_masked_blur_stays_within_the_mask():
    pixels, _ = await edited("blur the face", mask=mask_of((90, 110, 190, 210)))
    original = np.asarray(Image.open(io.BytesIO(picture()))).astype(int)
    assert np.abs(pixels[:, 220:] - original[:, 220:]).max() == 0
    assert np.abs(pixels[112:208, 92:188] - original[112:208, 92:188]).max() > 20


async def test_title_is_set_and_readable():
    pixels, result = await edited("add the title “Sale ends Sunday”")
    original = np.asarray(Image.open(io.BytesIO(picture()))).astype(int)
    assert np.abs(pixels - original).max() > 60
    assert "shortened" not in " ".join(result.notes)


@pytest.mark.parametrize("data", [b"", b"not an image", picture()[:200]])
async def test_bad_images_are_refused(data):
    with pytest.raises(BadImage):
        await edited("make it black and white", data=data or b"\x00")


async def test_bomb_is_refused():
    out = io.BytesIO()
    Image.new("1", (20000, 20000)).save(out, "PNG")
    with pytest.raises(BadImage, match=r"pixels|decoded"):
        await edited("make it black and white", data=out.getvalue())


async def test_what_no_edit_can_serve_is_refused_with_what_can():
    with pytest.raises(BadInput, match="Possible: crop"):
        await edited("replace the dog with a cat")
    spec = ImageSpec(
        index=0, of=1, prompt="x", edit_of="sha256:zz", instruction="crop", size=Size(width=300, height=300)
    )
    with pytest.raises(BadInput, match="not passed"):
        await Canvas().generate(ImageRequest(spec=spec, style=StyleSheet()))
