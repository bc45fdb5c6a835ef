"""Sets a title or caption on a picture, where it is quiet, with a contrast that reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..spec import ImageSpec
from .color import parse
from .direction import ArtDirection
from .instruction import EditOp
from .page import Box, Page, Setting
from .render import compose
from .text import clean, direction, language_of
from .typeset import Text, Typesetter

__all__ = ["overlay"]


def overlay(
    image: Image.Image, op: EditOp, spec: ImageSpec, art: ArtDirection, typesetter: Typesetter, notes: list[str]
) -> Image.Image:
    """A title on the calmer half of the picture, or a caption at its foot, in the set's type, with contrast kept."""
    w, h = image.size
    tidy = clean(op.text)
    if tidy.dropped:
        notes.append(f"no glyph for {' '.join(tidy.dropped[:8])}: left out")
    if not tidy.text:
        return image
    language = language_of(spec.language)
    page = Page(w, h, art, Setting(typesetter, language, direction(language) == "rtl"))
    u, margin = page.unit, 0.055 * min(w, h)
    pixels = np.asarray(image, dtype=np.float32)
    title = op.kind == "title"
    text = Text(
        "overlay",
        tidy.text,
        page.style("title" if title else "body"),
        w - 2 * margin,
        h * (0.3 if title else 0.16),
        max(9.0, 14 * u),
        (96 if title else 26) * u,
        balance=True,
    )
    fit = page.fit([text]).get("overlay")
    notes += page.notes
    if fit is None:
        return image
    bottom = not title or _restless(pixels[: int(h * 0.34)]) > _restless(pixels[-int(h * 0.34) :])
    y = h - margin - fit.height if bottom else margin
    ground = "#000000" if art.palette.dark or float(pixels.mean()) < 140 else "#ffffff"
    ink = "#ffffff" if ground == "#000000" else "#101010"
    reach = (fit.height + 2.4 * margin) / h
    pixels = _shaded(pixels, ground, bottom, reach)
    page.text(fit, Box(margin, y, w - 2 * margin, fit.height), ink)
    out, _ = compose(page, pixels, np.random.default_rng(0))
    return Image.fromarray(out)


def _restless(region: NDArray[np.float32]) -> float:
    gray = region.mean(axis=2)
    return (
        float(np.abs(np.diff(gray, axis=1)).mean() + np.abs(np.diff(gray, axis=0)).mean())
        if min(gray.shape) > 1
        else 0.0
    )


def _shaded(pixels: NDArray[np.float32], color: str, bottom: bool, reach: float) -> NDArray[np.float32]:
    h = pixels.shape[0]
    t = np.linspace(0, 1, h, dtype=np.float32)
    t = t if bottom else 1 - t
    alpha = np.clip((t - (1 - reach * 1.6)) / max(0.05, reach * 0.9), 0, 1)[:, None, None] * 0.72
    shade = np.array(parse(color), dtype=np.float32) * 255
    return np.asarray(pixels * (1 - alpha) + shade * alpha, dtype=np.float32)
