"""The same page as a vector file: its marks and letters, without the surface that only pixels have.

Grain, fiber and the pores of chalk are left out; what darkens toward the edges, and the veils under texts, are kept as
gradients, so that the file looks as the picture does.
"""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import re

from ..spec import ImageSpec, StyleSheet
from ..vector import VectorKind
from .page import Page
from .render import Veil, ensure_contrast, lay_out, painted
from .texture import VIGNETTES, falloff
from .typeset import Typesetter

__all__ = ["engrave"]

_STOPS = 16


def engrave(spec: ImageSpec, style: StyleSheet, seed: int, typesetter: Typesetter, kind: VectorKind) -> bytes:
    """The file. The same spec, style and seed give the same bytes. Raises `GeneratorError`, `BadInput`."""
    page, _ = lay_out(spec, style, seed, typesetter)
    # Inks are chosen against the picture's own surface.
    surface, _ = painted(page, f"{seed}/{style.seed}/{spec.index}")
    _, placed, _, veils = ensure_contrast(page, surface)
    drawn = re.sub(r"<title>.*?</title>", "", page.document())
    drawn = drawn.removesuffix("</svg>") + _vignette(page) + "".join(_veil(veil) for veil in veils) + "</svg>"
    language = page.setting.language
    if kind == "pdf":
        return typesetter.document(page.w, page.h, placed, language, drawn, spec.title)
    letters = typesetter.outlines(page.w, page.h, placed, language)
    if not placed:
        return drawn.encode()
    start, end = letters.index(">") + 1, letters.rindex("</svg>")
    layer = f'<svg viewBox="0 0 {page.w} {page.h}" width="{page.w}" height="{page.h}">{letters[start:end]}</svg>'
    opened = drawn.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1)
    return (opened.removesuffix("</svg>") + layer + "</svg>").encode()


def _vignette(page: Page) -> str:
    """The surface's darkening toward the corners, as a gradient of black."""
    strength = VIGNETTES.get(page.art.texture, 0.0)
    if not strength:
        return ""
    # At the corner, half the sum of the squared distances is 1; the gradient's radius reaches just there.
    stops = "".join(
        f'<stop offset="{i / _STOPS:.4f}" stop-color="#000000" stop-opacity="{1 - float(falloff((i / _STOPS) ** 2, strength)):.4f}"/>'
        for i in range(_STOPS + 1)
    )
    return (
        f'<defs><radialGradient id="vignette" cx=".5" cy=".5" r=".70710678">{stops}</radialGradient></defs>'
        f'<rect width="{page.w}" height="{page.h}" fill="url(#vignette)"/>'
    )


def _veil(veil: Veil) -> str:
    """Nested rounded rectangles whose opacities add up to the veil's falloff."""
    n, out, seen = 14, [], 0.0
    for i in range(n):
        spread = veil.reach * (1 - (i + 0.5) / n)
        wanted = veil.strength * (1 - spread / veil.reach) ** 1.5
        alpha = 1 - (1 - wanted) / (1 - seen)
        seen = wanted
        b = veil.box.inset(-spread)
        out.append(
            f'<rect x="{b.x:.1f}" y="{b.y:.1f}" width="{b.w:.1f}" height="{b.h:.1f}" rx="{spread:.1f}" fill="{veil.color}" opacity="{alpha:.4f}"/>'
        )
    return "".join(out)
