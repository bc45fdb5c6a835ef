"""What is known of an image file before a decoder sees it: format, declared size, and a copy without metadata.

Decoders trust what containers say, so the container is walked first, in plain Python and in linear time:

* PNG (ISO/IEC 15948), JPEG (ITU-T T.81) and GIF (89a) are rebuilt from the parts that carry the picture. Text,
  thumbnails, animation and whatever follows the end are left out, so no parser for them ever runs, and a polyglot's
  second half is gone.
* WebP (RFC 9649) and BMP headers are read for the declared size, since decoders allocate it on opening.
* The orientation (Exif 2.32, tag 0x0112) and the color profile are carried over.

Nothing here raises anything but `BadImage`.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from .avif import coded_sizes
from .errors import BadImage

__all__ = ["Container", "open_container", "orientation_of", "sniff"]

MAX_PROFILE_BYTES = 4 * 2**20
MAX_JPEG_SCANS = 64  # encoders write about 10; thousands of near-empty scans over a large frame burn minutes of CPU
MAX_CHUNKS = 200_000

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_AVIF_EXIF_ITEM = re.compile(rb"(infe\x02\x00\x00[\x00\x01]..\x00\x00)Exif", re.DOTALL)
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)

_MAGIC = (
    (_PNG_SIGNATURE, "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cJXL ", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"qoif", "image/qoi"),
)
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs"), "image/heic"
)


@dataclass(frozen=True)
class Container:
    """One picture, ready for a decoder. `size` is (width, height) as the container declares it; `orientation` the Exif
    value 1..8; `animated` says that further frames were left out; `coded_pixels` is what a decoder will fill, where
    that differs from the size."""

    data: bytes
    size: tuple[int, int]
    orientation: int = 1
    profile: bytes | None = None
    animated: bool = False
    coded_pixels: int = 0


def sniff(data: bytes) -> str | None:
    """The media type of an image by its content, whether or not it is accepted; None for anything else."""
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        length = min(max(int.from_bytes(data[:4], "big"), 16), 256)
        for start in (8, *range(16, length, 4)):
            if media_type := _BRANDS.get(data[start : start + 4], ""):
                return media_type
        return None
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if head.startswith(b"<") and _SVG.search(head):
        return "image/svg+xml"
    return None


def open_container(data: bytes, media_type: str) -> Container:
    """The picture inside `data`, without what does not belong to it. Raises BadImage where the container is broken."""
    try:
        return _WALKERS[media_type](data)
    except (struct.error, IndexError) as error:
        raise BadImage("The image is cut off or damaged. Save or upload it again.") from error


def _png(data: bytes) -> Container:
    kept, profile, orientation, animated = [_PNG_SIGNATURE], None, 1, False
    size: tuple[int, int] | None = None
    position, ended = len(_PNG_SIGNATURE), False
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        body = data[position + 8 : end - 4]
        if kind == b"IHDR":
            size = struct.unpack_from(">II", body)
        if kind in _PNG_PICTURE:
            kept.append(data[position:end])
        elif kind == b"iCCP" and profile is None:
            profile = _inflated_profile(body)
        elif kind == b"eXIf":
            orientation = orientation_of(body)
        animated |= kind == b"acTL"
        position = end
        if kind == b"IEND":
            ended = True
            break
    if not ended or size is None:
        raise BadImage("The PNG is cut off or damaged: its end is missing. Save or upload it again.")
    return Container(b"".join(kept), size, orientation, profile, animated)


def _inflated_profile(body: bytes) -> bytes | None:
    """The color profile of an iCCP chunk, or None where it is damaged or inflates beyond any real profile."""
    _, _, packed = body.partition(b"\x00")
    try:
        inflater = zlib.decompressobj()
        profile = inflater.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if inflater.eof else None


def _jpeg(data: bytes) -> Container:
    """Keeps JFIF, Adobe (it says how the colors are stored), tables, frames and scans; drops every other segment."""
    kept, profile_parts, orientation, scans = [b"\xff\xd8"], dict[int, bytes](), 1, 0
    size: tuple[int, int] | None = None
    position = 2
    for _ in range(MAX_CHUNKS):
        match = _JPEG_MARKER.search(data, position)
        if match is None:
            break
        marker, start = match[1][0], match.start()
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            break
        (length,) = struct.unpack_from(">H", data, match.end())
        end = match.end() + length
        body = data[match.end() + 2 : end]
        if marker == 0xDA:
            scans += 1
            following = _JPEG_MARKER.search(data, end)
            end = following.start() if following else len(data)
            kept.append(data[start:end])
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\x00") and len(body) > 14:
            profile_parts[body[12]] = body[14:]
        elif marker == 0xE1 and body.startswith(b"Exif\x00"):
            orientation = orientation_of(body)
        elif not 0xE1 <= marker <= 0xED and marker not in (0xEF, 0xFE):
            kept.append(data[start:end])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", body, 1)
            size = (width, height)
        position = end
    if scans > MAX_JPEG_SCANS:
        raise BadImage(f"The JPEG has {scans} scans; at most {MAX_JPEG_SCANS} are accepted. Save it again as a PNG.")
    if size is None or not scans:
        raise BadImage("The JPEG is cut off or damaged: it holds no picture. Save or upload it again.")
    profile = b"".join(part for _, part in sorted(profile_parts.items())) or None
    return Container(b"".join(kept), size, orientation, profile)


def _webp(data: bytes) -> Container:
    """The size from the first chunk; Exif and profile from the extended format's chunks."""
    kind = data[12:16]
    if kind == b"VP8X":
        size = 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        size = width & 0x3FFF, height & 0x3FFF
    else:
        raise BadImage("The WebP is damaged: it does not start with a picture. Save it again.")
    orientation, profile, animated = 1, None, False
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data):
            break
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        body = slice(position + 8, position + 8 + length)
        if kind == b"EXIF":
            orientation = orientation_of(data[body])
        elif kind == b"ICCP" and length <= MAX_PROFILE_BYTES:
            profile = data[body]
        animated |= kind == b"ANIM"
        position += 8 + length + (length & 1)
    return Container(data, size, orientation, profile, animated)


