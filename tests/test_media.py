"""Untrusted images: whatever the bytes, a `Picture` within bounds or `BadImage`."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, ImageOps, PngImagePlugin

from safelight import media
from safelight.avif import coded_sizes
from safelight.containers import orientation_of
from safelight.errors import BadImage

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF")


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, 128 + 0 * x], -1).astype(np.uint8), "RGB")


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, packed: bytes, *extra: bytes, depth: int = 8, color: int = 0) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_accepted_format_decodes_to_what_was_saved(kind: str) -> None:
    picture = media.decode(saved(gradient(), kind))
    assert (picture.width, picture.height) == (64, 48)
    assert picture.image.mode == "RGB"
    assert not picture.has_alpha
    assert picture.media_type == f"image/{kind.lower()}"
    assert picture.image.info == {}
    assert type(picture.image) is Image.Image
    assert distance(picture.image, gradient()) < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png_color_modes(mode: str) -> None:
    image = gradient().convert(mode)
    picture = media.decode(saved(image))
    assert picture.image.mode == "RGB"
    assert distance(picture.image, image.convert("RGB")) == 0


def test_png_of_16_bits_is_scaled_and_not_clipped() -> None:
    gray = np.asarray(gradient().convert("L"))
    picture = media.decode(saved(Image.fromarray(gray.astype(np.uint16) * 257)))
    assert (picture.array[..., 0] == gray).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_color_modes(mode: str) -> None:
    picture = media.decode(saved(gradient().convert(mode), "JPEG", quality=95))
    assert distance(picture.image, gradient().convert(mode).convert("RGB")) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(gradient(), kind, exif=exif)
    with Image.open(io.BytesIO(data)) as reference:
        assert distance(media.open_image(data), ImageOps.exif_transpose(reference).convert("RGB")) == 0


def test_damaged_exif_is_no_reason_to_refuse_or_warn() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "described at length" * 5
    block = exif.tobytes()
    for cut in range(6, len(block), 3):
        data = saved(gradient(), "JPEG", exif=block[:cut])
        assert media.decode(data).width in (48, 64)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_orientation_of_nonsense_is_upright_or_valid(block: bytes) -> None:
    assert 1 <= orientation_of(b"Exif\x00\x00II*\x00" + block) <= 8
    assert 1 <= orientation_of(block) <= 8


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_transparency_survives_and_full_opacity_is_dropped(kind: str) -> None:
    image = gradient().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: 255 if value > 128 else 0))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    picture = media.decode(saved(image, kind, **options))
    assert picture.has_alpha
    assert picture.array.shape == (48, 64, 4)
    assert distance(picture.image.getchannel("A"), image.getchannel("A")) == 0
    assert media.decode(saved(gradient().convert("RGBA"))).image.mode == "RGB"


@pytest.mark.parametrize(("mode", "clear"), [("L", 7), ("RGB", (7, 7, 7)), ("1", 0)])
def test_a_transparent_color_becomes_alpha(mode: str, clear: object) -> None:
    image = Image.new(mode, (4, 4), clear)
    image.putpixel((0, 0), 255 if mode != "RGB" else (255, 255, 255))
    alpha = media.open_image(saved(image, transparency=clear)).getchannel("A")
    assert alpha.getpixel((0, 0)) == 255
    assert alpha.getpixel((1, 1)) == 0


def test_a_transparent_16_bit_gray_becomes_alpha() -> None:
    row = b"\x00" + struct.pack(">HH", 0x0102, 0x0103)
    alpha = media.open_image(png(2, 1, zlib.compress(row), chunk(b"tRNS", struct.pack(">H", 0x0102)), depth=16))
    assert [alpha.getpixel((x, 0)) for x in (0, 1)] == [(1, 1, 1, 0), (1, 1, 1, 255)]


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries are exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_color_profiles_are_applied(kind: str) -> None:
    data = saved(Image.new("RGB", (16, 16), (250, 5, 5)), kind, icc_profile=swapped_profile(), quality=95)
    red, green, _ = media.open_image(data).getpixel((8, 8))
    assert green > 200
    assert red < 80


def test_an_unusable_profile_is_ignored_and_noted() -> None:
    for profile in (b"\x00" * 200, swapped_profile()[:150], swapped_profile().replace(b"RGB XYZ ", b"CMYKXYZ ")):
        picture = media.decode(saved(gradient(), "PNG", icc_profile=profile))
        assert picture.notes == ("the color profile could not be used and was ignored",)
        assert distance(picture.image, gradient()) == 0


def test_animations_give_their_first_frame_and_say_so() -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "blue", "lime")]
    for kind, options in (("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})):
        picture = media.decode(saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options))
        assert picture.notes == ("only the first frame of the animation was used",)
        assert picture.image.getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
@pytest.mark.parametrize("kind", FORMATS)
def test_extreme_shapes(kind: str, size: tuple[int, int]) -> None:
    assert media.open_image(saved(Image.new("RGB", size, "red"), kind)).size == size


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        (b"\x00" * 5000, "not an image"),
        (b"<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG images are not accepted"),
        (b"\xef\xbb\xbf  <SVG onload=alert(1)>", "SVG images are not accepted"),
        (b"II*\x00" + b"\x00" * 50, "TIFF images are not accepted"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 50, "HEIC images are not accepted"),
        (b"%PDF-1.7", "not an image"),
        (b"<html></html>", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (b"GIF89a", "damaged"),
        (b"BM", "damaged"),
        (b"RIFF\x00\x00\x00\x00WEBP", "damaged"),
        (b"\x00\x00\x00\x18ftypavif", "damaged"),
    ],
)
def test_what_is_no_image_is_refused_in_clear_words(data: bytes, words: str) -> None:
    with pytest.raises(BadImage, match=words):
        media.decode(data)


def test_zero_size_is_refused() -> None:
    with pytest.raises(BadImage, match="no area"):
        media.decode(png(0, 5, zlib.compress(b"")))


def test_bounds_on_bytes_pixels_and_sides() -> None:
    data = saved(gradient())
    for limits in (media.ImageLimits(bytes=100), media.ImageLimits(pixels=3000), media.ImageLimits(side=63)):
        with pytest.raises(BadImage, match="are accepted"):
            media.decode(data, limits=limits)
    assert media.decode(data, limits=media.ImageLimits(bytes=len(data), pixels=64 * 48, side=64))
    for bad in ({"pixels": 90_000_000}, {"side": 0}, {"bytes": -1}):
        with pytest.raises(ValueError, match="limits"):
            media.ImageLimits(**bad)


def declared(kind: str, width: int, height: int) -> bytes:
    """A small file that claims to be large."""
    data = bytearray(saved(gradient(), kind, **({"lossless": True} if kind == "WEBP" else {})))
    if kind == "PNG":
        return png(width, height, zlib.compress(b"\x00" * 1000))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "WEBP":
        data[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_declared_size_is_checked_before_anything_is_allocated(kind: str) -> None:
    with pytest.raises(BadImage, match="million in all"):
        media.decode(declared(kind, 16_000, 16_000))


def test_an_avif_is_measured_by_what_its_decoder_will_fill() -> None:
    data = saved(Image.new("RGB", (4000, 3000), "red"), "AVIF", speed=10)
    at = data.index(b"ispe") + 8
    lying = data[:at] + struct.pack(">II", 16, 16) + data[at + 8 :]
    assert coded_sizes(lying) == [(4000, 3000)]
    for sample in (data, lying):
        with pytest.raises(BadImage, match="million"):
            media.decode(sample, limits=media.ImageLimits(pixels=1_000_000))
    alpha = gradient().convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    assert coded_sizes(saved(alpha, "AVIF")) == [(64, 48), (64, 48)]


def test_animated_avif_is_refused() -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "blue")]
    with pytest.raises(BadImage, match="Animated AVIF"):
        media.decode(saved(frames[0], "AVIF", save_all=True, append_images=frames[1:]))


@given(st.binary(max_size=120), st.integers(0, 400))
@settings(deadline=None)
def test_measuring_nonsense_refuses(data: bytes, at: int) -> None:
    sample = SAMPLES["avif"]
    with suppress(BadImage):
        coded_sizes(data)
    with suppress(BadImage):
        coded_sizes(sample[:at] + data + sample[at + len(data) :])


def test_a_webp_canvas_larger_than_its_picture_is_refused() -> None:
    data = bytearray(saved(gradient(), "WEBP", icc_profile=swapped_profile()))
    assert data[12:16] == b"VP8X"
    data[24:30] = (9_999_999).to_bytes(3, "little") * 2
    with pytest.raises(BadImage, match="million in all"):
        media.decode(bytes(data))


def test_a_gif_frame_that_sticks_out_of_its_canvas_is_bounded() -> None:
    data = bytearray(saved(gradient(), "GIF"))
    at = data.index(b"\x2c", 13 + 3 * (2 << (data[10] & 7)))
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    with pytest.raises(BadImage, match="million in all"):
        media.decode(bytes(data))


BOMBS = """
import resource, struct, sys, time, zlib
from safelight import media
from safelight.avif import coded_sizes
from safelight.errors import BadImage
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
sys.path.insert(0, sys.argv[1])
from test_media import bombs
for name, data, fine in bombs():
    start = time.process_time()
    try:
        media.decode(data)
        outcome = True
    except BadImage as error:
        assert "memory" not in str(error), (name, error)
        outcome = False
    assert outcome is fine, name
    assert time.process_time() - start < 8, name
