"""Measures and sets text with typst, any script, rightly shaped, never beyond its box; and rasterizes vector scenes.

typst releases the interpreter lock while it works, which resvg's own binding does not, and paints with resvg itself.
"""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import as_file, files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....errors import ConfigError, GeneratorError
from . import fonts
from .direction import TypeStyle
from .text import breakable, direction, longest_words, phrases, shorten, upper

__all__ = ["Fit", "Placed", "Text", "Typesetter"]

# Arabic, Devanagari and Thai reach higher and lower than Latin; a line box that holds them keeps lines even.
_TALL = {"ar", "fa", "ur", "ps", "hi", "mr", "ne", "th", "vi"}
_TOP = {"th": 1.04, "vi": 0.98, "hi": 0.92, "mr": 0.92, "ne": 0.92, "ar": 0.92, "fa": 0.92, "ur": 1.0, "ps": 0.92}
_BOTTOM = {"th": 0.28, "vi": 0.26, "hi": 0.34, "mr": 0.34, "ne": 0.34, "ar": 0.38, "fa": 0.38, "ur": 0.5, "ps": 0.38}
# Below this many px nothing is legible in any script.
_LEAST = 7.0
_REGION = {"zh": "CN", "ja": "JP", "ko": "KR"}


@dataclass(frozen=True)
class Text:
    """A text to be fitted into `width` x `height` px, at a size between `smallest` and `largest` px.

    Texts with the same `group` get the same size. `balance` evens the lines out. `lines` is the most that it may have."""

    id: str
    text: str
    style: TypeStyle
    width: float
    height: float
    smallest: float
    largest: float
    group: str = ""
    balance: bool = False
    lines: int = 99


@dataclass(frozen=True)
class Fit:
    """How a text fits: size in px, the width to set it in, the height that it takes, and what is left of it.
    `whole` is false where even the smallest size did not hold all of it and the end was cut, with an ellipsis."""

    text: Text
    string: str
    size: float
    width: float
    height: float
    lines: int
    whole: bool


@dataclass(frozen=True)
class Placed:
    """A fitted text at its place: x, y of its top left corner in px."""

    fit: Fit
    x: float
    y: float
    color: str
    align: str = "start"
    turn: float = 0.0


