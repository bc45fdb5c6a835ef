"""Decodes untrusted images within bounds, and encodes clean ones.

    picture = await asyncio.to_thread(media.decode, data)       # RGB or RGBA, upright, sRGB; or BadImage
    clean, media_type = await asyncio.to_thread(media.sanitize, data)

Every function here is synchronous and pure: call it in a thread. Whatever the bytes are, the only exception is
`BadImage`, whose message says what is wrong and what to do. No Pillow global is set and no warning is issued, so that
any number of threads may decode at once. What is accepted is decided by content, never by a name; `containers` has
walked the file before a decoder sees it, and the declared size is checked before a canvas is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from .containers import MAX_PROFILE_BYTES, Container, open_container, orientation_of, sniff
from .errors import BadImage

try:
    from PIL import AvifImagePlugin

    _AVIF = AvifImagePlugin.SUPPORTED
except ImportError:  # a Pillow built without it
    _AVIF = False

__all__ = [
    "DEFAULT_LIMITS",
    "ImageLimits",
    "Picture",
    "decode",
    "encode",
    "flatten",
    "open_image",
    "sanitize",
    "sniff",
    "thumbnail",
]

OutputFormat = Literal["png", "webp", "jpeg"]

_PLUGINS: dict[str, Callable[..., ImageFile.ImageFile]] = {
    "image/png": PngImagePlugin.PngImageFile,
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
}
if _AVIF:
    _PLUGINS["image/avif"] = AvifImagePlugin.AvifImageFile

_LOSSY = {"image/jpeg", "image/webp", "image/avif"}
_ACCEPTED_WORDS = "PNG, JPEG, WebP, AVIF, GIF or BMP" if _AVIF else "PNG, JPEG, WebP, GIF or BMP"
# Where the Exif orientation must turn or mirror the picture for it to stand upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROFILE_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}


@dataclass(frozen=True)
class ImageLimits:
    """How large an image may be: the file in bytes, the picture in pixels, each side in pixels.

    A decode takes at most some 12 bytes a pixel. `pixels` may not pass 89 million, where Pillow's own alarm begins.
    """

    bytes: int = 50_000_000
    pixels: int = 64_000_000
    side: int = 16_384

    def __post_init__(self) -> None:
        if min(self.bytes, self.side, self.pixels) < 1 or self.pixels > 89_000_000:
            raise ValueError("image limits must be positive, and pixels at most 89,000,000")


DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True)
class Picture:
    """One decoded picture: 8 bits a channel, sRGB, upright, without metadata.

    `image` is RGB, or RGBA where some pixel really is transparent. `media_type` is that of the file it came from;
    `notes` say in plain words what was left out or changed on the way.
    """

    image: Image.Image = field(repr=False)
    media_type: str
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def has_alpha(self) -> bool:
        return self.image.mode == "RGBA"

    @property
    def array(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """uint8 of shape (height, width, 3 or 4)."""
        return np.asarray(self.image)


def decode(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> Picture:
    """The first frame of an untrusted image, upright and in sRGB. Raises BadImage."""
    media_type = _admitted_type(data, limits)
    with _only_bad_image(media_type):
        container = open_container(data, media_type)
        _check_size(container.size, limits)
        if container.coded_pixels > 2 * limits.pixels:  # color and alpha
            raise BadImage(f"The image codes {container.coded_pixels / 1e6:,.0f} million pixels. Scale it down.")
        # The plugin itself, not `Image.open`: that would try further formats, and warns on the way.
        opened = _PLUGINS[media_type](BytesIO(container.data))
        _check_size(opened.size, limits)  # a GIF's frame may stick out of its declared canvas
        notes = ["only the first frame of the animation was used"] if _is_animated(container, opened) else []
        opened.load()
        image, color_notes = _srgb(_eight_bit(opened), container.profile or opened.info.get("icc_profile"))
        # AVIF's own rotation is what the plugin hands on as Exif.
        exif = opened.info.get("exif") if media_type == "image/avif" else None
        orientation = orientation_of(exif) if exif else container.orientation
        if orientation in _UPRIGHT:
            image = image.transpose(_UPRIGHT[orientation])
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
            image = image.convert("RGB")
        image.info = {}
    return Picture(image, media_type, tuple(notes + color_notes))


def open_image(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """The decoded picture itself, RGB or RGBA (see `decode`). Raises BadImage."""
    return decode(data, limits=limits).image


def sanitize(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> tuple[bytes, str]:
    """A clean encoding of an untrusted image, and its media type. Raises BadImage.

    Only pixels survive: no metadata, thumbnail, second format or further frame, nor the color of what is fully
    transparent. What was stored with loss and is opaque becomes a JPEG (quality 95, 4:4:4: a photograph as PNG would be
    ten times its size); everything else becomes a PNG.
    """
    picture = decode(data, limits=limits)
    if picture.media_type in _LOSSY and not picture.has_alpha:
        return encode(picture.image, "jpeg", quality=95), "image/jpeg"
    image = picture.image
    if picture.has_alpha:
        pixels = np.array(image)
        pixels[pixels[..., 3] == 0] = 0
        image = Image.fromarray(pixels, "RGBA")
    return encode(image, "png"), "image/png"


def encode(image: Image.Image, format: OutputFormat = "png", *, quality: int = 92) -> bytes:
    """The image as a file without metadata. `quality` is 1..100, of no effect on PNG; JPEG is set on white.

    Raises BadImage where the format cannot hold the image, ValueError on a format or quality that does not exist.
    """
    if format not in ("png", "webp", "jpeg") or not 1 <= quality <= 100:
        raise ValueError(f"cannot encode as {format!r} with quality {quality}: choose png, webp or jpeg, and 1..100")
    clean = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA" if image.has_transparency_data else "RGB")
    clean = flatten(clean) if format == "jpeg" else clean.copy()
    clean.info = {}  # Pillow writes a profile that it finds there
    options: dict[str, Any] = {
        "png": {"compress_level": 6},
        "webp": {"quality": quality, "method": 2},  # half the time of 4, for the same size
        "jpeg": {"quality": quality, "subsampling": 0 if quality >= 90 else 2, "optimize": True},
    }[format]
    out = BytesIO()
    try:
        clean.save(out, format, **options)
    except (OSError, ValueError, SystemError, MemoryError) as error:
        raise BadImage(
            f"An image of {image.width} x {image.height} pixels cannot be stored as {format}: {error}. "
            "Choose PNG or a smaller size."
        ) from error
    return out.getvalue()


def flatten(image: Image.Image, background: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """The RGB image that is seen when `image` lies on a plain background."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    canvas = Image.new("RGB", image.size, background)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def thumbnail(image: Image.Image, side: int = 512) -> Image.Image:
    """A copy whose longer side is at most `side` pixels, never enlarged."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def _admitted_type(data: bytes, limits: ImageLimits) -> str:
    if not data:
        raise BadImage("The image is empty (0 bytes). Choose another file.")
    if len(data) > limits.bytes:
        raise BadImage(
            f"The image has {len(data) / 1e6:.1f} MB; at most {limits.bytes / 1e6:g} MB are accepted. Save it smaller."
        )
    media_type = sniff(data)
    if media_type is None:
        raise BadImage(f"This is not an image that can be read. Give it as {_ACCEPTED_WORDS}.")
    if media_type not in _PLUGINS:
        kind = media_type.removeprefix("image/").removesuffix("+xml").upper()
        raise BadImage(f"{kind} images are not accepted. Save it as {_ACCEPTED_WORDS}.")
    return media_type


@contextmanager
def _only_bad_image(media_type: str) -> Iterator[None]:
    """Whatever a decoder throws at us becomes a BadImage."""
    kind = media_type.removeprefix("image/").upper()
    try:
        yield
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage(f"There is not enough memory to decode this {kind}. Save it smaller.") from error
    except Exception as error:  # decoders raise nearly everything on hostile bytes
        raise BadImage(f"The {kind} is cut off or damaged ({error}). Save or upload it again.") from error


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise BadImage(f"The image has no area ({width} x {height} pixels). Choose another file.")
    if width > limits.side or height > limits.side or width * height > limits.pixels:
        raise BadImage(
            f"The image has {width} x {height} pixels; at most {limits.side:,} a side and {limits.pixels / 1e6:g} "
            "million in all are accepted. Scale it down."
        )


def _is_animated(container: Container, image: ImageFile.ImageFile) -> bool:
    return container.animated or bool(getattr(image, "is_animated", False))


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image as L, LA, RGB, RGBA or CMYK, with a transparent color or palette entry turned into alpha."""
    if image.mode.startswith("I"):
        return _from_sixteen_bit(image)
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("1", "L", "RGB") and "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "RGBX":
        return image.convert("RGB")
    if image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        raise BadImage(f"The image stores its colors as {image.mode}, which is not accepted. Save it as a PNG.")
    return image.copy()


def _from_sixteen_bit(image: Image.Image) -> Image.Image:
    """Gray of up to 16 bits a pixel, scaled to 8 (Pillow would cut off at 255 instead)."""
    values = np.asarray(image).astype(np.int64)
    gray = Image.fromarray((values.clip(0, 0xFFFF) >> 8).astype(np.uint8), "L")
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        gray.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8), "L"))
    return gray


def _srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[str]]:
    """The image in sRGB, RGB or RGBA, and a note where its color profile had to be ignored."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    base = image.convert(image.mode.removesuffix("A")) if alpha is not None else image
    converted, notes = None, []
    if profile is not None:
        converted = _apply_profile(base, profile)
        if converted is None:
            notes.append("the color profile could not be used and was ignored")
    rgb = converted if converted is not None else base.convert("RGB")
    if alpha is not None:
        rgb.putalpha(alpha)
    return rgb, notes


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The image through its ICC profile (ICC.1:2022), or None where that is damaged or of another color space."""
    fits = profile[36:40] == b"acsp" and profile[16:20] == _PROFILE_SPACES.get(image.mode)
    if not fits or len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
