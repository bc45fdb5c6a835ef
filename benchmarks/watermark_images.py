"""The pictures that the watermark is measured on: scikit-image's photographs, and flat graphics that are drawn here."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE = 1024
PHOTOS = "astronaut coffee chelsea rocket hubble_deep_field immunohistochemistry retina camera".split()
FRESH = "brick coins moon page text grass gravel cat clock colorwheel".split()
WORDS = "thinking plans every region before drawing text legend axis growth share margin forecast energy water".split()


def shapes() -> dict[str, Image.Image]:
    """Photographs and graphics that are small, tall and wide; sizes that are no multiple of anything."""
    photos, drawn = photographs(["coffee", "cat"], is_square=True), graphics(5)
    bases = {**photos, **{name: drawn[name] for name in ("graphic bars", "graphic flow")}}
    sizes = {"256": (256, 256), "301 x 257": (301, 257), "tall": (577, 1031), "wide": (1500, 500)}
    return {
        f"{name}, {label}": ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        for name, image in bases.items()
        for label, size in sizes.items()
    }


def photographs(names: list[str], *, is_square: bool) -> dict[str, Image.Image]:
    import skimage.data

    found = {}
    for name in names:
        try:
            pixels = getattr(skimage.data, name)()
        except Exception:  # noqa: S112 (some are fetched over the network)
            continue
        image = Image.fromarray(pixels).convert("RGB")
        resized = (
            ImageOps.fit(image, (SIDE, SIDE), Image.Resampling.LANCZOS)
            if is_square
            else ImageOps.contain(image, (900, 900), Image.Resampling.LANCZOS)
        )
        found[f"photo {name}"] = resized
    return found


def graphics(seed: int) -> dict[str, Image.Image]:
    """Six flat graphics; another seed, other ones."""
    rng = np.random.default_rng(seed)
    return {f"graphic {draw.__name__}": draw(rng) for draw in (bars, flow, dark, page, poster, table)}


def font(size: int) -> Any:
    return ImageFont.load_default(size)


def sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words)).capitalize() + "."


def sheet(color: Any) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (SIDE, SIDE), color)
    return image, ImageDraw.Draw(image)


def bars(rng: np.random.Generator) -> Image.Image:
    image, draw = sheet("white")
    draw.text((60, 40), "Quarterly energy mix", font=font(54), fill=(20, 24, 40))
    for group in range(8):
        for index, color in enumerate([(66, 133, 244), (219, 68, 55), (244, 180, 0), (15, 157, 88)]):
            left = 90 + group * 112 + index * 24
            draw.rectangle([left, 880 - int(rng.integers(60, 520)), left + 20, 880], fill=color)
        draw.text((96 + group * 112, 895), f"Q{group % 4 + 1}", font=font(18), fill=(60, 60, 60))
    for line in range(6):
        draw.line([80, 880 - line * 110, 980, 880 - line * 110], fill=(225, 225, 225))
    return image


def flow(rng: np.random.Generator) -> Image.Image:
    image, draw = sheet((250, 248, 240))
    draw.text((60, 40), "How the planner works", font=font(50), fill=(40, 40, 60))
    for index, name in enumerate(("Read", "Draft", "Render", "Criticize", "Repair", "Deliver")):
        left, top = 80 + index % 2 * 480, 150 + index // 2 * 270
        fill = [(255, 224, 178), (200, 230, 201), (187, 222, 251)][index % 3]
        draw.rounded_rectangle([left, top, left + 380, top + 180], 24, fill=fill, outline=(90, 90, 110), width=4)
        draw.text((left + 30, top + 24), name, font=font(34), fill=(30, 30, 50))
        for line in range(3):
            draw.text((left + 30, top + 76 + 30 * line), sentence(rng, 5)[:30], font=font(20), fill=(60, 60, 80))
    return image


def dark(rng: np.random.Generator) -> Image.Image:
    image, draw = sheet((17, 20, 28))
    draw.text((48, 36), "System status", font=font(48), fill=(235, 238, 245))
    for index in range(6):
        left, top = 48 + index % 2 * 480, 130 + index // 2 * 290
        draw.rounded_rectangle([left, top, left + 448, top + 260], 18, fill=(28, 33, 46))
        draw.text(
            (left + 24, top + 58), f"{rng.integers(10, 99)}.{rng.integers(9)}%", font=font(56), fill=(94, 234, 212)
        )
        walk = np.cumsum(rng.normal(0, 10, 40))
        heights = top + 200 - (walk - walk.min()) / np.ptp(walk) * 60
        draw.line([(left + 24 + 10 * x, float(y)) for x, y in enumerate(heights)], fill=(99, 102, 241), width=4)
    return image


def page(rng: np.random.Generator) -> Image.Image:
    image, draw = sheet("white")
    draw.text((80, 60), "A short report", font=font(48), fill="black")
    for line in range(32):
        draw.text((80, 140 + line * 26), sentence(rng, 12), font=font(19), fill="black")
    return image


def poster(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    base = rng.integers(0, 30)
    image = Image.fromarray(np.stack([245 - 120 * y - base, 120 + 60 * x, 90 + 140 * y], -1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.text((90, 340), "FESTIVAL", font=font(150), fill="white")
    draw.ellipse([690, 80, 900, 290], fill=(255, 214, 102))
    return image


def table(rng: np.random.Generator) -> Image.Image:
    image, draw = sheet((245, 247, 250))
    for row in range(18):
        fill = (33, 64, 120) if row == 0 else (255, 255, 255) if row % 2 else (234, 239, 247)
        draw.rectangle([40, 60 + row * 50, 984, 110 + row * 50], fill=fill)
        for column in range(5):
            text = str(rng.choice(WORDS)).title() if row == 0 else f"{rng.integers(0, 9999):,}"
            color = "white" if row == 0 else (40, 44, 60)
            draw.text((56 + column * 188, 72 + row * 50), text, font=font(22), fill=color)
    return image
