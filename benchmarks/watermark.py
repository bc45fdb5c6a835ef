"""Our watermark and its installable peers: the same images, the same attacks, one run.

    python benchmarks/watermark.py                              # ours, 14 images, 29 attacks
    python benchmarks/watermark.py --set fresh                  # images that nothing was ever tuned on
    python benchmarks/watermark.py --set shapes --harder        # small, tall, wide; what lies beyond the 29
    python benchmarks/watermark.py --neural                     # the neural engine beside the classical one
    python benchmarks/watermark.py --peers --out table.md --plot attacks.png
    python benchmarks/watermark.py --peers dwtDctSvd,blind --only page

The photographs are scikit-image's (`pip install scikit-image`), the graphics are drawn here. Peers run where they are
installed (`invisible-watermark`, `blind-watermark`). "read": every payload bit is right, and for ours, authentic: with
a false alarm below 1e-6 that is also the rate of detection. Without the weights of LPIPS, which would be fetched, the
color difference (CIEDE2000, mean and 99th percentile) says what might be seen. Times are of the processor.
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from safelight.provenance.watermark.choice import open_watermark

SIDE = 1024
Attack = Callable[[Image.Image], Image.Image]
PHOTOS = "astronaut coffee chelsea rocket hubble_deep_field immunohistochemistry retina camera".split()
FRESH = "brick coins moon page text grass gravel cat clock colorwheel".split()
WORDS = "thinking plans every region before drawing text legend axis growth share margin forecast energy water".split()


class System(Protocol):
    """A watermark: `mark` returns the image and what should be read, `read` what is read, or None."""

    name: str

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]: ...

    def read(self, image: Image.Image) -> Any: ...


class Ours:
    """96 bits: version, number, content tag, keyed code."""

    def __init__(self, engine: Literal["classical", "neural"] = "classical", networks: Path | None = None) -> None:
        self.name = "safelight" if engine == "classical" else "safelight, neural"
        self._engine = open_watermark(engine, networks, b"a benchmark's secret of 32 bytes")

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]:
        made = self._engine.embed(image, number)
        return made.image, made.payload

    def read(self, image: Image.Image) -> Any:
        return self._engine.read(image).payload


class InvisibleWatermark:
    """invisible-watermark: 32 bits, no error correction, no presence test."""

    def __init__(self, method: str) -> None:
        import imwatermark

        self.name, self._method, self._library = f"invisible-watermark {method}", method, imwatermark
        if method == "rivaGan":
            imwatermark.WatermarkEncoder.loadModel()

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]:
        bits = [number >> place & 1 for place in range(32)]
        encoder = self._library.WatermarkEncoder()
        encoder.set_watermark("bits", bits)
        marked = encoder.encode(np.asarray(image)[:, :, ::-1].copy(), self._method)
        return Image.fromarray(np.ascontiguousarray(marked[:, :, ::-1]).astype(np.uint8)), bits

    def read(self, image: Image.Image) -> Any:
        decoder = self._library.WatermarkDecoder("bits", 32)
        return [int(bit) for bit in decoder.decode(np.asarray(image)[:, :, ::-1].copy(), self._method)]


class BlindWatermark:
    """blind-watermark: 64 bits, the reader must know how many."""

    name = "blind-watermark"

    def __init__(self) -> None:
        import blind_watermark

        blind_watermark.bw_notes.close()
        self._library = blind_watermark

    def mark(self, image: Image.Image, number: int) -> tuple[Image.Image, Any]:
        bits = [bool(number >> place & 1) for place in range(64)]
        work = self._library.WaterMark(password_img=1, password_wm=1)
        work.read_img(img=np.asarray(image)[:, :, ::-1].copy())
        work.read_wm(bits, mode="bit")
        marked = np.clip(np.round(work.embed()), 0, 255).astype(np.uint8)[:, :, ::-1]
        return Image.fromarray(np.ascontiguousarray(marked)), bits

    def read(self, image: Image.Image) -> Any:
        work = self._library.WaterMark(password_img=1, password_wm=1)
        found = work.extract(embed_img=np.asarray(image)[:, :, ::-1].copy(), wm_shape=64, mode="bit")
        return [bool(value > 0.5) for value in found]


PEERS: dict[str, Callable[[], System]] = {
    "dwtDct": lambda: InvisibleWatermark("dwtDct"),
    "dwtDctSvd": lambda: InvisibleWatermark("dwtDctSvd"),
    "rivaGan": lambda: InvisibleWatermark("rivaGan"),
    "blind": BlindWatermark,
}


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
            else scaled(image, 900 / max(image.size))
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


@dataclass
class Result:
    """What one system did, by kind of image."""

    name: str
    psnr: dict[str, list[float]] = field(default_factory=dict)
    ssim: dict[str, list[float]] = field(default_factory=dict)
    color: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    read: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    marking: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)


def psnr(before: Image.Image, after: Image.Image) -> float:
    error = np.mean((np.asarray(before, np.float64) - np.asarray(after, np.float64)) ** 2)
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def ssim(before: Image.Image, after: Image.Image) -> float:
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        return float("nan")
    one, other = (np.asarray(each.convert("L"), np.float64) for each in (before, after))
    return float(structural_similarity(one, other, data_range=255))


def color_difference(before: Image.Image, after: Image.Image) -> tuple[float, float]:
    """CIEDE2000: the mean, and what a hundredth of the pixels exceed."""
    try:
        from skimage.color import deltaE_ciede2000, rgb2lab
    except ImportError:
        return float("nan"), float("nan")
    difference = deltaE_ciede2000(*(rgb2lab(np.asarray(each)) for each in (before, after)))
    return float(difference.mean()), float(np.quantile(difference, 0.99))


def run(system: System, images: dict[str, Image.Image], attacks: dict[str, Attack]) -> Result:
    result, rng = Result(system.name), np.random.default_rng(2024)
    for name, image in images.items():
        kind = name.split()[0].strip(",")
        started = time.process_time()
        marked, said = system.mark(image, int(rng.integers(0, 2**44)))
        result.marking.append(time.process_time() - started)
        result.psnr.setdefault(kind, []).append(psnr(image, marked))
        result.ssim.setdefault(kind, []).append(ssim(image, marked))
        result.color.setdefault(kind, []).append(color_difference(image, marked))
        lost = []
        for attack, change in attacks.items():
            seen = change(marked)
            started = time.process_time()
            try:
                is_read = system.read(seen) == said
            except Exception:
                is_read = False
            result.reading.append(time.process_time() - started)
            result.read.setdefault((kind, attack), []).append(is_read)
            if not is_read:
                lost.append(attack)
        print(f"{system.name:28} {name:32} {result.psnr[kind][-1]:.1f} dB, lost {lost or 'nothing'}", flush=True)
    return result


def report(results: list[Result], attacks: dict[str, Attack]) -> str:
    kinds = [kind for kind in ("photo", "graphic") if any(kind in result.psnr for result in results)]
    lines = [
        "| system | kind | PSNR (lowest) | SSIM | color (99 %) | read | mark CPU ms | read CPU ms (p95) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for kind in kinds:
            cells = [cell for (of, _), many in result.read.items() if of == kind for cell in many]
            colors = np.mean(result.color[kind], 0)
            lines.append(
                f"| {result.name} | {kind} | {np.mean(result.psnr[kind]):.1f} ({min(result.psnr[kind]):.1f}) "
                f"| {np.mean(result.ssim[kind]):.4f} | {colors[0]:.1f} ({colors[1]:.1f}) "
                f"| {sum(cells)}/{len(cells)} ({np.mean(cells):.1%}) "
                f"| {np.median(result.marking) * 1e3:.0f} | {np.median(result.reading) * 1e3:.0f} "
                f"({np.percentile(result.reading, 95) * 1e3:.0f}) |"
            )
    lines += ["", "| attack | " + " | ".join(f"{result.name}, {kind}" for result in results for kind in kinds) + " |"]
    lines.append("|---|" + "---|" * (len(results) * len(kinds)))
    for attack in attacks:
        cells_of = [f"{np.mean(result.read[kind, attack]):.0%}" for result in results for kind in kinds]
        lines.append(f"| {attack} | " + " | ".join(cells_of) + " |")
    return "\n".join(lines)


def plot(results: list[Result], attacks: dict[str, Attack], path: Path) -> None:
    import matplotlib.pyplot as plt

    shares = [
        [
            np.mean([cell for (_, of), many in result.read.items() if of == attack for cell in many])
            for attack in attacks
        ]
        for result in results
    ]
    figure, axes = plt.subplots(figsize=(1 + 0.4 * len(attacks), 1.5 + 0.5 * len(results)))
    axes.imshow(shares, vmin=0, vmax=1, cmap="RdYlGn", aspect="auto")
    axes.set_xticks(range(len(attacks)), list(attacks), rotation=70, ha="right", fontsize=8)
    axes.set_yticks(range(len(results)), [result.name for result in results])
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=["standard", "fresh", "shapes"], default="standard")
    parser.add_argument("--harder", action="store_true", help="attacks beyond the 29")
    parser.add_argument(
        "--peers", nargs="?", const=",".join(PEERS), default="", help="also these, or all that there are"
    )
    parser.add_argument("--neural", action="store_true", help="the neural engine as well")
    parser.add_argument("--networks", type=Path, help="a folder of networks for it, in place of our own")
    parser.add_argument("--only", default="", help="names of images that contain one of these, divided by commas")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    images = {
        "standard": lambda: {**photographs(PHOTOS, is_square=True), **graphics(1)},
        "fresh": lambda: {**photographs(FRESH, is_square=False), **graphics(77)},
        "shapes": shapes,
    }[options.set]()
    images = {name: image for name, image in images.items() if any(each in name for each in options.only.split(","))}
    attacks = HARDER if options.harder else ATTACKS
    systems: list[System] = [Ours(), *([Ours("neural", options.networks)] if options.neural else [])]
    for peer in filter(None, options.peers.split(",")):
        try:
            systems.append(PEERS[peer]())
        except ImportError as error:
            print(f"left out: {error}")
    results = [run(system, images, attacks) for system in systems]
    text = report(results, attacks)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")
    if options.plot:
        plot(results, attacks, options.plot)


if __name__ == "__main__":
    main()
