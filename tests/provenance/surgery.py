"""What a forger does to a stamped file without touching its pixels: takes its manifest out, puts another in, writes
beside it. In all four formats, on the level of their chunks, segments and boxes."""

from __future__ import annotations

import struct
import zlib

__all__ = ["FORMATS", "manifest_of", "with_comment", "with_edited_manifest", "with_manifest"]

FORMATS = ("png", "jpeg", "webp", "avif")
_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA's, of ISO base media files


def manifest_of(data: bytes, format_: str) -> bytes:
    """The chunk, segments or box that hold the manifest."""
    start, end = _span(data, format_)
    return data[start:end]


def with_manifest(data: bytes, manifest: bytes, format_: str) -> bytes:
    """A file that has no manifest, with one that was cut out of another."""
    if format_ == "png":
        return data[:33] + manifest + data[33:]  # after the header
    if format_ == "jpeg":
        return data[:2] + manifest + data[2:]
    if format_ == "webp":
        return _riff(data[12:] + manifest)
    return data + manifest  # at the end, so that no offset in the file is moved


def with_comment(data: bytes, format_: str) -> bytes:
    """The same pixels and manifest, with metadata that nobody signed."""
    text = b"Comment\x00tampered"
    if format_ == "png":
        body = b"tEXt" + text
        return data[:-12] + struct.pack(">I", len(text)) + body + struct.pack(">I", zlib.crc32(body)) + data[-12:]
    if format_ == "jpeg":
        return data[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(text)) + text + data[2:]
    if format_ == "webp":
        return _riff(data[12:] + b"note" + struct.pack("<I", len(text)) + text + b"\x00" * (len(text) % 2))
    return data + struct.pack(">I", 8 + len(text)) + b"note" + text


def with_edited_manifest(data: bytes, before: bytes, after: bytes, format_: str) -> bytes:
    """The first `before` in the manifest is `after`, of the same length; check sums are set right."""
    start, end = _span(data, format_)
    place = data.index(before, start, end)
    edited = bytearray(data)
    edited[place : place + len(after)] = after
    if format_ == "png":
        edited[end - 4 : end] = struct.pack(">I", zlib.crc32(edited[start + 4 : end - 4]))
    return bytes(edited)


def _span(data: bytes, format_: str) -> tuple[int, int]:
    if format_ == "png":
        start = data.index(b"caBX") - 4
        return start, start + 12 + int.from_bytes(data[start : start + 4])
    if format_ == "jpeg":
        start = end = data.index(b"\xff\xeb")
        while data[end : end + 2] == b"\xff\xeb":
            end += 2 + int.from_bytes(data[end + 2 : end + 4])
        return start, end
    if format_ == "webp":
        start = data.index(b"C2PA")
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        return start, start + 8 + size + size % 2
    start = data.index(b"uuid" + _UUID) - 4
    return start, start + int.from_bytes(data[start : start + 4])


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
