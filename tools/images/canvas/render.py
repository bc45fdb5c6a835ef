"""One spec to one picture: clean the text, lay the page out, paint it, set the type, check contrast."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..spec import Chart, ImageSpec, Item, StyleSheet
from . import texture
from .color import mix, parse, readable, to_hex
from .direction import resolve
from .icons import find
from .layouts import LAYOUTS, start
from .page import Box, Page, Setting
from .photo import prepare
from .text import clean, direction, language_of
from .typeset import Placed, Typesetter

__all__ = ["Drawn", "TextArea", "Veil", "compose", "draw", "ensure_contrast", "lay_out", "painted"]

LONGEST = 6000


@dataclass(frozen=True)
class TextArea:
    """Where a text was set, in px, in which color, and the least contrast with what lies beneath it."""

    id: str
    string: str
    box: Box
    color: str
    size: float
    contrast: float


@dataclass(frozen=True)
class Drawn:
    """The finished page as RGB pixels (h, w, 3), what was set where, and what could not be done as asked."""

    pixels: NDArray[np.uint8] = field(repr=False)
    areas: tuple[TextArea, ...]
    notes: tuple[str, ...]


def draw(spec: ImageSpec, style: StyleSheet, seed: int, typesetter: Typesetter, photo: bytes | None = None) -> Drawn:
    """Renders a spec. The same spec, style and seed give the same pixels. Raises `GeneratorError`, `BadInput`.

    `photo` is a picture that takes the place of the drawn scene."""
    page, notes = lay_out(spec, style, seed, typesetter, photo)
    surface, noise = painted(page, f"{seed}/{style.seed}/{spec.index}")
    pixels, areas = compose(page, surface, noise)
    return Drawn(pixels, areas, tuple(dict.fromkeys([*notes, *page.notes])))


def painted(page: Page, chance: str) -> tuple[NDArray[np.float32], np.random.Generator]:
    """The page's marks on its surface (h, w, 3, 0..255), no text yet; and the chance that its grain was drawn with."""
    ground = page.setting.typesetter.paint(page.document(), page.w, page.h).astype(np.float32)
    noise = np.random.default_rng(zlib.crc32(chance.encode()))
    return texture.apply(ground, page.art.texture, noise, page.unit), noise


def lay_out(
    spec: ImageSpec, style: StyleSheet, seed: int, typesetter: Typesetter, photo: bytes | None = None
) -> tuple[Page, list[str]]:
    """The page of a spec, its marks and texts in place, nothing painted yet; and what was left out of its texts."""
    notes: list[str] = []
    spec = _cleaned(spec, notes)
    art = resolve(style)
    language = language_of(spec.language)
    page = Page(spec.size.width, spec.size.height, art, Setting(typesetter, language, direction(language) == "rtl"))
    # One sequence of chance an image, the same whatever else is drawn; the set's seed keeps palettes together.
    rng = random.Random(zlib.crc32(f"{seed}/{style.seed}/{spec.index}/{spec.subject}/{spec.role}".encode()))  # noqa: S311 (a drawing, not a secret)
    sheet = start(spec, style, page, rng)
    if photo is not None:
        sheet.photo = prepare(photo, art)
    LAYOUTS[spec.role](sheet)
    return page, notes


def compose(
    page: Page, surface: NDArray[np.float32], noise: np.random.Generator
) -> tuple[NDArray[np.uint8], tuple[TextArea, ...]]:
    """The page's texts over `surface` (h, w, 3, 0..255), each at 4.5:1 or more; and where they were set."""
    surface, placed, areas, _veils = ensure_contrast(page, surface)
    if not placed:
        return np.clip(surface + 0.5, 0, 255).astype(np.uint8), areas
    ink = page.setting.typesetter.draw(page.w, page.h, placed, page.setting.language)
    alpha = ink[..., 3:4].astype(np.float32) / 255
    if page.art.name == "chalkboard":
        alpha = alpha * texture.chalk_alpha(noise, page.w, page.h, page.unit)[..., None]
    out = surface * (1 - alpha) + ink[..., :3].astype(np.float32) * alpha
    return np.clip(out + 0.5, 0, 255).astype(np.uint8), areas


def _cleaned(spec: ImageSpec, notes: list[str]) -> ImageSpec:
    """The spec with text that can be set; an emoji becomes the icon of its entry where that had none."""
    dropped: set[str] = set()

    def tidy(text: str) -> str:
        result = clean(text)
        dropped.update(result.dropped)
        if len(result.text) > LONGEST:
            notes.append(f"text longer than {LONGEST:,} characters was cut")
            return result.text[:LONGEST]
        return result.text

    def tidy_item(item: Item) -> Item:
        emoji = [c for c in clean(item.label).dropped if ord(c) > 0x2190]
        noun = item.icon or next((name for c in emoji if (name := _noun(c))), "")
        return Item(
            label=tidy(item.label), detail=tidy(item.detail), icon=noun, value=tidy(item.value), source=item.source
        )

    chart = spec.chart
    if chart is not None:
        chart = Chart(
            kind=chart.kind, x_title=tidy(chart.x_title), y_title=tidy(chart.y_title),
            categories=tuple(tidy(c) for c in chart.categories),
            series={tidy(name): values for name, values in chart.series.items()}, source=chart.source,
        )  # fmt: skip
    changed = spec.model_copy(update={
        "title": tidy(spec.title), "subtitle": tidy(spec.subtitle), "caption": tidy(spec.caption), "quote": tidy(spec.quote),
        "footnotes": tuple(tidy(note) for note in spec.footnotes),
        "items": tuple(tidy_item(item) for item in spec.items), "chart": chart,
    })  # fmt: skip
    if dropped:
        shown = " ".join(sorted(dropped)[:8])
        notes.append(f"no glyph for {shown}: left out")
    return changed


