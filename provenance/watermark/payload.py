"""What a mark says, in 96 bits: 4 of version, 44 of image, 16 of content tag, and a keyed code of 32 over these.

The code (HMAC-SHA-256, cut) takes the place of a checksum: without the key nobody can make up a payload that reads as
ours, and of 2**32 wrong decodings one passes. The tag is veiled by the key and the image's number, so that equal tags
do not show.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any, Final

import numpy as np

from .engine import Payload

__all__ = ["PAYLOAD_BITS", "VERSION", "open_bits", "seal_bits", "subkey"]

Bits = np.ndarray[Any, np.dtype[np.uint8]]

PAYLOAD_BITS: Final = 96
VERSION: Final = 1
IMAGE_BITS: Final = 44
TAG_BITS: Final = 16
_CODE_BYTES = 4


def subkey(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, 32 bytes (HMAC in counter mode, one block: NIST SP 800-108)."""
    return hmac.digest(secret, b"\x01safelight watermark 1\x00" + purpose.encode(), sha256)


def seal_bits(payload: Payload, secret: bytes) -> Bits:
    """The 96 bits of a payload. Raises ValueError where a field is out of range."""
    if not (0 <= payload.version < 16 and 0 <= payload.image < 1 << IMAGE_BITS and 0 <= payload.tag < 1 << TAG_BITS):
        raise ValueError(f"a payload holds 4, {IMAGE_BITS} and {TAG_BITS} bits, not {payload}")
    veiled = payload.tag ^ _veil(payload.image, secret)
    body = (payload.version << 60 | payload.image << TAG_BITS | veiled).to_bytes(8)
    return np.unpackbits(np.frombuffer(body + _code(body, secret), np.uint8))


def open_bits(bits: Bits, secret: bytes) -> Payload | None:
    """The payload in 96 bits, None where they are not authentic."""
    packed = np.packbits(np.asarray(bits, np.uint8)).tobytes()
    body, code = packed[:8], packed[8:]
    if len(packed) != PAYLOAD_BITS // 8 or not hmac.compare_digest(code, _code(body, secret)):
        return None
    value = int.from_bytes(body)
    image = value >> TAG_BITS & (1 << IMAGE_BITS) - 1
    return Payload(value >> 60, image, value & (1 << TAG_BITS) - 1 ^ _veil(image, secret))


def _code(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(subkey(secret, "code"), body, sha256)[:_CODE_BYTES]


def _veil(image: int, secret: bytes) -> int:
    return int.from_bytes(hmac.digest(subkey(secret, "veil"), image.to_bytes(6), sha256)[:2])
