"""What is done to a picture before it is signed: decoded, marked, encoded, and looked at as it will leave.

All of it computes, none of it needs the signing key, and everything that goes in and comes out can be pickled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image

from .. import media
from ..errors import BadImage
from ..png import encode_png
from .fingerprint import pack_thumbnail, pdq, thumbnail
from .pixels import tile_digest
from .watermark.engine import WatermarkEngine

__all__ = ["FORMATS", "Prepared", "encode", "prepare"]

FORMATS = ("image/png", "image/jpeg", "image/webp", "image/avif")


@dataclass(frozen=True)
class Prepared:
    """A picture ready to be signed: `encoded`, `width` x `height` pixels. `mark` is the payload that it carries (hex),
    `pixels` the digest of its tiles, `thumbnail` packed."""

    encoded: bytes = field(repr=False)
    width: int
    height: int
    fingerprint: bytes
    pixels: str
    thumbnail: bytes = field(repr=False)
    mark: str | None
    notes: tuple[str, ...]


def prepare(watermark: WatermarkEngine | None, data: bytes, media_type: str, number: int, quality: int) -> Prepared:
    """The picture in `data`, marked with `number` where there is an engine, as a `media_type` file.

    Raises:
        BadImage: it does not decode within bounds.
    """
    picture = media.decode(data)
    image, mark, notes = _marked(watermark, picture.image, media_type, number)
    encoded = encode(image, media_type, quality)
    final = image
    if media_type != "image/png":
        final = media.open_image(encoded)
        mark, notes = _reread(watermark, final, mark, notes)
    return Prepared(
        encoded=encoded,
        width=final.width,
        height=final.height,
        fingerprint=pdq(final),
        pixels=tile_digest(final),
        thumbnail=pack_thumbnail(thumbnail(final)),
        mark=mark,
        notes=(*picture.notes, *notes),
    )


def _marked(
    watermark: WatermarkEngine | None, image: Image.Image, media_type: str, number: int
) -> tuple[Image.Image, str | None, tuple[str, ...]]:
    if watermark is None:
        return image, None, ("no watermark: no engine is set up",)
    flat = media.flatten(image) if media_type == "image/jpeg" else image
    try:
        marked = watermark.embed(flat, number)
    except BadImage as error:
        return image, None, (f"no watermark: {error}",)
    notes = () if marked.is_robust else ("the watermark of this image may not survive strong compression",)
    return marked.image, watermark.pack(marked.payload).hex(), notes


def _reread(
    watermark: WatermarkEngine | None, final: Image.Image, mark: str | None, notes: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """A lossy encoder has the last word: what it left is what is claimed."""
    if mark is None or watermark is None:
        return mark, notes
    payload = watermark.read(final, "unmoved").payload
    if payload is not None and watermark.pack(payload).hex() == mark:
        return mark, notes
    return None, (*notes, "no watermark: the encoder destroyed it; choose PNG")


def encode(image: Image.Image, media_type: str, quality: int) -> bytes:
    """The image as a file without metadata."""
    if media_type == "image/png":
        return encode_png(image)
    if media_type == "image/avif":
        clean = image.copy()
        clean.info = {}
        out = BytesIO()
        clean.save(out, "AVIF", quality=quality, speed=8)  # a third of the time of 6, for files some 10 % larger
        return out.getvalue()
    format_: Any = media_type.removeprefix("image/")
    return media.encode(image, format_, quality=quality)