def _noun(char: str) -> str:
    import unicodedata

    name = unicodedata.name(char, "").lower()
    return name if name and find(name) else ""


@dataclass(frozen=True)
class Veil:
    """A soft patch laid under a text: where in px, in which color, how strong at its middle, how far its edge fades."""

    box: Box
    color: str
    strength: float
    reach: float


def ensure_contrast(
    page: Page, surface: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[Placed], tuple[TextArea, ...], list[Veil]]:
    """Measures each text against the pixels beneath it. Where 4.5:1 is missed, the text takes the ink that reads
    best there, and if that is not enough, a soft veil is laid under it."""
    veils: list[Veil] = []
    placed: list[Placed] = []
    areas: list[TextArea] = []
    for item, box, _on in page.texts:
        pad = max(2.0, item.fit.size * 0.15)
        window = _slice(page, box, pad)
        patch = surface[window]
        color, ratio = item.color, _least_contrast(item.color, patch)
        if ratio < 4.5:
            base = to_hex([float(c) / 255 for c in np.median(patch.reshape(-1, 3), axis=0)])
            inks = [page.art.palette.ink_on(base), page.art.palette.ink, page.art.palette.paper, "#ffffff", "#0b0b0b"]
            options = (
                [*inks, readable(color, base)] if color == page.art.palette.ink else [readable(color, base), *inks]
            )
            color = max(options, key=lambda c: (round(min(_least_contrast(c, patch), 4.6), 1), -options.index(c)))
            ratio = _least_contrast(color, patch)
            if ratio < 4.5:
                veils.append(_veil(surface, window, base, color, patch))
                ratio = _least_contrast(color, surface[window])
        placed.append(Placed(item.fit, item.x, item.y, color, item.align, item.turn))
        areas.append(TextArea(item.fit.text.id, item.fit.string, box, color, item.fit.size, ratio))
    return surface, placed, tuple(areas), veils


def _slice(page: Page, box: Box, pad: float) -> tuple[slice, slice]:
    y0, y1 = max(0, int(box.y - pad)), min(page.h, int(box.bottom + pad) + 1)
    x0, x1 = max(0, int(box.x - pad)), min(page.w, int(box.right + pad) + 1)
    return slice(min(y0, page.h - 1), max(y1, y0 + 1)), slice(min(x0, page.w - 1), max(x1, x0 + 1))


def _lightness(patch: NDArray[np.float32]) -> NDArray[np.float32]:
    c = np.clip(patch / 255, 0, 1)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32), dtype=np.float32)


def _least_contrast(color: str, patch: NDArray[np.float32]) -> float:
    """Contrast of a color with the worst 2 % of a patch: single specks of grain do not count."""
    step = max(1, int((patch.shape[0] * patch.shape[1] / 20000) ** 0.5))
    field_ = _lightness(patch[::step, ::step])
    own = float(_lightness(np.array([parse(color)], dtype=np.float32) * 255)[0])
    low, high = (float(v) for v in np.percentile(field_, (2, 98)))
    ratios = [(max(own, other) + 0.05) / (min(own, other) + 0.05) for other in (low, high)]
    return 1.0 if low <= own <= high else min(ratios)


def _veil(
    surface: NDArray[np.float32], window: tuple[slice, slice], base: str, color: str, patch: NDArray[np.float32]
) -> Veil:
    """Blends the ground under a text toward whatever is far from its color, just enough."""
    target = (
        np.array(
            parse(readable(mix(base, "#000000" if parse(color)[1] > 0.5 else "#ffffff", 0.6), color, 7.0)),
            dtype=np.float32,
        )
        * 255
    )
    for strength in (0.35, 0.5, 0.65, 0.8, 0.92):
        veiled = patch * (1 - strength) + target * strength
        if _least_contrast(color, veiled) >= 4.6:
            break
    # A halo of the same, fading outward, so that the veil has no edge.
    rows, columns = window
    reach = max(6, (rows.stop - rows.start) // 2)
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    wide = surface[top : rows.stop + reach, left : columns.stop + reach]
    y = np.arange(top, top + wide.shape[0], dtype=np.float32)
    x = np.arange(left, left + wide.shape[1], dtype=np.float32)
    dy = np.clip(np.maximum(rows.start - y, y - rows.stop + 1), 0, None)[:, None]
    dx = np.clip(np.maximum(columns.start - x, x - columns.stop + 1), 0, None)[None, :]
    alpha = (strength * np.clip(1 - np.hypot(dx, dy) / reach, 0, 1) ** 1.5)[..., None]
    wide[...] = wide * (1 - alpha) + target * alpha
    box = Box(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    return Veil(box, to_hex([float(c) / 255 for c in target]), strength, reach)
