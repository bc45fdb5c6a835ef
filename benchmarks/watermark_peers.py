"""The watermarks that are compared: what a system is, and the peers that can be installed without a network's weights.

`pip install --target PEERS --no-deps invisible-watermark PyWavelets blind-watermark`, with PEERS on the PYTHONPATH
beside OpenCV, PyTorch (which invisible-watermark imports; its CPU build will do) and onnxruntime (for rivaGan), keeps
them out of the development environment. All run with their defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image
from scipy.stats import binom

__all__ = ["PEERS", "Found", "System", "bits_of"]


@dataclass(frozen=True)
class Found:
    """What a reading is worth: the share of the payload's bits that is right, and whether the mark counts as found at a
    chance of one in a million."""

    bits: float
    is_detected: bool

    @classmethod
    def of_bits(cls, said: list[int], found: list[int] | None) -> Found:
        """Of a reader that always answers: found where so many bits are right that chance does it once in a million."""
        if found is None:
            return cls(0.5, False)
        right = sum(one == other for one, other in zip(said, found, strict=True))
        return cls(right / len(said), bool(binom.sf(right - 1, len(said), 0.5) <= 1e-6))


class System(Protocol):
    """A watermark. `mark` returns the marked image and what it says, `read` how much of that is found again."""

    name: str

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]: ...

    def read(self, image: Image.Image, said: Any) -> Found: ...


def bits_of(number: int, count: int) -> list[int]:
    """As many even odds, the same ones for the same number: a payload whose zeros outnumber its ones would be read well
    by a reader that answers nothing but zeros."""
    return [int(bit) for bit in np.random.default_rng(number).integers(0, 2, count)]


def _blue_first(image: Image.Image) -> Any:
    return np.asarray(image)[:, :, ::-1].copy()


def _picture(blue_first: Any) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.clip(np.rint(blue_first), 0, 255).astype(np.uint8)[:, :, ::-1]))


class InvisibleWatermark:
    """invisible-watermark: 32 bits, no error correction, no presence test."""

    def __init__(self, method: str) -> None:
        import imwatermark

        self.name, self._method, self._library = f"{method}, 32 bits", method, imwatermark
        if method == "rivaGan":
            imwatermark.WatermarkEncoder.loadModel()

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, list[int]]:
        bits = bits_of(number, 32)
        encoder = self._library.WatermarkEncoder()
        encoder.set_watermark("bits", bits)
        return _picture(encoder.encode(_blue_first(image), self._method)), bits

    def read(self, image: Image.Image, said: list[int]) -> Found:
        try:
            read = self._library.WatermarkDecoder("bits", 32).decode(_blue_first(image), self._method)
        except RuntimeError:  # an image that is too small for it
            return Found.of_bits(said, None)
        return Found.of_bits(said, [int(bit) for bit in read])


class BlindWatermark:
    """blind-watermark: 64 bits, whose number the reader must know; no error correction, no presence test."""

    name = "blind-watermark, 64 bits"

    def __init__(self) -> None:
        import blind_watermark

        blind_watermark.bw_notes.close()
        self._library = blind_watermark

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, list[int]]:
        bits = bits_of(number, 64)
        work = self._library.WaterMark(password_img=1, password_wm=1)
        work.read_img(img=_blue_first(image))
        work.read_wm([bool(bit) for bit in bits], mode="bit")
        return _picture(work.embed()), bits

    def read(self, image: Image.Image, said: list[int]) -> Found:
        work = self._library.WaterMark(password_img=1, password_wm=1)
        try:
            read = work.extract(embed_img=_blue_first(image), wm_shape=64, mode="bit")
        except (AssertionError, IndexError):  # an image that is too small for it
            return Found.of_bits(said, None)
        return Found.of_bits(said, [int(value > 0.5) for value in read])


PEERS: dict[str, Callable[[], System]] = {
    "dwtDct": lambda: InvisibleWatermark("dwtDct"),
    "dwtDctSvd": lambda: InvisibleWatermark("dwtDctSvd"),
    "blind": BlindWatermark,
    "rivaGan": lambda: InvisibleWatermark("rivaGan"),
}
