"""Pictures to train on, made by the processor: each a 512 x 512 part of something that measures 1024 or more.

Dead leaves (Matheron; "Learning to see by looking at noise", Baradad et al., NeurIPS 2021), fields with the spectra of
nature, gradients, sheets with text, tables, bars and boxes, and parts of the few photographs that come with common
packages. None of these is in `benchmarks/watermark.py`, whose pictures are held out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE = 512
KINDS = ("leaves", "field", "gradient", "graphic", "photograph")
_SHARES = (0.24, 0.10, 0.06, 0.38, 0.22)
_LETTERS = np.array(list("eeeeettttaaooiinnsshhrrddlluuccmmffwwyyggppbbvvk"))
Color = tuple[int, int, int]
Rng = np.random.Generator


def made(seed: int, photographs: Sequence[str] = ()) -> tuple[int, Any]:
    """The picture of a seed: its place in KINDS, and (512, 512, 3) bytes."""
    rng = np.random.default_rng(seed)
    kind = int(rng.choice(len(KINDS), p=_SHARES))
    draw = (leaves, field, gradient, graphic, partial(part, photographs=photographs))[kind]
    try:
        return kind, np.asarray(draw(rng).convert("RGB"), np.uint8)
    except (OSError, ValueError):  # no photographs, or one that this Pillow cannot read
        return 0, np.asarray(leaves(rng), np.uint8)


def found_photographs(folder: Path | None) -> list[str]:
    """Photographs of scikit-learn and matplotlib, where they are installed, and those of a folder."""
    found = []
    for package, names in (
        ("sklearn", ["datasets/images/china.jpg", "datasets/images/flower.jpg"]),
        ("matplotlib", ["mpl-data/sample_data/grace_hopper.jpg"]),
    ):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            found += [str(path) for name in names if (path := Path(place, name)).is_file()]
    kinds = {".jpg", ".jpeg", ".png", ".webp"}
    others = [str(path) for path in sorted(folder.rglob("*")) if path.suffix in kinds] if folder is not None else []
    # As many parts of the few photographs as of all others.
    return found * max(1, len(others) // max(1, len(found))) + others


def leaves(rng: Rng) -> Image.Image:
    """Overlapping shapes of power-law sizes, flat or textured, softened a little as a lens does."""
    image = Image.fromarray(_texture(rng, SIDE))
    smallest, slope = float(rng.uniform(3, 16)), float(rng.uniform(1.2, 2.6))
    palette = rng.integers(0, 256, (int(rng.integers(3, 12)), 3))
    textures = [Image.fromarray(_texture(rng, SIDE)) for _ in range(4)]
    for _ in range(int(rng.integers(60, 500))):
        radius = min(smallest * (1 + rng.pareto(slope)), SIDE / 1.5)
        x, y = rng.uniform(-40, SIDE + 40, 2)
        mask = Image.new("L", (SIDE, SIDE)) if radius > 12 and rng.random() < 0.5 else None
        draw = ImageDraw.Draw(image if mask is None else mask)
        ink: Any = _near(rng, palette) if mask is None else 255
        shape = rng.integers(3)
        if shape == 0:
            draw.ellipse([x - radius, y - radius, x + radius, y + radius * rng.uniform(0.4, 1.6) + 1], fill=ink)
        elif shape == 1:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            draw.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], fill=ink)
        else:
            end = (x + radius * 3 * rng.normal(), y + radius * 3 * rng.normal())
            draw.line([(x, y), end], fill=ink, width=max(1, int(radius / 3)))
        if mask is not None:
            image.paste(textures[int(rng.integers(4))], (0, 0), mask)
    if rng.random() < 0.7:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.0))))
    return _grained(rng, image)


def field(rng: Rng) -> Image.Image:
    """Noise whose spectrum falls as nature's do, in one color direction or three."""
    values = np.stack([_noise(rng, SIDE, float(rng.uniform(0.4, 2.2))) for _ in range(3)], -1)
    mix = np.ones((3, 3)) * rng.uniform(0.5, 1) + rng.normal(0, 0.3, (3, 3))
    return _grained(rng, Image.fromarray(_bytes(rng.uniform(60, 200, 3) + values @ mix * rng.uniform(8, 50))))


