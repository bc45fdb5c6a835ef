"""A picture that the user gave, as part of a page: treated so that it belongs to the art direction."""

from __future__ import annotations

import base64
import io
from html import escape

from PIL import Image, ImageOps

from .color import is_dark
from .direction import ArtDirection
from .page import Box
from .raster import open_image

__all__ = ["photo_mark", "prepare"]

_LONGEST = 1920


def prepare(data: bytes, art: ArtDirection) -> str:
    """An untrusted image as a data address for SVG: upright, at most 1920 px, toned for the direction.

    Raises `BadImage`."""
    image = open_image(data, "a reference image")
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    p = art.palette
    if art.name == "darkroom":
        gray = ImageOps.autocontrast(ImageOps.grayscale(image), cutoff=1)
        image = ImageOps.colorize(gray, p.ramp[-1], p.light, mid=p.ramp[1])
    elif art.name in {"blueprint", "chalkboard"}:
        dark, light = (p.paper, p.ink) if is_dark(p.paper) else (p.ink, p.paper)
        image = ImageOps.colorize(ImageOps.autocontrast(ImageOps.grayscale(image), cutoff=1), dark, light)
    elif art.name == "botanical":
        toned = ImageOps.colorize(ImageOps.grayscale(image), p.ink, p.paper)
        image = Image.blend(image, toned, 0.35)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def photo_mark(window: Box, address: str, prefix: str) -> str:
    """The picture, filling `window` and cut to it."""
    frame = f'x="{window.x:.1f}" y="{window.y:.1f}" width="{window.w:.1f}" height="{window.h:.1f}"'
    return (
        f'<defs><clipPath id="{prefix}photo"><rect {frame}/></clipPath></defs>'
        f'<image {frame} preserveAspectRatio="xMidYMid slice" clip-path="url(#{prefix}photo)" '
        f'href="{escape(address)}"/>'
    )