class Typesetter:
    """One typst compiler a thread, with bundled fonts only. Safe to share between threads."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._fonts: Any = None

    def fit(self, texts: Sequence[Text], language: str) -> dict[str, Fit]:
        """The best fit of each text, by id. What cannot fit is cut (at most six rounds), which `Fit.whole` tells; a text
        of which nothing fits is missing from the answer."""
        strings = {t.id: upper(t.text, language) if t.style.caps else t.text for t in texts}
        cut: set[str] = set()
        for text in texts:
            # No script sets a character in less than a third of a square em: what is surely too long is cut at once.
            room = text.width * text.height / (0.33 * max(_LEAST, text.smallest) ** 2)
            if len(strings[text.id]) > room:
                strings[text.id] = shorten(strings[text.id], room / len(strings[text.id]))
                cut.add(text.id)
        reports: dict[str, Any] = {}
        for round_ in range(7):
            blocks = [self._block(t, strings[t.id], language) for t in texts]
            found = self._run({"mode": "fit", "w": 1, "h": 1, "blocks": blocks}, "<fit>")
            reports = {report["id"]: report for report in found}
            bad = [t for t in texts if not reports[t.id]["ok"]]
            if not bad:
                break
            if round_ == 6:
                texts = [t for t in texts if t not in bad]
                break
            for text in bad:
                strings[text.id] = self._reduce(text, strings[text.id], reports[text.id], cut)
        return {
            t.id: Fit(t, strings[t.id], r["size"], r["w"], r["h"], r["lines"], t.id not in cut)
            for t in texts
            for r in (reports[t.id],)
        }

    def draw(self, width: int, height: int, placed: Iterable[Placed], language: str) -> NDArray[np.uint8]:
        """The texts on a transparent ground, as an array of shape (height, width, 4), straight alpha."""
        data = {"mode": "draw", "w": width, "h": height, "blocks": self._placed(placed, language)}
        with Image.open(io.BytesIO(self._run(data, None))) as image:
            return np.asarray(image.convert("RGBA"))

    def outlines(self, width: int, height: int, placed: Iterable[Placed], language: str) -> str:
        """The texts as an SVG document, every glyph an outline: no font is needed to see it, and no text is in it."""
        data = {"mode": "draw", "w": width, "h": height, "blocks": self._placed(placed, language)}
        return bytes(self._run(data, None, "svg")).decode()

    def document(
        self, width: int, height: int, placed: Iterable[Placed], language: str, ground: str, title: str
    ) -> bytes:
        """A PDF of one page, one px a point: the vector `ground` (SVG), and the texts over it as text."""
        blocks = self._placed(placed, language)
        data = {"mode": "draw", "w": width, "h": height, "blocks": blocks, "ground": ground, "title": title}
        return bytes(self._run(data, None, "pdf"))

    def _placed(self, placed: Iterable[Placed], language: str) -> list[dict[str, Any]]:
        blocks = []
        for p in placed:
            block = self._block(p.fit.text, p.fit.string, language)
            extra = {"x": p.x, "y": p.y, "w": p.fit.width + 0.6, "size": p.fit.size, "fill": p.color, "align": p.align}
            blocks.append({**block, **extra, "turn": p.turn})
        return blocks

    @staticmethod
    def _reduce(text: Text, string: str, report: dict[str, Any], cut: set[str]) -> str:
        """Break long words first; cut the end only where that was done already."""
        if report["word"] > text.width and "\u00ad" not in string and "\u200b" not in string:
            per_char = report["word"] / max(1, len(longest_words(string, 1)[0]))
            return breakable(string, max(2, int(text.width / per_char) - 1))
        cut.add(text.id)
        if report["word"] > text.width:
            return shorten(breakable(string.replace("\u00ad", "").replace("\u200b", ""), 2), 0.9)
        room = min(text.height / max(1.0, report["h"]), text.lines / report["lines"])
        return shorten(string, min(0.92, room * 0.97))

    @staticmethod
    def _block(text: Text, string: str, language: str) -> dict[str, Any]:
        style = text.style
        tall = language in _TALL
        words = longest_words(string)
        if language == "ja" and text.balance and " " not in string:
            joined = ["\u2060".join(piece) for piece in phrases(string)]
            string = "".join(joined)
            words = sorted(joined, key=lambda piece: (-len(piece), piece))[:3]
        families: list[Any] = list(fonts.stack(style.family, language))
        if language in _REGION:
            families = [
                {"name": f, "covers": "latin-in-cjk"} if i < 3 and "CJK" not in f else f for i, f in enumerate(families)
            ]
        return {
            "id": text.id, "text": string, "font": families, "weight": style.weight,
            "style": "italic" if style.italic else "normal", "fill": "#000000", "lang": language,
            "region": _REGION.get(language), "dir": direction(language),
            "tracking": 0 if language in _TALL - {"vi"} else style.tracking,
            "top": _TOP.get(language, 0.8), "bottom": _BOTTOM.get(language, 0.22),
            "leading": max(0.0, style.leading * 0.5) if tall else (style.leading + 0.12 if language in _REGION else style.leading),
            "hyphenate": False, "align": "start", "w": text.width, "h": text.height, "min": max(_LEAST, text.smallest),
            "max": max(_LEAST, text.smallest, text.largest * style.scale), "group": text.group, "balance": text.balance, "lines": text.lines,
            "words": words,
        }  # fmt: skip

    def paint(self, svg: str, width: int, height: int) -> NDArray[np.uint8]:
        """An SVG document without text as pixels of shape (height, width, 3)."""
        try:
            inputs = {"svg": svg, "w": str(width), "h": str(height)}
            png = self._compiler("paint.typ").compile(format="png", ppi=72, sys_inputs=inputs)
        except RuntimeError as error:
            raise GeneratorError(f"the scene could not be painted: {error}", retryable=False) from error
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))

    def _run(self, data: dict[str, Any], label: str | None, form: Literal["png", "svg", "pdf"] = "png") -> Any:
        compiler = self._compiler("typeset.typ")
        inputs = {"data": json.dumps(data)}
        try:
            if label is None:
                return compiler.compile(format=form, ppi=72, sys_inputs=inputs)
            compiler.compile(format="svg", sys_inputs=inputs)
            return json.loads(compiler.query(label, field="value"))
        except RuntimeError as error:
            raise GeneratorError(f"the typesetter failed: {error}", retryable=False) from error

    def _compiler(self, name: str) -> Any:
        compilers: dict[str, Any] = self._local.__dict__.setdefault("compilers", {})
        if name not in compilers:
            try:
                typst: Any = import_module("typst")
            except ImportError:
                raise ConfigError("typst is not installed: pip install 'safelight[embedded]'") from None
            with self._lock:
                if self._fonts is None:
                    self._fonts = typst.Fonts(False, False, list(fonts.directories()))
            with as_file(files(__package__) / name) as path:
                compilers[name] = typst.Compiler(
                    str(path), root=str(path.parent), font_paths=self._fonts, ignore_system_fonts=True
                )
        return compilers[name]