def gradient(rng: Rng) -> Image.Image:
    """From one color to another along a line or a ring; a third of them are one color."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    along = x * rng.normal() + y * rng.normal() if rng.random() < 0.5 else np.hypot(x - rng.random(), y - rng.random())
    along = ((along - along.min()) / np.ptp(along))[..., None] * (rng.random() < 0.67)
    first, last = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
    return _grained(rng, Image.fromarray(_bytes(first + (last - first) * along)))


def part(rng: Rng, photographs: Sequence[str]) -> Image.Image:
    """A part of a photograph, at a scale of its own, its tones changed."""
    if not photographs:
        raise ValueError("no photographs")
    image = _opened(photographs[int(rng.integers(len(photographs)))])
    extent = min(*image.size, int(SIDE * np.exp(rng.uniform(-0.9, 0.5))))
    left, top = (int(rng.integers(0, length - extent + 1)) for length in image.size)
    image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + extent, top + extent))
    pixels = np.asarray(image, np.float32) / 255
    pixels = pixels[..., rng.permutation(3)] ** np.exp(rng.normal(0, 0.25)) * rng.uniform(0.7, 1.15, 3)
    return _grained(rng, Image.fromarray(_bytes(255 * pixels)))


@cache
def _opened(path: str) -> Image.Image:
    with Image.open(path) as image:
        opened = image.convert("RGB")
    if min(opened.size) < 256:
        opened = opened.resize((512, 512))
    return opened


def graphic(rng: Rng) -> Image.Image:
    """A part of a sheet of 1024: paper of some color, and blocks of text, tables, bars, boxes and curves on it."""
    dice, paper = rng.random(), np.array([255, 255, 255])
    if dice > 0.4:
        paper = (
            rng.integers(225, 256, 3)
            if dice < 0.6
            else rng.integers(0, 50, 3)
            if dice < 0.8
            else rng.integers(0, 256, 3)
        )
    sheet = Image.new("RGB", (1024, 1024), _color(paper))
    if dice > 0.93:
        sheet = gradient(rng).resize((1024, 1024))
    draw = ImageDraw.Draw(sheet)
    ink = _contrasting(rng, paper)
    if rng.random() < 0.3:
        text(rng, draw, (60, 60, 980, 1000), ink)
        return _cut(rng, sheet)
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    blocks: tuple[Any, ...] = (text, table, bars, box, curve, box)
    for row in range(rows):
        for column in range(columns):
            width, height = 1024 / columns, 1024 / rows
            gap = float(rng.uniform(8, 40))
            area = (column * width + gap, row * height + gap, (column + 1) * width - gap, (row + 1) * height - gap)
            blocks[int(rng.integers(len(blocks)))](rng, draw, area, ink)
    return _cut(rng, sheet)


def text(rng: Rng, draw: ImageDraw.ImageDraw, area: tuple[float, ...], ink: Color) -> None:
    """Lines of made-up words."""
    size = int(np.exp(rng.uniform(np.log(13), np.log(60))))
    font, y = _font(rng, size), area[1]
    leading = size * rng.uniform(1.15, 1.7)
    while y + size < area[3]:
        length = int((area[2] - area[0]) / (0.55 * size))
        draw.text((area[0], y), _words(rng, max(2, length - int(rng.integers(0, 6)))), fill=ink, font=font)
        y += leading


def table(rng: Rng, draw: ImageDraw.ImageDraw, area: tuple[float, ...], ink: Color) -> None:
    """Rows of two colors by turns, with figures in their cells."""
    rows, columns = int(rng.integers(3, 12)), int(rng.integers(2, 6))
    height, width = (area[3] - area[1]) / rows, (area[2] - area[0]) / columns
    font, shades = _font(rng, max(10, int(height * 0.5))), [_color(rng.integers(0, 256, 3)) for _ in range(2)]
    has_fill = rng.random() < 0.6
    for row in range(rows):
        y = area[1] + row * height
        if has_fill:
            draw.rectangle([area[0], y, area[2], y + height], fill=shades[row % 2])
        else:
            draw.line([area[0], y, area[2], y], fill=ink, width=int(rng.integers(1, 3)))
        for column in range(columns):
            color = _contrasting(rng, np.array(shades[row % 2])) if has_fill else ink
            draw.text(
                (area[0] + column * width + 6, y + 0.2 * height), f"{rng.integers(0, 9999):,}", fill=color, font=font
            )


def bars(rng: Rng, draw: ImageDraw.ImageDraw, area: tuple[float, ...], ink: Color) -> None:
    """A chart of upright bars over its axis."""
    count = int(rng.integers(3, 16))
    width = (area[2] - area[0]) / count
    colors = [_color(rng.integers(0, 256, 3)) for _ in range(int(rng.integers(1, 5)))]
    for line in range(int(rng.integers(0, 6))):
        y = area[3] - line * (area[3] - area[1]) / 6
        draw.line([area[0], y, area[2], y], fill=(200, 200, 200))
    for bar in range(count):
        left = area[0] + bar * width
        top = area[3] - rng.random() * (area[3] - area[1])
        draw.rectangle([left, top, left + 0.8 * width, area[3]], fill=colors[bar % len(colors)])
    draw.line([area[0], area[3], area[2], area[3]], fill=ink, width=2)


def box(rng: Rng, draw: ImageDraw.ImageDraw, area: tuple[float, ...], ink: Color) -> None:
    """A box or a disc, with a line of text in it."""
    fill = rng.integers(0, 256, 3) if rng.random() < 0.5 else rng.integers(190, 256, 3)
    if rng.random() < 0.75:
        draw.rounded_rectangle(
            area, float(rng.uniform(0, 30)), fill=_color(fill), outline=ink, width=int(rng.integers(0, 6))
        )
    else:
        draw.ellipse(area, fill=_color(fill))
    size = int(rng.integers(14, 80))
    draw.text((area[0] + 20, area[1] + 20), _words(rng, 14), fill=_contrasting(rng, fill), font=_font(rng, size))


def curve(rng: Rng, draw: ImageDraw.ImageDraw, area: tuple[float, ...], ink: Color) -> None:
    """Random walks, as a chart draws them."""
    for _ in range(int(rng.integers(1, 4))):
        walk = np.cumsum(rng.normal(0, 1, 60))
        heights = area[3] - (walk - walk.min()) / np.ptp(walk) * (area[3] - area[1])
        points = [(area[0] + i * (area[2] - area[0]) / 59, float(y)) for i, y in enumerate(heights)]
        draw.line(points, fill=_color(rng.integers(0, 256, 3)), width=int(rng.integers(1, 8)))
    draw.line([area[0], area[1], area[0], area[3], area[2], area[3]], fill=ink)


def _cut(rng: Rng, sheet: Image.Image) -> Image.Image:
    extent = int(rng.uniform(420, 720)) if rng.random() < 0.3 else SIDE
    left, top = (int(rng.integers(0, 1024 - extent + 1)) for _ in range(2))
    sheet = sheet.crop((left, top, left + extent, top + extent))
    return sheet if extent == SIDE else sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _words(rng: Rng, length: int) -> str:
    letters = rng.choice(_LETTERS, length)
    letters[rng.random(length) < 0.17] = " "
    return "".join(letters).capitalize()


@cache
def _faces() -> tuple[str, ...]:
    spec = importlib.util.find_spec("matplotlib")
    places = (spec.submodule_search_locations or ()) if spec is not None else ()
    return tuple(
        str(path) for place in places for path in sorted(Path(place, "mpl-data/fonts/ttf").glob("DejaVuS*.ttf"))
    )


@cache
def _face(path: str, size: int) -> Any:
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def _font(rng: Rng, size: int) -> Any:
    faces = ("", "", *_faces())
    return _face(faces[int(rng.integers(len(faces)))], size)


def _contrasting(rng: Rng, paper: Any) -> Color:
    return _color(rng.integers(0, 90, 3) if np.mean(paper) > 128 else rng.integers(170, 256, 3))


def _near(rng: Rng, palette: Any) -> Color:
    return _color(np.clip(palette[int(rng.integers(len(palette)))] + rng.normal(0, 12, 3), 0, 255))


def _color(values: Any) -> Color:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def _texture(rng: Rng, side: int) -> Any:
    noise = _noise(rng, side, float(rng.uniform(0.3, 1.8)))[..., None]
    return _bytes(rng.integers(0, 256, 3) + noise * rng.uniform(0, 30) * rng.uniform(0.6, 1.2, 3))


def _noise(rng: Rng, side: int, slope: float) -> Any:
    """A field (side, side) of unit variance whose amplitude falls as frequency to the -slope."""
    wave = np.fft.fftfreq(side) * side
    size = np.maximum(np.hypot(wave[:, None], wave[None, : side // 2 + 1]), 1.5) ** -slope
    size[0, 0] = 0
    values = np.fft.irfft2(size * np.fft.rfft2(rng.standard_normal((side, side))), s=(side, side))
    return values / values.std()


def _grained(rng: Rng, image: Image.Image) -> Image.Image:
    if rng.random() < 0.5:
        return image
    noise = rng.normal(0, rng.uniform(0.3, 4), (SIDE, SIDE, 1 if rng.random() < 0.5 else 3))
    return Image.fromarray(_bytes(np.asarray(image.convert("RGB"), np.float32) + noise))


def _bytes(values: Any) -> Any:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
