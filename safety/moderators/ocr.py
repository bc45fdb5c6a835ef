"""Text in pictures, as data to be judged: Latin, Chinese and Japanese by rapidocr, other scripts by tesseract if there.

Settings from measurements: the longest side is limited (the package's default blows a strip up to 10,000 px), its angle
model is off (it turned upright lines upside down), and a line is read alone, as wide as it is (padded to 320 px and to
the widest of six, it costs a third more, and of 400 rendered words seven are misread instead of three). What the first
pass reads badly is looked at again turned, mirrored and with local contrast stretched. Boxes that stay unreadable are
reported: text that nobody could read is not no text.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ...errors import ConfigError
from .normalize import english

__all__ = ["Line", "Reader", "Script", "shared_reader"]

FAST, THOROUGH = 736, 1280  # px, the longest side that text is looked for in
_GOOD = 0.8  # mean confidence from which a pass is believed
_ODD = 3.8  # nats a letter (English has about 3), from which what was read may be mirrored
_SURE = 0.9  # confidence from which a line counts as read beyond doubt
_READ = 0.5  # confidence under which a box counts as not read
_NARROWEST = 48  # px that a line is padded to, at a height of 48
_PAGE_SECONDS = 12
_AT_ONCE = 4  # pictures that are read beside each other: each takes some hundred megabytes meanwhile
_TESSERACT = ("rus", "ukr", "ara", "fas", "hin", "ben", "kor", "tha", "heb", "ell", "vie", "tur")

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """A line of text, and how sure the reader is of it (0..1)."""

    text: str
    sure: float


@dataclass(frozen=True)
class Script:
    """What was read. `unread` counts boxes that hold text which no pass could read; `passes` are the ones tried;
    `codes` are the contents of QR codes and barcodes."""

    lines: tuple[Line, ...]
    unread: int = 0
    passes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass
class _Pass:
    name: str
    lines: list[Line] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Confidence, by letters read: an icon taken for one odd character must not count as much as a title."""
        letters = [max(1, len(line.text.strip())) for line in self.lines]
        return float(np.average([line.sure for line in self.lines], weights=letters)) if self.lines else 0.0

    @property
    def unread(self) -> int:
        """Boxes of text that was not read. Beside text that was, a lone unsure character is part of a drawing."""
        reads = any(line.sure >= _SURE and len(line.text.strip()) > 2 for line in self.lines)
        return sum(line.sure < _READ and not (reads and len(line.text.strip()) == 1) for line in self.lines)

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def weight(self) -> float:
        """Letters read, by how surely: what the passes are compared by."""
        return sum(len(line.text.strip()) * line.sure**2 for line in self.lines)


class Reader:
    """`read(picture)`: thread-safe (a picture a core, at most four), loads on first use.

    Raises:
        ConfigError: rapidocr is not installed, does not load, or answers with something other than text.
    """

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._turns = threading.BoundedSemaphore(min(_AT_ONCE, os.cpu_count() or 1))
        self._engines: dict[int, Any] = {}

    def warm(self) -> None:
        """Load the models now."""
        self.read(Image.new("RGB", (64, 64), "white"))

    def read(self, picture: Image.Image, *, thorough: bool = False) -> Script:
        """The text in an RGB picture. `thorough` looks for smaller and fainter text, at about twice the cost."""
        side = THOROUGH if thorough else FAST
        pixels = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        with self._turns:
            best = self._pass("upright", pixels, side)
            tried = [best.name]
            if not best.lines and thorough:
                best = self._pass("contrast", _stretched(picture), side)
                tried.append(best.name)
            if best.lines and best.mean < _GOOD:
                for name, turned in _turns(_stretched(picture) if best.name == "contrast" else pixels):
                    other = self._pass(name, turned, side)
                    tried.append(name)
                    best = max(best, other, key=lambda each: each.weight)
                    if best.mean >= 0.9:
                        break
            elif _looks_like_no_writing(best):
                other = self._pass("mirrored", np.ascontiguousarray(pixels[:, ::-1]), side)
                tried.append(other.name)
                best = min(best, other, key=lambda each: english.cost(each.text))
            codes = _codes(pixels)
        unread = best.unread
        lines = [line for line in best.lines if line.text.strip()]
        if unread and (more := _tesseract(picture)):
            lines, unread = [*lines, *more], 0
            tried.append("tesseract")
        return Script(tuple(lines), unread, tuple(tried), codes)

    def _pass(self, name: str, pixels: Pixels, side: int) -> _Pass:
        found = self._engine(side)(pixels)
        boxes = 0 if found.boxes is None else len(found.boxes)
        texts, scores = list(found.txts or ()), list(found.scores or ())
        lines = [Line(str(text), float(score)) for text, score in zip(texts, scores, strict=True)]
        if not all(0 <= line.sure <= 1 for line in lines) or len(lines) > boxes:
            raise ConfigError("the text reader answered with something other than lines and how sure it is of them")
        # The engine drops what it read with little confidence; such boxes still say that there is text.
        return _Pass(name, lines + [Line("", 0.0)] * (boxes - len(lines)))

    def _engine(self, side: int) -> Any:
        with self._loading:
            if side not in self._engines:
                self._engines[side] = _engine(side)
            return self._engines[side]