def _gif(data: bytes) -> Container:
    """The first frame alone. The size is the canvas, or what the frame needs where it sticks out of it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    kept = [data[:13]]
    position = 13 + (3 * 2 << (flags & 7) if flags & 0x80 else 0)
    kept.append(data[13:position])
    frames = 0
    while position < len(data) and data[position] != 0x3B and frames < 2:
        start = position
        if data[position] == 0x2C:
            frames += 1
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, position + 1)
            position += 10 + (3 * 2 << (flags & 7) if flags & 0x80 else 0) + 1
        elif data[position] == 0x21:
            position += 2
        else:
            break
        while data[position]:
            position += 1 + data[position]
        position += 1
        # A graphic control extension carries the transparent color; comments and applications' blocks are dropped.
        if frames == 1 and data[start] == 0x2C:
            width, height = max(width, left + wide), max(height, top + high)
            kept.append(data[start:position])
        elif frames == 0 and data[start : start + 2] == b"\x21\xf9":
            kept.append(data[start:position])
    return Container(b"".join(kept) + b"\x3b", (width, height), animated=frames > 1)


def _bmp(data: bytes) -> Container:
    """Uncompressed bitmaps only: the run-length ones are decoded byte by byte, far too slowly for an untrusted file."""
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        return Container(data, struct.unpack_from("<HH", data, 18))
    width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression not in (0, 3, 6):
        raise BadImage("The BMP is compressed, which is not accepted. Save it as a PNG.")
    return Container(data, (abs(width), abs(height)))


def _avif(data: bytes) -> Container:
    """Hides the Exif item: an AVIF is rotated by a property of its own, and Exif's must be ignored (HEIF 6.5.10).

    The size is what the parts together make a decoder allocate: color and alpha, or the tiles of a grid.
    """
    sizes = coded_sizes(data)
    hidden = _AVIF_EXIF_ITEM.sub(rb"\1free", data)
    return Container(hidden, sizes[0], coded_pixels=sum(width * height for width, height in sizes))


_WALKERS = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/avif": _avif,
}


def orientation_of(exif: bytes) -> int:
    """The orientation 1..8 from an Exif block, 1 where it has none or is damaged. Reads the first directory only."""
    tiff = exif[6:] if exif.startswith(b"Exif\x00") else exif
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, offset)
        for entry in range(min(count, 512)):
            tag, kind = struct.unpack_from(order + "HH", tiff, offset + 2 + 12 * entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, offset + 10 + 12 * entry)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