print("held")
"""


def bombs() -> list[tuple[str, bytes, bool]]:
    """Name, bytes, and whether there is an honest picture in it that must still be decoded."""
    zeros = zlib.compress(bytes(150_000_000), 9)
    row = zlib.compress(b"\x00\x05")
    scans = saved(gradient(2000, 2000), "JPEG", progressive=True)
    last = scans.rindex(b"\xff\xda")
    return [
        ("pixels behind the last row", png(10, 10, zeros), True),
        ("packed text", png(1, 1, row, chunk(b"zTXt", b"a\x00\x00" + zeros)), True),
        ("packed international text", png(1, 1, row, chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + zeros)), True),
        ("packed profile", png(1, 1, row, chunk(b"iCCP", b"a\x00\x00" + zeros)), True),
        ("many text chunks", png(1, 1, row, *[chunk(b"tEXt", b"a\x00b")] * 150_000), True),
        ("endless chunks", png(1, 1, row, *[chunk(b"tEXt", b"a\x00b")] * 300_000), False),
        ("a thousand scans", scans[:last] + scans[last:-2] * 1000 + b"\xff\xd9", False),
        ("a million markers", b"\xff\xd8" + b"\xff\xfe\x00\x02" * 1_000_000, False),
        ("too many pixels", png(16_000, 16_000, zeros), False),
    ]


def test_bombs_are_held_in_memory_and_time() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", BOMBS, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.stdout.strip() == "held", ran.stderr


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_at_any_point(kind: str) -> None:
    data = saved(gradient(), kind)
    refused = 0
    for length in range(0, len(data) - 1, max(1, len(data) // 60)):
        try:
            media.decode(data[:length])
        except BadImage:
            refused += 1
    assert refused > 20


def test_sanitize_leaves_nothing_but_pixels() -> None:
    secret = b"GPS 52.5200 13.4050 SECRET"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", secret.decode(), zip=False)
    tail = b"PK\x03\x04" + secret
    for data in (
        saved(gradient(), "PNG", pnginfo=text, exif=exif) + tail,
        saved(gradient(), "JPEG", exif=exif, comment=secret) + tail,
        saved(gradient(), "WEBP", exif=exif, xmp=secret) + tail,
        saved(gradient(), "GIF", comment=secret) + tail,
        saved(gradient(), "AVIF", exif=exif),
    ):
        assert secret in data
        clean, media_type = media.sanitize(data)
        assert secret not in clean
        assert b"PK\x03\x04" not in clean
        assert media.sniff(clean) == media_type
        with Image.open(io.BytesIO(clean)) as image:
            assert not image.getexif()
            assert not {"exif", "xmp", "comment", "icc_profile", "Comment"} & image.info.keys()
        assert distance(media.open_image(clean), media.open_image(data)) < 2


def test_sanitize_removes_what_is_drawn_under_full_transparency() -> None:
    pixels = np.full((8, 8, 4), 200, np.uint8)
    pixels[:4, :, 3] = 0
    clean, media_type = media.sanitize(saved(Image.fromarray(pixels, "RGBA")))
    result = np.asarray(media.open_image(clean))
    assert media_type == "image/png"
    assert (result[:4] == 0).all()
    assert (result[4:] == 200).all()


def test_sanitize_keeps_photographs_small_and_drawings_exact() -> None:
    noise = Image.effect_noise((256, 256), 60).convert("RGB")
    clean, media_type = media.sanitize(saved(noise, "JPEG", quality=80))
    assert media_type == "image/jpeg"
    assert len(clean) < len(saved(noise))
    assert media.sanitize(saved(gradient()))[1] == "image/png"
    assert distance(media.open_image(media.sanitize(saved(gradient()))[0]), gradient()) == 0


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_sanitized_png_is_a_fixed_point(width: int, height: int, mode: str, source: random.Random) -> None:
    image = Image.frombytes(mode, (width, height), source.randbytes(width * height * len(mode)))
    once = media.sanitize(saved(image))
    assert media.sanitize(once[0]) == once


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    for start in (
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"BM",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x18ftypavif",
    ):
        with suppress(BadImage):
            media.sanitize(start + data)


SAMPLES = {
    "png": saved(gradient(24, 16)),
    "png-palette": saved(gradient(24, 16).quantize(16), transparency=3),
    "png-animated": saved(gradient(24, 16), save_all=True, append_images=[gradient(24, 16).rotate(180)]),
    "png-16": saved(Image.fromarray(np.arange(384, dtype=np.uint16).reshape(16, 24) * 150)),
    "jpeg": saved(gradient(24, 16), "JPEG", icc_profile=swapped_profile()),
    "jpeg-progressive": saved(gradient(24, 16), "JPEG", progressive=True),
    "jpeg-cmyk": saved(gradient(24, 16).convert("CMYK"), "JPEG"),
    "webp": saved(gradient(24, 16), "WEBP"),
    "webp-lossless": saved(gradient(24, 16).convert("RGBA"), "WEBP", lossless=True, icc_profile=swapped_profile()),
    "gif": saved(gradient(24, 16), "GIF", save_all=True, append_images=[gradient(24, 16).rotate(180)]),
    "bmp": saved(gradient(24, 16), "BMP"),
    "avif": saved(gradient(24, 16), "AVIF"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_mutated_images_never_raise_anything_else(name: str) -> None:
    """Bytes are changed, cut, doubled and moved; warnings are errors here, so nothing may warn either."""
    source = random.Random(name)
    original = SAMPLES[name]
    for _ in range(150):
        data = bytearray(original)
        for _ in range(source.choice((1, 1, 2, 5, 20))):
            at = source.randrange(len(data))
            match source.randrange(5):
                case 0:
                    data[at] = source.randrange(256)
                case 1:
                    data[at] ^= 1 << source.randrange(8)
                case 2:
                    data[at : at + 4] = source.choice(
                        (b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01")
                    )
                case 3:
                    del data[at : at + source.randrange(1, 30)]
                case 4:
                    data[at:at] = data[max(0, at - 40) : at]
            if not data:
                break
        if name.startswith("png") and source.random() < 0.7:
            data = bytearray(with_right_checksums(bytes(data)))
        try:
            picture = media.decode(bytes(data))
        except BadImage:
            continue
        assert picture.image.mode in ("RGB", "RGBA")
        assert picture.width * picture.height <= media.DEFAULT_LIMITS.pixels


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose checksums fit what mutation made of it, so that mutations reach the decoder."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        out.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join(out) + data[at:]


def test_threads_decode_at_once_and_no_global_is_touched() -> None:
    before = (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        PngImagePlugin.MAX_TEXT_CHUNK,
        list(warnings.filters),
    )
    samples = list(SAMPLES.values()) * 8
    alone = [media.decode(data).image.tobytes() for data in samples]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda data: media.decode(data).image.tobytes(), samples)) == alone
    after = (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        PngImagePlugin.MAX_TEXT_CHUNK,
        list(warnings.filters),
    )
    assert after == before


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_encode_writes_no_metadata_and_flattens_for_jpeg(kind: str) -> None:
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    image.info["icc_profile"] = swapped_profile()
    image.info["exif"] = b"Exif\x00\x00secret"
    data = media.encode(image, kind)  # type: ignore[arg-type]
    assert media.sniff(data) == f"image/{kind}"
    assert b"secret" not in data
    with Image.open(io.BytesIO(data)) as stored:
        assert "icc_profile" not in stored.info
    shown = media.flatten(media.open_image(data)).getpixel((3, 3))
    assert shown == (255, 255, 255)
    assert image.info["icc_profile"]  # the caller's image is left alone


def test_encode_refuses_what_cannot_be() -> None:
    with pytest.raises(BadImage, match="cannot be stored as webp"):
        media.encode(Image.new("RGB", (17_000, 1)), "webp")
    for arguments in ({"format": "tiff"}, {"quality": 0}, {"quality": 101}):
        with pytest.raises(ValueError, match="cannot encode"):
            media.encode(gradient(), **arguments)


def test_thumbnail_fits_and_never_enlarges() -> None:
    assert media.thumbnail(gradient(1000, 500), 100).size == (100, 50)
    assert media.thumbnail(gradient(10, 5), 100).size == (10, 5)
