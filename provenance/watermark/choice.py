"""Which engine marks, and that marks of the other one are read as well."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from PIL import Image

from .engine import Effort, Marked, Payload, Reading, Trace, WatermarkEngine
from .neural import NeuralWatermark
from .spread import SpreadSpectrum

__all__ = ["NETWORKS", "ClassicalAndNeural", "open_watermark"]

NETWORKS: Final = Path(__file__).parent / "networks"


class ClassicalAndNeural:
    """Marks as the classical engine does, and reads both engines' marks.

    Both have their pilots in common. So the networks are loaded, and asked, only where a mark is present that the
    classical engine cannot read.
    """

    name = SpreadSpectrum.name

    def __init__(self, networks: Path, secret: bytes, retired: Sequence[bytes] = ()) -> None:
        self._classical = SpreadSpectrum(secret, retired)
        self._networks, self._secrets = networks, (secret, tuple(retired))

    @cached_property
    def _neural(self) -> NeuralWatermark:
        return _neural(self._networks, *self._secrets)

    def embed(self, image: Image.Image, image_number: int) -> Marked:
        """Mark an RGB or RGBA image, but for what is fully transparent. Raises BadImage where it is too small."""
        return self._classical.embed(image, image_number)

    def read(self, image: Image.Image, effort: Effort = "full") -> Reading:
        """Look for a mark of either engine. Raises ConfigError where the networks are needed and cannot be used."""
        reading = self._classical.read(image, effort)
        return self._neural.read(image, effort) if reading.state == "present" else reading

    def pack(self, payload: Payload) -> bytes:
        """The payload as it is sealed into an image: 12 bytes."""
        return self._classical.pack(payload)

    def recognize(self, image: Image.Image, trace: Trace, mark: bytes, p_value: float) -> Reading | None:
        """The reading of a trace that a packed payload left, None where that payload is of none of the secrets."""
        return self._classical.recognize(image, trace, mark, p_value)


def open_watermark(
    engine: Literal["classical", "neural"], networks: Path | None, secret: bytes, retired: Sequence[bytes] = ()
) -> WatermarkEngine:
    """The engine that marks, which reads the other one's marks as well; `networks` is a folder, None for our own.

    Raises ConfigError where the neural engine is asked for and cannot be opened.
    """
    if engine == "neural":
        return _neural(networks or NETWORKS, secret, retired)
    if networks is None and importlib.util.find_spec("onnxruntime") is None:
        return SpreadSpectrum(secret, retired)
    return ClassicalAndNeural(networks or NETWORKS, secret, retired)


def _neural(networks: Path, secret: bytes, retired: Sequence[bytes]) -> NeuralWatermark:
    return NeuralWatermark(networks / "encoder.onnx", networks / "decoder.onnx", secret, retired)
