"""The links of the audit ledger: what an entry commits to, and how it is signed.

    hash = SHA-256(previous hash, sequence number, time, kind, run, payload)     anyone can check it
    mac  = HMAC-SHA256(ledger key, hash)                                         only the holder of the key can make it

Fields are length-prefixed, so that no two entries share an encoding. The head of the chain is signed apart, under its
own label, so that the signature of an entry never passes for that of a head.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError

__all__ = ["GENESIS", "Entry", "Head", "Seal", "digest"]

GENESIS = bytes(32)
_SHORTEST_KEY = 32


@dataclass(frozen=True)
class Entry:
    """One entry as it is kept. `seq` counts from 1; `at` is UTC, ISO 8601; `payload` is canonical JSON."""

    seq: int
    at: str
    kind: str
    run_id: str
    payload: str
    previous: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    key_id: str = field(repr=False)
    mac: bytes = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """The payload, read back."""
        value: dict[str, Any] = json.loads(self.payload)
        return value


@dataclass(frozen=True)
class Head:
    """Where the chain ends: the last entry's number and hash, signed."""

    seq: int
    hash: bytes
    key_id: str
    mac: bytes


def digest(previous: bytes, seq: int, at: str, kind: str, run_id: str, payload: str) -> bytes:
    """The hash by which an entry commits to its fields and to everything before it."""
    message = bytearray(b"safelight.ledger.v1" + struct.pack(">q", seq))
    for value in (
        previous,
        at.encode("utf-8", "surrogatepass"),
        kind.encode("utf-8", "surrogatepass"),
        run_id.encode("utf-8", "surrogatepass"),
        payload.encode("utf-8", "surrogatepass"),
    ):
        message += struct.pack(">I", len(value)) + value
    return hashlib.sha256(bytes(message)).digest()


class Seal:
    """Signs with the current ledger key, recognizes what any of the keys signed.

    A key's id in the ledger is a fingerprint of the key itself: a wrong key is told from a forged entry.
    """

    def __init__(self, current: bytes, others: Mapping[str, bytes] | None = None) -> None:
        keys = [current, *(others or {}).values()]
        if any(len(key) < _SHORTEST_KEY for key in keys):
            raise ConfigError(f"A ledger key has fewer than {_SHORTEST_KEY} bytes.")
        self._keys = {_fingerprint(key): key for key in keys}
        self.key_id = _fingerprint(current)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def entry(self, previous: bytes, seq: int, at: str, kind: str, run_id: str, payload: str) -> Entry:
        """The next entry, linked and signed."""
        hashed = digest(previous, seq, at, kind, run_id, payload)
        return Entry(
            seq, at, kind, run_id, payload, previous, hashed, self.key_id, self._mac(self.key_id, b"e", hashed)
        )

    def head(self, seq: int, hashed: bytes) -> Head:
        """The chain ends here, says the holder of the key."""
        return Head(seq, hashed, self.key_id, self._mac(self.key_id, b"h", struct.pack(">q", seq) + hashed))

    def signed_entry(self, key_id: str, hashed: bytes, mac: bytes) -> bool:
        """True where one of our keys signed an entry with this hash."""
        return key_id in self._keys and hmac.compare_digest(self._mac(key_id, b"e", hashed), mac)

    def signed_head(self, head: Head) -> bool:
        """True where one of our keys signed this head."""
        if head.key_id not in self._keys:
            return False
        return hmac.compare_digest(self._mac(head.key_id, b"h", struct.pack(">q", head.seq) + head.hash), head.mac)

    def _mac(self, key_id: str, label: bytes, message: bytes) -> bytes:
        return hmac.digest(self._keys[key_id], b"safelight.ledger." + label + message, "sha256")


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"safelight.ledger.key" + key).hexdigest()[:16]
