"""Draws the gallery: eight sets, one for each art direction, and a contact sheet of each.

    python examples/gallery/draw.py --out gallery [--set vaccines] [--fast]

No key, no network, no model: every picture is laid out and typeset.
"""

import argparse
import asyncio
import io
from pathlib import Path

from PIL import Image
from sets import SETS

from safelight.tools.images.canvas import Canvas
from safelight.tools.images.generator import ImageRequest
from safelight.tools.images.spec import Size


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    parser.add_argument("--set", choices=sorted(SETS), help="only this set")
    parser.add_argument("--fast", action="store_true", help="at a quarter of the size")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    canvas = Canvas()
    for name, (style, pages) in SETS.items():
        if asked.set not in {None, name}:
            continue
        specs = pages
        if asked.fast:
            specs = tuple(
                spec.model_copy(
                    update={"size": Size(width=max(256, spec.size.width // 2), height=max(256, spec.size.height // 2))}
                )
                for spec in pages
            )
        images = await asyncio.gather(*(canvas.generate(ImageRequest(spec=spec, style=style)) for spec in specs))
        pictures = []
        for i, image in enumerate(images, 1):
            path = asked.out / f"{name}-{i}.png"
            path.write_bytes(image.data)
            print(path, *image.notes, sep="\n    ")
            pictures.append(Image.open(io.BytesIO(image.data)).convert("RGB"))
        contact_sheet(pictures).save(asked.out / f"{name}.jpg", quality=90)
    canvas.close()


def contact_sheet(pictures: list[Image.Image], height: int = 420, gap: int = 14) -> Image.Image:
    """The pictures of a set in one row, on a quiet ground."""
    small = [picture.resize((round(picture.width * height / picture.height), height)) for picture in pictures]
    sheet = Image.new("RGB", (sum(p.width for p in small) + gap * (len(small) + 1), height + 2 * gap), "#8a8a86")
    x = gap
    for picture in small:
        sheet.paste(picture, (x, gap))
        x += picture.width + gap
    return sheet


if __name__ == "__main__":
    asyncio.run(main())
