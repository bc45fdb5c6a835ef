"""What a watermark engine is, whichever way it hides its bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from PIL import Image

__all__ = ["Effort", "Geometry", "Marked", "Payload", "Reading", "Trace", "WatermarkEngine"]

Effort = Literal["unmoved", "upright", "full"]


@dataclass(frozen=True)
class Payload:
    """What a mark says: whose format it is, which image, and 16 bits of what that image looks like."""

    version: int  # 0..15
    image: int  # 0..2**44 - 1
    tag: int  # 0..2**16 - 1


@dataclass(frozen=True)
class Geometry:
    """How the read image lies in the one that was marked: original = matrix @ seen + shift.

    Both in canonical pixels (the longest side of either image is 512), from the center of the seen image and the top
    left corner of the original. The shift is known up to a multiple of `period`.
    """

    matrix: tuple[float, float, float, float]
    shift: tuple[float, float]
    period: float
    is_inverted: bool = False

    @property
    def scale(self) -> float:
        """The size of the seen image beside the original's: below 1 where it was cropped, above where it was padded."""
        a, b, c, d = self.matrix
        return math.sqrt(abs(a * d - b * c))

    @property
    def is_mirrored(self) -> bool:
        a, b, c, d = self.matrix
        return a * d - b * c < 0

    @property
    def rotation(self) -> float:
        """Degrees, counter-clockwise as seen, -180..180."""
        a, _, c, _ = self.matrix
        x, y = (a, c) if not self.is_mirrored else (-a, -c)
        return math.degrees(math.atan2(y, x))


@dataclass(frozen=True)
class Marked:
    """A marked image, what it says, and how well: `psnr` in dB, `is_robust` where the reading survived the trial."""

    image: Image.Image = field(repr=False)
    payload: Payload
    psnr: float
    is_robust: bool
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Trace:
    """What a mark may have left under one geometry: `soft` has a value a coded bit (384), positive for 0, the larger
    the surer."""

    soft: Any
    geometry: Geometry
    score: float


@dataclass(frozen=True)
class Reading:
    """What was read: `read` with an authentic payload; `recognized` where a mark cannot be read, and agrees with one
    that is known to have been made; `present` where a mark is there and says nothing; `absent`.

    `p_value` is the chance of a score as high in an image that was never marked. `tag_agreement` (-1..1) says how far
    the content agrees with the payload's tag, None where that cannot be told. `unmarked` are the fractions
    (left, top, right, bottom) of areas that carry no mark or another one; `others` are further payloads found there.
    `traces` are what a mark may have left where none was read.
    """

    state: Literal["read", "recognized", "present", "absent"]
    payload: Payload | None = None
    score: float = 0.0
    p_value: float = 1.0
    geometry: Geometry | None = None
    tag_agreement: float | None = None
    unmarked: tuple[tuple[float, float, float, float], ...] = ()
    others: tuple[Payload, ...] = ()
    traces: tuple[Trace, ...] = field(default=(), repr=False, compare=False)


class WatermarkEngine(Protocol):
    """Marks images and reads marks: blind, keyed, blocking (call it in a thread), safe to share between threads."""

    @property
    def name(self) -> str:
        """The algorithm, as soft bindings name it."""
        ...

    def embed(self, image: Image.Image, image_number: int) -> Marked:
        """Mark an image (RGB or RGBA). Raises BadImage where it is too small to carry a mark."""
        ...

    def read(self, image: Image.Image, effort: Effort = "full") -> Reading:
        """Look for a mark: `unmoved` in the whole frame as it was marked, `upright` in its eight orientations, `full`
        under any geometry."""
        ...

    def pack(self, payload: Payload) -> bytes:
        """The payload with its authentication code: what a soft binding carries."""
        ...

    def recognize(self, image: Image.Image, trace: Trace, mark: bytes, p_value: float) -> Reading | None:
        """The reading of a trace that a packed payload was found to have left (`Codebook.match`), None where that
        payload is of no secret that is known here."""
        ...
