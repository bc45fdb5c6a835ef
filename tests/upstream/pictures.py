"""Pictures that follow from a prompt, each unlike every other, with the prompt's flags in a text chunk."""

from __future__ import annotations

import hashlib
import io
import random
import re
import struct
import zlib
from functools import lru_cache

from PIL import Image

from .config import Picture

__all__ = ["FLAG", "flags_in", "make_picture"]

FLAG = re.compile(r"\[\[flag:([a-z/-]+)\]\]")
_MARK = b"tEXtstub\x00"


def make_picture(picture: Picture, seed: str, size: str, form: str, flags: list[str]) -> bytes:
    """An image file in `form` (png, jpeg, webp or gif). Only PNG carries the flags."""
    digest = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=8).hexdigest()
    width, height = _pixels(picture, size)
    hue = int(digest[:2], 16)
    if form != "png":
        return _encode(width, height, hue, form)
    head, tail = _png(picture.mode, width, height, hue)
    text = b"stub\x00" + digest.encode() + b" flags=" + ",".join(flags).encode() + b";"
    return head + _chunk(b"tEXt", text) + tail


def flags_in(data: bytes) -> list[str]:
    """The flags of a picture made here; none in any other."""
    start = data.find(_MARK)
    if start < 0:
        return []
    match = re.search(rb" flags=([a-z/,-]+);", data[start : start + 400])
    return match[1].decode().split(",") if match else []


def _pixels(picture: Picture, size: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if picture.mode == "tiny":
        return picture.px, picture.px
    return (int(match[1]), int(match[2])) if match else (1024, 1024)


@lru_cache(maxsize=128)
def _png(mode: str, width: int, height: int, hue: int) -> tuple[bytes, bytes]:
    """Signature with header, and data with end: the text chunk goes between."""
    rng = random.Random(hue * 7919 + 13)
    red, green, blue = (rng.randrange(32, 224) for _ in range(3))
    rows = bytearray()
    for row in range(height):
        part = row / max(1, height - 1)
        shade = bytes((int(red * (1 - part)), int(green * part), blue))
        rows += b"\0" + (rng.randbytes(width * 3) if mode == "realistic" else shade * width)
    head = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return head, _chunk(b"IDAT", zlib.compress(bytes(rows), 1)) + _chunk(b"IEND", b"")


@lru_cache(maxsize=128)
def _encode(width: int, height: int, hue: int, form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (hue, 255 - hue, 96)).save(out, form.upper())
    return out.getvalue()


def _chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
