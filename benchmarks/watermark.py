"""Our watermark and its installable peers: the same images, the same attacks, one run.

    python benchmarks/watermark.py                              # ours, 14 images, 29 attacks
    python benchmarks/watermark.py --set fresh                  # images that nothing was ever tuned on
    python benchmarks/watermark.py --set shapes --harder        # small, tall, wide; what lies beyond the 29
    python benchmarks/watermark.py --neural                     # the neural engine beside the classical one
    python benchmarks/watermark.py --peers --out build/peers    # all that are installed; tables and a plot
    python benchmarks/watermark.py --peers dwtDctSvd,blind --only page

The photographs are scikit-image's (`pip install scikit-image`), the graphics are drawn here; how peers are installed is
told in `watermark_peers.py`. With `--out`, every image that is finished is a line in `rows.jsonl`, and what has a line
there is not measured again: a run may be stopped and taken up (after a change of the code, start in another folder).

"read": every payload bit is right. "detected": so many are that chance does it once in a million; of ours, which is
authentic or nothing, that is the same. "bits": the share that is right, of a mark that is not read a half. What might
be seen is told by the color difference (CIEDE2000) and by FLIP (`pip install flip-evaluator`), in place of LPIPS, whose
weights would be fetched. Times are of the processor.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps
from watermark_images import FRESH, PHOTOS, font, graphics, photographs, shapes
from watermark_peers import PEERS, Found, System
from watermark_table import Row, load, measure, plot, report, save, summarize

from safelight.provenance.watermark.choice import open_watermark

Attack = Callable[[Image.Image], Image.Image]


class Ours:
    """96 bits: version, number, content tag, keyed code."""

    def __init__(self, engine: Literal["classical", "neural"] = "classical", networks: Path | None = None) -> None:
        self.name = f"Safelight{' (neural)' if engine == 'neural' else ''}, 96 bits"
        self._engine = open_watermark(engine, networks, b"a benchmark's secret of 32 bytes")

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]:
        made = self._engine.embed(image, number)
        return made.image, made.payload

    def read(self, image: Image.Image, said: Any) -> Found:
        is_right = self._engine.read(image).payload == said
        return Found(1.0 if is_right else 0.5, is_right)


def compressed(image: Image.Image, format_: str, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, format_, quality=quality)
    return Image.open(out).convert("RGB")


def jpeg(quality: int) -> Attack:
    return lambda image: compressed(image, "JPEG", quality)


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, factor: float) -> Image.Image:
    width, height = int(image.width * factor), int(image.height * factor)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def cropped_off_center(image: Image.Image) -> Image.Image:
    return image.crop((37, 21, 37 + int(image.width * 0.8), 21 + int(image.height * 0.8)))


def noisy(deviation: float) -> Attack:
    def attack(image: Image.Image) -> Image.Image:
        pixels = np.asarray(image, np.float32)
        pixels = pixels + np.random.default_rng(99).normal(0, deviation, pixels.shape)
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

    return attack


def screenshot(image: Image.Image) -> Image.Image:
    small = scaled(image, 0.71)
    screen = Image.new("RGB", (small.width + 160, small.height + 220), (32, 33, 36))
    screen.paste(small, (80, 140))
    ImageDraw.Draw(screen).text((24, 30), "chat 09:41", font=ImageFont.load_default(30), fill="white")
    return compressed(screen, "JPEG", 70)


def printed(image: Image.Image) -> Image.Image:
    """Print and scan: a slight turn, blur, pale contrast, another resolution, noise, JPEG."""
    seen = image.rotate(1.3, Image.Resampling.BICUBIC, fillcolor="white").filter(ImageFilter.GaussianBlur(1))
    seen = scaled(ImageEnhance.Contrast(seen).enhance(0.85), 0.8)
    return compressed(noisy(5)(seen), "JPEG", 80)


def overlaid(image: Image.Image) -> Image.Image:
    """A label over an eighth of the image, and a line of text."""
    seen = image.copy()
    draw = ImageDraw.Draw(seen)
    width, height = image.size
    draw.rectangle([width * 0.55, height * 0.6, width * 0.95, height * 0.9], fill=(250, 204, 21))
    draw.text((width * 0.05, height * 0.05), "shared with you", font=font(max(12, width // 20)), fill="white")
    return seen


def gamma(exponent: float) -> Attack:
    return lambda image: image.point([round(255 * (value / 255) ** exponent) for value in range(256)] * 3)


ATTACKS: dict[str, Attack] = {
    "none": lambda image: image,
    **{f"JPEG {quality}": jpeg(quality) for quality in (90, 75, 50, 30)},
    "WebP 50": lambda image: compressed(image, "WEBP", 50),
    "resize 0.5": lambda image: scaled(image, 0.5),
    "resize 0.25": lambda image: scaled(image, 0.25),
    "resize 0.5 and back": lambda image: scaled(image, 0.5).resize(image.size, Image.Resampling.BICUBIC),
    "crop 75 %": lambda image: cropped(image, 0.75),
    "crop 50 %": lambda image: cropped(image, 0.5),
    "crop 80 %, off center": cropped_off_center,
    "crop 75 % and back": lambda image: cropped(image, 0.75).resize(image.size, Image.Resampling.BICUBIC),
    "rotate 2": lambda image: image.rotate(2, Image.Resampling.BICUBIC),
    "rotate 10": lambda image: image.rotate(10, Image.Resampling.BICUBIC),
    "rotate 90": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirror": ImageOps.mirror,
    "brightness +30 %": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "brightness -30 %": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "contrast +30 %": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "contrast -30 %": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "blur 1": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "blur 2": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "noise 10": noisy(10),
    "noise 20": noisy(20),
    "screenshot": screenshot,
    "crop 75 %, resize 0.6, JPEG 60": lambda image: compressed(scaled(cropped(image, 0.75), 0.6), "JPEG", 60),
    "rotate 2, brightness +15 %, JPEG 70": lambda image: compressed(
        ImageEnhance.Brightness(image.rotate(2, Image.Resampling.BICUBIC)).enhance(1.15), "JPEG", 70
    ),
}
HARDER: dict[str, Attack] = {
    "JPEG 20": jpeg(20),
    "wider by 10 %": lambda image: image.resize((round(image.width * 1.1), image.height), Image.Resampling.BICUBIC),
    "flatter by 10 %": lambda image: image.resize((image.width, round(image.height * 0.9)), Image.Resampling.BICUBIC),
    "inverted": ImageOps.invert,
    "resize 2": lambda image: scaled(image, 2),
    "to 256 pixels": lambda image: scaled(image, 256 / max(image.size)),
    "gamma 1.3": gamma(1.3),
    "gamma 0.7": gamma(0.7),
    "median 5": lambda image: image.filter(ImageFilter.MedianFilter(5)),
    "rotate -10": lambda image: image.rotate(-10, Image.Resampling.BICUBIC),
    "rotate 180": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "rotate 270, upside down": lambda image: ImageOps.flip(image.transpose(Image.Transpose.ROTATE_270)),
    "label over an eighth": overlaid,
    "printed and scanned": printed,
    "crop 75 %, rotate 5": lambda image: cropped(image.rotate(5, Image.Resampling.BICUBIC), 0.75),
}


IMAGES: dict[str, Callable[[], dict[str, Image.Image]]] = {
    "standard": lambda: {**photographs(PHOTOS, is_square=True), **graphics(1)},
    "fresh": lambda: {**photographs(FRESH, is_square=False), **graphics(77)},
    "shapes": shapes,
}


def alternating(names: list[str]) -> list[str]:
    """Photographs and graphics by turns, so that a run that is stopped has seen as many of both."""
    kinds = [[name for name in names if name.startswith(kind)] for kind in ("photo", "graphic")]
    return [name for pair in zip_longest(*kinds) for name in pair if name]


def run(
    systems: list[System],
    images: dict[str, Image.Image],
    only: list[str],
    attacks: dict[str, Attack],
    kept: Path | None,
    minutes: float,
) -> Iterator[Row]:
    """The images whose names contain one of `only`, each under all systems; read from `kept` where they are there.
    No image is begun after so many minutes."""
    known = {(row.system, row.image): row for row in load(kept)} if kept else {}
    rng, until = np.random.default_rng(2024), time.monotonic() + 60 * minutes
    numbers = {name: int(rng.integers(0, 2**44)) for name in images}
    chosen = alternating([name for name in images if any(each in name for each in only)])
    for place, name in enumerate(chosen, 1):
        for system in systems:
            row = known.get((system.name, name))
            if row is None or set(row.cells) != set(attacks):
                if time.monotonic() >= until:
                    continue
                row = measure(system, name, images[name], numbers[name], attacks)
                if kept:
                    save(kept, row)
            said = f"{row.psnr:.1f} dB, lost {row.lost or 'nothing'}"
            print(f"{place:2}/{len(chosen)} {name:28} {system.name:26} {said}", flush=True)
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(IMAGES), default="standard")
    parser.add_argument("--harder", action="store_true", help="attacks beyond the 29")
    parser.add_argument(
        "--peers", nargs="?", const=",".join(PEERS), default="", help="also these, or all that there are"
    )
    parser.add_argument("--neural", action="store_true", help="the neural engine as well")
    parser.add_argument("--networks", type=Path, help="a folder of networks for it, in place of our own")
    parser.add_argument("--only", default="", help="names of images that contain one of these, divided by commas")
    parser.add_argument("--out", type=Path, help="a folder for rows.jsonl, table.md, table.json and attacks.svg")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no image later; 0: tabulate --out")
    options = parser.parse_args()
    systems: list[System] = [Ours(), *([Ours("neural", options.networks)] if options.neural else [])]
    for peer in filter(None, options.peers.split(",")):
        try:
            systems.append(PEERS[peer]())
        except ImportError as error:
            print(f"left out: {error}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    attacks = HARDER if options.harder else ATTACKS
    kept = options.out / "rows.jsonl" if options.out else None
    only = options.only.split(",")
    rows = list(run(systems, IMAGES[options.set](), only, attacks, kept, options.minutes))
    print(text := report(rows))
    if options.out:
        (options.out / "table.md").write_text(text + "\n")
        (options.out / "table.json").write_text(json.dumps(summarize(rows), indent=1) + "\n")
        try:
            plot(rows, options.out / "attacks.svg")
        except ImportError as error:
            print(f"no plot: {error}")


if __name__ == "__main__":
    main()
