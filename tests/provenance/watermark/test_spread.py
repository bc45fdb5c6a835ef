"""The classical engine: faithful, keyed, read back from what becomes of an image."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from safelight.errors import BadImage
from safelight.provenance.watermark import Marked, SpreadSpectrum

from ..conftest import SECRET, graphic, photo

Attack = Callable[[Image.Image], Image.Image]
ENGINE = SpreadSpectrum(SECRET)
NUMBER = 0x123456789AB


def coded(image: Image.Image, format_: str = "JPEG", quality: int = 75) -> Image.Image:
    out = io.BytesIO()
    image.save(out, format_, quality=quality)
    return Image.open(out).convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def cropped(image: Image.Image, factor: float) -> Image.Image:
    width, height = round(image.width * factor), round(image.height * factor)
    left, top = (image.width - width) // 3, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def noisy(image: Image.Image, deviation: float) -> Image.Image:
    pixels = np.asarray(image, np.float32) + np.random.default_rng(0).normal(0, deviation, (*image.size[::-1], 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def screenshot(image: Image.Image) -> Image.Image:
    small = scaled(image, 0.71)
    screen = Image.new("RGB", (small.width + 160, small.height + 220), (32, 33, 36))
    screen.paste(small, (80, 140))
    ImageDraw.Draw(screen).text((24, 30), "chat 09:41", fill="white")
    return coded(screen, quality=70)


def printed(image: Image.Image) -> Image.Image:
    seen = ImageEnhance.Contrast(image.rotate(1.3, Image.Resampling.BICUBIC, fillcolor="white")).enhance(0.85)
    return coded(noisy(scaled(seen.filter(ImageFilter.GaussianBlur(1)), 0.8), 5), quality=80)


def overlaid(image: Image.Image) -> Image.Image:
    over = image.copy()
    box = (image.width // 2, image.height // 2, image.width * 9 // 10, image.height * 9 // 10)
    ImageDraw.Draw(over).rectangle(box, fill="navy")
    return over


QUICK: dict[str, Attack] = {
    "none": lambda image: image,
    "jpeg 50": lambda image: coded(image, quality=50),
    "crop": lambda image: cropped(image, 0.71),
    "rotate 10": lambda image: image.rotate(10, Image.Resampling.BICUBIC),
    "rotate 90, mirror": lambda image: ImageOps.mirror(image.transpose(Image.Transpose.ROTATE_90)),
    "half": lambda image: scaled(image, 0.5),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "inverted": ImageOps.invert,
    "screenshot": screenshot,
}
ALL: dict[str, Attack] = QUICK | {
    "jpeg 30": lambda image: coded(image, quality=30),
    "jpeg 20": lambda image: coded(image, quality=20),
    "webp 50": lambda image: coded(image, "WEBP", 50),
    "quarter": lambda image: scaled(image, 0.25),
    "double": lambda image: scaled(image, 2),
    "rotate -7": lambda image: image.rotate(-7, Image.Resampling.BICUBIC),
    "rotate 180": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "flip": ImageOps.flip,
    "wider": lambda image: image.resize((round(image.width * 1.1), image.height)),
    "flatter": lambda image: image.resize((image.width, round(image.height * 0.9))),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "gamma": lambda image: image.point([round(255 * (value / 255) ** 1.3) for value in range(256)] * 3),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "median": lambda image: image.filter(ImageFilter.MedianFilter(5)),
    "noise": lambda image: noisy(image, 15),
    "overlay": overlaid,
    "print and scan": printed,
    "crop, scale, jpeg": lambda image: coded(scaled(cropped(image, 0.75), 0.6), quality=60),
    "turn, brighten, jpeg": lambda image: coded(ImageEnhance.Brightness(image.rotate(2)).enhance(1.15), quality=70),
}
PICTURES: dict[str, Callable[[], Image.Image]] = {
    "photo": lambda: photo((512, 512), 3),
    "graphic": graphic,
    "portrait": lambda: photo((360, 640), 4),
    "panorama": lambda: photo((900, 340), 5),
}


@cache
def marked(name: str) -> Marked:
    return ENGINE.embed(PICTURES[name](), NUMBER)


@pytest.mark.parametrize("attack", QUICK)
@pytest.mark.parametrize("name", ["photo", "graphic"])
def test_every_bit_is_read_after(attack: str, name: str) -> None:
    reading = ENGINE.read(QUICK[attack](marked(name).image))
    assert reading.payload == marked(name).payload


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_every_bit_is_read_after_nearly_anything(name: str) -> None:
    lost = [
        attack
        for attack, change in ALL.items()
        if ENGINE.read(change(marked(name).image)).payload != marked(name).payload
    ]
    assert len(lost) <= (2 if name == "graphic" else 1), lost


def test_a_smooth_picture_is_marked_as_strongly_as_hard_compression_asks() -> None:
    """Tried at its own size: a reduced copy loses less to a weaker quantizer than it loses itself to this one."""
    y, x = np.mgrid[:1024, :1024] / 1024
    sky = Image.fromarray(np.stack([245 - 120 * y, 120 + 60 * x, 90 + 140 * y], -1).astype(np.uint8))
    ImageDraw.Draw(sky).ellipse((686, 82, 901, 287), fill=(255, 214, 102))
    made = ENGINE.embed(sky, 7919)
    assert made.psnr > 46
    assert ENGINE.read(coded(made.image, quality=20)).payload == made.payload


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_faithful(name: str) -> None:
    before, after = (np.asarray(each, np.float64) for each in (PICTURES[name](), marked(name).image))
    psnr = 10 * np.log10(255**2 / np.mean((before - after) ** 2))
    assert psnr >= 42
    assert marked(name).psnr == pytest.approx(psnr, abs=1)
    assert np.abs(before - after).max() <= 40


def test_no_mark_is_read_where_there_is_none_and_no_key_reads_another() -> None:
    for image in (photo(), graphic(), Image.new("RGB", (400, 300), "white"), Image.new("RGB", (300, 300))):
        assert ENGINE.read(image).state == "absent"
    assert SpreadSpectrum(b"another secret of thirty-two byt").read(marked("photo").image).state == "absent"


def test_a_retired_secret_still_reads() -> None:
    rotated = SpreadSpectrum(b"a newer secret of thirty-two byt", retired=[SECRET])
    assert rotated.read(marked("photo").image).payload == marked("photo").payload


def test_the_geometry_is_told() -> None:
    image = marked("photo").image
    turned = ENGINE.read(image.rotate(10, Image.Resampling.BICUBIC)).geometry
    assert turned is not None
    assert turned.rotation == pytest.approx(10, abs=0.3)
    assert not turned.is_mirrored
    cut = ENGINE.read(cropped(image, 0.6)).geometry
    assert cut is not None
    assert cut.scale == pytest.approx(0.6, abs=0.01)
    mirrored = ENGINE.read(ImageOps.invert(ImageOps.mirror(image))).geometry
    assert mirrored is not None
    assert mirrored.is_mirrored
    assert mirrored.is_inverted


def test_the_content_tag_knows_its_picture() -> None:
    own = ENGINE.read(coded(ImageOps.mirror(marked("photo").image), quality=60))
    assert own.tag_agreement is not None
    assert own.tag_agreement > 0.8
    residual = np.asarray(marked("photo").image, np.float32) - np.asarray(PICTURES["photo"](), np.float32)
    forged = np.clip(np.asarray(photo((512, 512), 9), np.float32) + 1.5 * residual, 0, 255).astype(np.uint8)
    copied = ENGINE.read(Image.fromarray(forged))
    assert copied.payload == marked("photo").payload  # the mark itself is copied
    assert copied.tag_agreement is not None
    assert copied.tag_agreement < 0.7


def test_a_part_that_was_painted_over_is_found() -> None:
    image = marked("photo").image.copy()
    image.paste(photo((200, 200), 8), (14, 266))
    (left, top, right, bottom), *_ = ENGINE.read(image).unmarked
    assert left <= 0.15
    assert top >= 0.4
    assert right <= 0.6
    assert bottom >= 0.8


def test_a_splice_of_two_marked_images_names_both() -> None:
    other = ENGINE.embed(photo((512, 512), 6), 99)
    image = marked("photo").image.copy()
    image.paste(other.image.crop((0, 0, 256, 512)), (0, 0))
    reading = ENGINE.read(image)
    assert {reading.payload, *reading.others} == {marked("photo").payload, other.payload}


def test_transparency_stays_as_it_is() -> None:
    image = photo((400, 400)).convert("RGBA")
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, 100, 400))
    image.putalpha(alpha)
    made = ENGINE.embed(image, 5)
    assert made.image.mode == "RGBA"
    assert np.array_equal(np.asarray(made.image)[..., 3], np.asarray(image)[..., 3])
    assert np.array_equal(np.asarray(made.image)[:, :100], np.asarray(image)[:, :100])
    assert ENGINE.read(made.image).payload == made.payload


def test_sixteen_bits_stay_sixteen() -> None:
    pixels = np.asarray(photo((400, 400))).astype(np.uint16) * 257
    made, payload, detail = ENGINE.embed_pixels(pixels, 7)
    assert made.dtype == np.uint16
    assert detail["psnr"] > 42
    assert len(np.unique(made % 257)) > 100  # finer than 8 bits
    assert ENGINE.read(Image.fromarray((made >> 8).astype(np.uint8))).payload == payload


@pytest.mark.parametrize("size", [(256, 256), (300, 200), (256, 400)])
def test_small_images_are_marked(size: tuple[int, int]) -> None:
    made = ENGINE.embed(photo(size, 2), 3)
    assert ENGINE.read(coded(made.image, quality=70)).payload == made.payload


def test_images_without_room_are_refused_and_read_as_unmarked() -> None:
    for size in ((100, 100), (400, 30)):
        with pytest.raises(BadImage, match="too few"):
            ENGINE.embed(Image.new("RGB", size), 1)
    for size in ((1, 1), (23, 400), (64, 64), (2000, 30)):
        assert ENGINE.read(Image.new("RGB", size)).state == "absent"


def test_gray_and_palette_images_are_marked_in_color() -> None:
    made = ENGINE.embed(photo((400, 400)).convert("L"), 4)
    assert made.image.mode == "RGB"
    assert ENGINE.read(made.image).payload == made.payload