@cache
def shared_reader() -> Reader:
    """The process's reader."""
    return Reader()


def _engine(side: int) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.text_score": 0.0,  # unsure lines are ours to weigh
            "Global.log_level": "error",
            "Det.limit_type": "max",
            "Det.limit_side_len": side,
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, 48, _NARROWEST],
            # Memory that is kept is not taken anew for every line. Large pictures would keep three times as much.
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": side == FAST,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _looks_like_no_writing(read: _Pass) -> bool:
    """Mirrored lines are read with confidence, letter by letter, from their end (`bliud ot woH`)."""
    letters = sum(char.isascii() and char.isalpha() for char in read.text)
    return letters >= 8 and english.cost(read.text) > _ODD


def _turns(pixels: Pixels) -> list[tuple[str, Pixels]]:
    return [
        ("turned 180°", np.ascontiguousarray(pixels[::-1, ::-1])),
        ("turned 90°", np.ascontiguousarray(np.rot90(pixels))),
        ("turned 270°", np.ascontiguousarray(np.rot90(pixels, 3))),
        ("mirrored", np.ascontiguousarray(pixels[:, ::-1])),
    ]


def _stretched(picture: Image.Image) -> Pixels:
    """Gray, with the contrast of every neighborhood stretched (CLAHE), as three channels."""
    import cv2

    gray = np.asarray(ImageOps.autocontrast(picture.convert("L")))
    local = cv2.createCLAHE(clipLimit=40.0, tileGridSize=(8, 8)).apply(gray)
    return np.ascontiguousarray(np.repeat(local[:, :, None], 3, axis=2))


def _codes(pixels: Pixels) -> tuple[str, ...]:
    """The contents of QR codes (also small or inverted ones) and of barcodes (EAN, UPC)."""
    import cv2

    found: list[str] = []
    for way in (pixels, 255 - pixels):
        seen, texts = _qr_codes(way)
        if seen and not any(texts):  # found and not decoded: too few pixels a module
            larger = cv2.resize(way, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
            _, texts = _qr_codes(np.asarray(larger, np.uint8))
        found += texts
    try:
        _, bars, _, _ = cv2.barcode.BarcodeDetector().detectAndDecodeMulti(pixels)
        found += bars or ()
    except cv2.error:
        pass
    return tuple(dict.fromkeys(text for text in found if text))


def _qr_codes(pixels: Pixels) -> tuple[bool, tuple[str, ...]]:
    import cv2

    try:
        found, texts, _, _ = cv2.QRCodeDetector().detectAndDecodeMulti(pixels)
    except cv2.error:  # a degenerate quadrilateral
        return False, ()
    return bool(found), tuple(texts) if found else ()


def _tesseract(picture: Image.Image) -> list[Line]:
    """What tesseract reads in the scripts whose packs are installed; nothing where it is not."""
    program = shutil.which("tesseract")
    packs = _packs(program) if program else ()
    if not program or not packs:
        return []
    from io import BytesIO

    encoded = BytesIO()
    picture.save(encoded, "PNG")
    command = [program, "stdin", "stdout", "-l", "+".join(packs), "--psm", "11"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(  # noqa: S603  a fixed program; the picture goes in by a pipe
            command, input=encoded.getvalue(), capture_output=True, timeout=_PAGE_SECONDS, check=True, env=environment
        )
    except (subprocess.SubprocessError, OSError):
        return []
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [Line(line.strip(), 0.6) for line in lines if sum(map(str.isalpha, line)) >= 2]


@cache
def _packs(program: str) -> tuple[str, ...]:
    done = subprocess.run([program, "--list-langs"], capture_output=True, check=False, timeout=_PAGE_SECONDS)  # noqa: S603  fixed
    installed = set(done.stdout.decode("utf-8", "replace").split())
    return tuple(pack for pack in _TESSERACT if pack in installed)
