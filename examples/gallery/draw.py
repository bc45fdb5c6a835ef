"""Draws the gallery: twenty-four briefs, as a user would give them, and a contact sheet of each.

    python examples/gallery/draw.py --out out/gallery [--only playful-fox …] [--small]

No key, no network, no image model: every brief is read, planned, judged, drawn by layout, judged again and stamped.
"""

import argparse
import asyncio
import io
import time
from pathlib import Path

from briefs import BRIEFS, Piece
from PIL import Image

from safelight import Brief, Safelight
from safelight.config import load_settings
from safelight.intake import keep_image, take_document

HERE = Path(__file__).parent


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/gallery"))
    parser.add_argument("--only", nargs="*", choices=sorted(BRIEFS), default=sorted(BRIEFS))
    parser.add_argument("--small", action="store_true", help="contact sheets of 240 pixels in height instead of 480")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.only:
        began = time.perf_counter()
        images = await draw(BRIEFS[name])
        if not images:
            continue
        for i, data in enumerate(images, 1):
            (asked.out / f"{name}-{i}.png").write_bytes(data)
        opened = [Image.open(io.BytesIO(data)).convert("RGB") for data in images]
        sheet = contact_sheet(opened, 240 if asked.small else 480)
        sheet.save(asked.out / f"{name}.webp", quality=82, method=6)
        print(f"{name}: {len(images)} images, {time.perf_counter() - began:.1f} s", flush=True)


async def draw(piece: Piece) -> list[bytes]:
    """The images of one brief, and of the edits that follow it; what was refused is said, and left out."""
    search = (f"folder:{HERE / piece.folder}",) if piece.folder else ("none",)
    async with Safelight(load_settings(search=search)) as safelight:
        store = (await safelight.assembly()).store
        files = (await take_document(HERE / piece.file, store),) if piece.file else ()
        images = await run(
            safelight,
            Brief(prompt=piece.prompt, n=piece.n, size=piece.size, style=piece.style, attachments=files),
        )
        for instruction in piece.then if images else ():
            before = await keep_image(images[-1], "before.png", store)
            images += await run(safelight, Brief(prompt=instruction, attachments=(before,), style=piece.style))
        return images


async def run(safelight: Safelight, brief: Brief) -> list[bytes]:
    result = await safelight.run(brief)
    refs = [image.ref for image in result.images if image.ref]
    if len(refs) < len(result.images) or not refs:
        gaps = [image.gap.reason for image in result.images if image.gap]
        print(f"{brief.prompt!r}: {result.status}", *(gaps or [result.refusal and result.refusal.reason]), sep="\n    ")
    return [await safelight.image(ref) for ref in refs]


def contact_sheet(pictures: list[Image.Image], height: int, gap: int = 12) -> Image.Image:
    """The pictures of a set side by side on a quiet ground, in rows of four, each as high as the others."""
    small = [picture.resize((round(picture.width * height / picture.height), height)) for picture in pictures]
    rows = [small[i : i + 4] for i in range(0, len(small), 4)]
    width = max(sum(p.width for p in row) + gap * (len(row) + 1) for row in rows)
    sheet = Image.new("RGB", (width, (height + gap) * len(rows) + gap), "#8a8a86")
    for r, row in enumerate(rows):
        x = gap
        for picture in row:
            sheet.paste(picture, (x, gap + r * (height + gap)))
            x += picture.width + gap
    return sheet


if __name__ == "__main__":
    asyncio.run(main())
