"""Our watermark and its installable peers: the same images, the same attacks, one run.

    python benchmarks/watermark.py                              # ours, 14 images, 29 attacks
    python benchmarks/watermark.py --set fresh                  # images that nothing was ever tuned on
    python benchmarks/watermark.py --set shapes --harder        # small, tall, wide; what lies beyond the 29
    python benchmarks/watermark.py --neural                     # the neural engine beside the classical one
    python benchmarks/watermark.py --peers --out table.md --plot attacks.png
    python benchmarks/watermark.py --peers dwtDctSvd,blind --only page

The photographs are scikit-image's (`pip install scikit-image`), the graphics are drawn here. Peers run where they are
installed: `pip install --target PEERS --no-deps invisible-watermark PyWavelets blind-watermark`, with PEERS on the
PYTHONPATH beside OpenCV (and PyTorch and onnxruntime for rivaGan), keeps them out of the development environment.

"read": every payload bit is right. "detected": so many are that chance does it once in a million; of ours, which is
authentic or nothing, that is the same. "bits": the share that is right, of a mark that is not read a half. Without the
weights of LPIPS, which would be fetched, the color difference (CIEDE2000, mean and 99th percentile) says what might be
seen. Times are of the processor.
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
from scipy.stats import binom
from watermark_images import FRESH, PHOTOS, font, graphics, photographs, shapes

from safelight.provenance.watermark.choice import open_watermark

Attack = Callable[[Image.Image], Image.Image]


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


@dataclass
class Result:
    """What one system did, by kind of image; `read` has, a cell, the share of bits and whether that is a detection."""

    name: str
    psnr: dict[str, list[float]] = field(default_factory=dict)
    ssim: dict[str, list[float]] = field(default_factory=dict)
    color: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    read: dict[tuple[str, str], list[tuple[float, bool]]] = field(default_factory=dict)
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


def agreement(said: Any, found: Any) -> tuple[float, bool]:
    """The share of bits that are right, and whether as many are found by chance less than once in a million."""
    if not isinstance(said, list):
        return (1.0, True) if found == said else (0.5, False)
    right = 0 if found is None else sum(one == other for one, other in zip(said, found, strict=True))
    return right / len(said), bool(binom.sf(right - 1, len(said), 0.5) <= 1e-6)


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
                found = system.read(seen)
            except Exception:
                found = None
            result.reading.append(time.process_time() - started)
            result.read.setdefault((kind, attack), []).append(cell := agreement(said, found))
            if cell[0] < 1:
                lost.append(attack)
        print(f"{system.name:28} {name:32} {result.psnr[kind][-1]:.1f} dB, lost {lost or 'nothing'}", flush=True)
    return result


def report(results: list[Result], attacks: dict[str, Attack]) -> str:
    kinds = [kind for kind in ("photo", "graphic") if any(kind in result.psnr for result in results)]
    lines = [
        "| system | kind | PSNR (lowest) | SSIM | color (99 %) | read | detected | bits | mark, CPU ms | read (p95) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for kind in kinds:
            bits, detected = zip(
                *(cell for (of, _), many in result.read.items() if of == kind for cell in many), strict=True
            )
            read = sum(share == 1 for share in bits)
            colors = np.mean(result.color[kind], 0)
            lines.append(
                f"| {result.name} | {kind} | {np.mean(result.psnr[kind]):.1f} ({min(result.psnr[kind]):.1f}) "
                f"| {np.mean(result.ssim[kind]):.4f} | {colors[0]:.1f} ({colors[1]:.1f}) "
                f"| {read}/{len(bits)} ({read / len(bits):.1%}) | {np.mean(detected):.1%} | {np.mean(bits):.3f} "
                f"| {np.median(result.marking) * 1e3:.0f} | {np.median(result.reading) * 1e3:.0f} "
                f"({np.percentile(result.reading, 95) * 1e3:.0f}) |"
            )
    lines += [
        "",
        "Bits right / detected:",
        "",
        "| attack | " + " | ".join(f"{result.name}, {kind}" for result in results for kind in kinds) + " |",
    ]
    lines.append("|---|" + "---|" * (len(results) * len(kinds)))
    for attack in attacks:
        cells_of = []
        for result in results:
            for kind in kinds:
                bits, detected = np.mean(result.read[kind, attack], 0)
                cells_of.append(f"{bits:.2f} / {detected:.0%}")
        lines.append(f"| {attack} | " + " | ".join(cells_of) + " |")
    return "\n".join(lines)


def plot(results: list[Result], attacks: dict[str, Attack], path: Path) -> None:
    import matplotlib.pyplot as plt

    shares = [
        [
            np.mean([cell[1] for (_, of), many in result.read.items() if of == attack for cell in many])
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
