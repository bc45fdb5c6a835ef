"""The illustrator as a generator: formats, sizes, determinism, honest notes, clear errors, an unblocked loop."""

import asyncio
import io
import time

import numpy as np
import pytest
from PIL import Image

from safelight.errors import BadInput
from safelight.tools.images.canvas import HONEST_NOTE, Canvas
from safelight.tools.images.generator import ImageGenerator, ImageRequest
from safelight.tools.images.spec import Chart, ImageSpec, Item, Size, StyleSheet


@pytest.fixture(scope="module")
def canvas():
    made = Canvas()
    yield made
    made.close()


def spec_of(**changes):
    values = {
        "index": 0,
        "of": 4,
        "role": "cover",
        "prompt": "a harbor at dawn",
        "title": "Harbor at dawn",
        "subject": "sailboat sea",
        "size": Size(width=512, height=512),
    }
    return ImageSpec(**{**values, **changes})


def open_(image):
    return Image.open(io.BytesIO(image.data))


async def test_is_a_generator_that_says_what_it_is(canvas):
    assert isinstance(canvas, ImageGenerator)
    assert canvas.name == "canvas"
    assert canvas.algorithmic
    assert canvas.capabilities.idempotent
    assert canvas.capabilities.edit
    image = await canvas.generate(ImageRequest(spec=spec_of(), style=StyleSheet()))
    assert HONEST_NOTE in image.notes
    assert image.cost == 0
    assert any("OFL" in line or "Open Font" in line for line in image.licences)
    assert any("ISC" in line for line in image.licences)


@pytest.mark.parametrize("direction", ["swiss", "darkroom", "papercut", "botanical"])
async def test_same_request_same_bytes_other_seed_other_picture(direction):
    request = ImageRequest(spec=spec_of(), style=StyleSheet(direction=direction), seed=7)
    first, second = Canvas(), Canvas()
    one, two = await first.generate(request), await second.generate(request)
    assert one.data == two.data
    other = await first.generate(ImageRequest(spec=spec_of(), style=StyleSheet(direction=direction), seed=8))
    assert other.data != one.data
    first.close()
    second.close()


@pytest.mark.parametrize(("format_", "kind"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
async def test_formats_and_size(canvas, format_, kind):
    spec = spec_of(size=Size(width=600, height=400))
    image = await canvas.generate(ImageRequest(spec=spec, style=StyleSheet(), format=format_))
    with open_(image) as opened:
        assert opened.format == kind
        assert opened.size == (600, 400) == (image.width, image.height)
        assert image.media_type == f"image/{format_}"
        assert not opened.info.get("exif")


@pytest.mark.parametrize(("w", "h"), [(256, 256), (256, 768), (768, 256), (1080, 1920), (1152, 384)])
async def test_sizes_and_aspects(canvas, w, h):
    spec = spec_of(
        size=Size(width=w, height=h), role="step", items=(Item(label="Set out", icon="anchor"), Item(label="Come home"))
    )
    image = await canvas.generate(ImageRequest(spec=spec, style=StyleSheet(direction="editorial")))
    with open_(image) as opened:
        assert opened.size == (w, h)
        assert np.asarray(opened.convert("L")).std() > 10


@pytest.mark.slow
@pytest.mark.parametrize(("w", "h"), [(3840, 2160), (3840, 1280), (1280, 3840)])
async def test_largest_sizes(canvas, w, h):
    image = await canvas.generate(ImageRequest(spec=spec_of(size=Size(width=w, height=h)), style=StyleSheet()))
    assert (image.width, image.height) == (w, h)


async def test_refuses_what_it_cannot_draw(canvas):
    with pytest.raises(BadInput, match="1:3"):
        await canvas.generate(ImageRequest(spec=spec_of(size=Size(width=2000, height=300)), style=StyleSheet()))
    with pytest.raises(BadInput, match="palette"):
        await canvas.generate(ImageRequest(spec=spec_of(), style=StyleSheet(palette={"paper": "blue-ish"})))
    chart = Chart(categories=("a", "b"), series={"s": (1.0,)})
    with pytest.raises(BadInput, match="1 values for 2"):
        await canvas.generate(ImageRequest(spec=spec_of(role="chart", chart=chart), style=StyleSheet()))
    chart = Chart(categories=("a",), series={"s": (float("nan"),)})
    with pytest.raises(BadInput, match="finite"):
        await canvas.generate(ImageRequest(spec=spec_of(role="chart", chart=chart), style=StyleSheet()))


async def test_drawing_leaves_the_event_loop_free(canvas):
    """While an image of some hundred milliseconds is drawn, a 5 ms timer is never late by half of that."""
    await canvas.generate(ImageRequest(spec=spec_of(), style=StyleSheet(direction="papercut")))
    late = 0.0
    drawing = asyncio.create_task(
        canvas.generate(
            ImageRequest(spec=spec_of(size=Size(width=1280, height=1280)), style=StyleSheet(direction="papercut"))
        )
    )
    began = time.perf_counter()
    while not drawing.done():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        late = max(late, time.perf_counter() - before - 0.005)
    took = time.perf_counter() - began
    assert late < took / 2


async def test_a_set_shares_its_palette_and_no_two_images_are_alike(canvas):
    style = StyleSheet(direction="swiss", seed=3)
    images = [
        await canvas.generate(ImageRequest(spec=spec_of(index=i, title=f"Part {i + 1}"), style=style, seed=3))
        for i in range(3)
    ]
    assert len({image.data for image in images}) == 3
    corners = set()
    for image in images:
        with open_(image) as opened:
            corners.add(opened.convert("RGB").getpixel((5, 5)))
    assert len(corners) == 1


async def test_users_palette_is_used(canvas):
    style = StyleSheet(direction="swiss", palette={"paper": "#102030", "accent": "#ff8800"})
    image = await canvas.generate(ImageRequest(spec=spec_of(), style=style))
    with open_(image) as opened:
        assert opened.convert("RGB").getpixel((3, 3)) == (16, 32, 48)


async def test_a_reference_picture_takes_the_place_of_the_scene(canvas):
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "#00ff00").save(out, "PNG")
    spec = spec_of(role="step", references=("sha256:r",))
    request = ImageRequest(spec=spec, style=StyleSheet(direction="editorial"), images={"sha256:r": out.getvalue()})
    image = await canvas.generate(request)
    with open_(image) as opened:
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    green = (pixels[..., 1] > 230) & (pixels[..., 0] < 40) & (pixels[..., 2] < 40)
    assert green.mean() > 0.2
    assert any("nothing in it was redrawn" in note for note in image.notes)
    with pytest.raises(BadInput, match="not passed"):
        await canvas.generate(ImageRequest(spec=spec, style=StyleSheet()))
