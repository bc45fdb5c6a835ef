"""How large the pictures inside an AVIF really are, before a decoder allocates them.

An AVIF (ISO/IEC 23008-12, AV1-ISOBMFF) names its size twice: in a property, which anyone may edit, and in the AV1
sequence header, which the decoder obeys. So a file of 1 kB can declare 16 x 16 pixels and make the decoder fill
16,384 x 16,384. Here the sequence headers are read (AV1 specification, 5.5), to be held against the limit.

Raises BadImage on whatever it does not understand: an encoder's usual output is a small part of what the formats allow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import BadImage

__all__ = ["coded_sizes"]

MAX_ITEMS = 256
MAX_FRAMES = 8  # a still picture has one, or four in layers; hidden ones would be decoded for nothing


def coded_sizes(data: bytes) -> list[tuple[int, int]]:
    """The largest width and height that each AV1 picture in the file can make a decoder allocate, in pixels.

    Raises BadImage for animations (they have tracks), for what is damaged, and for layouts that no encoder writes.
    """
    try:
        return _coded_sizes(data)
    except (struct.error, IndexError, ValueError) as error:
        raise BadImage("The AVIF is cut off or damaged. Save or upload it again.") from error


def _coded_sizes(data: bytes) -> list[tuple[int, int]]:
    boxes = dict(_boxes(data, 0, len(data)))
    if b"moov" in boxes:
        raise BadImage("Animated AVIF images are not accepted. Save one frame as a PNG.")
    start, end = boxes.get(b"meta", (0, 0))
    inner = dict(_boxes(data, start + 4, end))
    if b"iloc" not in inner or b"iinf" not in inner:
        raise BadImage("The AVIF is damaged: it holds no picture. Save it again.")
    coded = _coded_items(data, *inner[b"iinf"])
    idat = inner.get(b"idat", (0, 0))
    sizes: list[tuple[int, int]] = []
    for item, payload in _payloads(data, inner[b"iloc"], idat):
        if item in coded:
            sizes += _sequence_sizes(payload)
    if not sizes:
        raise BadImage("The AVIF is damaged: it holds no picture. Save it again.")
    return sizes


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The kind of each box, and where its content starts and ends. A kind that comes twice is refused: which of the two
    a decoder takes is anyone's guess."""
    seen: set[bytes] = set()
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise ValueError("a box does not fit")
        if kind in seen and kind in (b"meta", b"iloc", b"iinf", b"idat"):
            raise ValueError("a box comes twice")
        seen.add(kind)
        yield kind, (start + head, start + size)
        start += size


def _coded_items(data: bytes, start: int, end: int) -> set[int]:
    """The ids of the items of type `av01`."""
    version = data[start]
    (count,) = struct.unpack_from(">H" if version == 0 else ">I", data, start + 4)
    position = start + (6 if version == 0 else 8)
    if count > MAX_ITEMS:
        raise BadImage(f"The AVIF is made of {count:,} parts; at most {MAX_ITEMS} are accepted. Save it as a PNG.")
    items = set()
    for kind, (inner, _) in _entries(data, position, end):
        wide = data[inner] >= 3
        item, _, what = struct.unpack_from(">IH4s" if wide else ">HH4s", data, inner + 4)
        if kind == b"infe" and what == b"av01":
            items.add(item)
    return items


def _entries(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    for number, box in enumerate(_boxes(data, start, end)):
        if number >= MAX_ITEMS:
            raise ValueError("too many entries")
        yield box


def _payloads(data: bytes, iloc: tuple[int, int], idat: tuple[int, int]) -> Iterator[tuple[int, bytes]]:
    """Each item's id and bytes (ISO/IEC 14496-12, 8.11.3)."""
    position = iloc[0]
    version = data[position]
    sizes, base_and_index = data[position + 4], data[position + 5]
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, base_and_index >> 4
    index_size = base_and_index & 15 if version else 0
    position += 6

    def number(size: int) -> int:
        nonlocal position
        value = int.from_bytes(data[position : position + size], "big")
        if position + size > iloc[1]:
            raise ValueError("the item table is cut off")
        position += size
        return value

    for _ in range(min(number(4 if version == 2 else 2), MAX_ITEMS + 1)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size)
        parts = []
        for _ in range(number(2)):
            number(index_size)
            offset, length = number(offset_size) + base, number(length_size)
            first, last = idat if method == 1 else (0, len(data))
            if method > 1 or first + offset + length > last:
                raise ValueError("an item lies elsewhere")
            parts.append(data[first + offset : first + offset + length if length else last])
        yield item, b"".join(parts)


def _sequence_sizes(payload: bytes) -> Iterator[tuple[int, int]]:
    """The size in each sequence header among the units of an AV1 picture (AV1, 5.3)."""
    position, frames = 0, 0
    while position < len(payload):
        header = payload[position]
        position += 2 if header & 4 else 1
        size = len(payload) - position
        if header & 2:
            size = 0
            for shift in range(0, 57, 7):
                byte = payload[position]
                position += 1
                size |= (byte & 127) << shift
                if not byte & 128:
                    break
        if position + size > len(payload):
            raise ValueError("a unit does not fit")
        kind = header >> 3 & 15
        frames += kind in (3, 6)
        if frames > MAX_FRAMES:
            raise BadImage("The AVIF hides further pictures behind its first. Save it again as a PNG.")
        if kind == 1:
            yield _sequence_size(_Bits(payload[position : position + size]))
        position += size


@dataclass
class _Bits:
    data: bytes
    position: int = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.data[self.position >> 3] >> (7 - (self.position & 7)) & 1
            self.position += 1
        return value


def _sequence_size(bits: _Bits) -> tuple[int, int]:
    """The size that a sequence header permits (AV1, 5.5.1).

    Where frames may override the size, they may do so up to what the fields can hold, whatever maximum is declared.
    """
    bits.take(3)  # profile
    bits.take(1)  # still picture
    reduced = bits.take(1)
    if reduced:
        bits.take(5)  # level
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(width_bits) + 1, bits.take(height_bits) + 1
    return (width, height) if reduced else (1 << width_bits, 1 << height_bits)


def _skip_operating_points(bits: _Bits) -> None:
    model, delay_bits = 0, 0
    if bits.take(1):  # timing information
        bits.take(64)
        if bits.take(1):  # equal picture interval: a number in Exp-Golomb code
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros if zeros < 32 else 0)
        model = bits.take(1)
        if model:
            delay_bits = bits.take(5) + 1
            bits.take(42)
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)  # tier
        if model and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delay and bits.take(1):
            bits.take(4)
