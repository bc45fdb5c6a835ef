"""What the image moderators see in one picture, remembered: the same bytes come back at several stages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import media
from ...errors import ConfigError
from ..content import ImagePart
from .faces import Faces, shared_faces
from .minors import TIGHT
from .ocr import Reader, Script, shared_reader
from .pictures import PictureClassifier, PictureScores, shared_pictures

__all__ = ["Look", "Looker", "shared_looker"]

_KEPT = 32
_PRINT, _BLOCK = 512, 32  # px: the side of the reduced picture that tells a restamped one, and of its blocks
# How far (RMS of a block) it may differ: in gray levels, and beside the block's own contrast. A watermark stays below
# both at once; a line of text that can be read does not.
_STAMPED, _MASKED = 2.6, 0.12


@dataclass(frozen=True)
class Look:
    """A picture's scores, its text, and the youngest face where age matters (None: no face, or not looked for)."""

    scores: PictureScores
    script: Script
    youngest: float | None
    size: tuple[int, int]


class Looker:
    """`look(part, thorough=…)`. Raises BadImage for what does not decode, ConfigError where a model is missing."""

    def __init__(
        self, pictures: PictureClassifier | None = None, reader: Reader | None = None, faces: Faces | None = None
    ) -> None:
        self._pictures = pictures or shared_pictures()
        self._reader = reader or shared_reader()
        self._faces = faces or shared_faces()
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._seen: OrderedDict[tuple[bytes, bool], tuple[NDArray[np.uint8], Look]] = OrderedDict()

    def expect(self) -> None:
        """A picture will come: load what every picture needs while it is being made. Does not block; what does not load
        is told to whoever looks. The age network, which few pictures need, waits until it is asked."""
        with self._lock:
            if self._loading is None:
                self._loading = threading.Thread(target=self._load, name="looker", daemon=True)
                self._loading.start()

    def _load(self) -> None:
        with suppress(ConfigError):
            self._pictures.warm()
            self._reader.warm()

    def picture(self, part: ImagePart) -> Image.Image:
        """The part as an opaque RGB picture. Raises BadImage."""
        return media.flatten(media.open_image(part.data))

    def look(self, part: ImagePart, *, thorough: bool) -> Look:
        key = (part.digest, thorough)
        with self._lock:
            if (known := self._seen.get(key)) is not None:
                self._seen.move_to_end(key)
                return known[1]
        picture = self.picture(part)
        small = np.asarray(picture.convert("L").resize((_PRINT, _PRINT), Image.Resampling.BOX))
        look = self._recalled(small, picture.size, thorough) or self._fresh(picture, thorough)
        with self._lock:
            self._seen[key] = (small, look)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        return look

    def youngest(self, part: ImagePart) -> float | None:
        """The youngest face in the part, looked for whatever its scores."""
        return self._faces.youngest(self.picture(part))

    def _fresh(self, picture: Image.Image, thorough: bool) -> Look:
        scores = self._pictures.judge(picture)
        youngest = self._faces.youngest(picture) if scores.sexual >= TIGHT else None  # below that, no age matters
        return Look(scores, self._reader.read(picture, thorough=thorough), youngest, picture.size)

    def _recalled(self, small: NDArray[np.uint8], size: tuple[int, int], thorough: bool) -> Look | None:
        """The look at a picture that differs from this one by no more than an invisible watermark does."""
        with self._lock:
            for (_, was_thorough), (other, look) in reversed(self._seen.items()):
                same_way = was_thorough or not thorough
                if same_way and look.size == size and _is_restamped(other, small):
                    return look
        return None


def _is_restamped(known: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether the reduced pictures differ nowhere by more than an invisible watermark does."""
    blocks = (_PRINT // _BLOCK, _BLOCK, _PRINT // _BLOCK, _BLOCK)
    before = known.astype(np.float32)
    apart = np.sqrt(((before - other) ** 2).reshape(blocks).mean(axis=(1, 3)))
    contrast = before.reshape(blocks).std(axis=(1, 3))
    return bool((apart <= np.maximum(_STAMPED, _MASKED * contrast)).all())


@cache
def shared_looker() -> Looker:
    """The process's looker: models loaded once, looks shared between stages."""
    return Looker()
