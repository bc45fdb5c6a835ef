"""Pictures, signing identities and stampers. The pictures are made here: a photograph-like one and a flat graphic."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamp import StampFacts
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

SECRET = b"a watermark secret of 32 bytes.."


@cache
def photo(size: tuple[int, int] = (512, 512), seed: int = 0) -> Image.Image:
    """Overlapping discs of noise with the spectrum of natural images ("dead leaves")."""
    rng = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3))
    for _ in range(60):
        radius = min(size) * 0.05 * (1 + rng.pareto(1.5))
        inside = (x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2 < radius**2
        pixels[inside] = rng.uniform(30, 220, 3)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]) + 1 / max(size)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) / frequency, s=(height, width))
    pixels += (noise / noise.std() * 14)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@cache
def graphic(size: tuple[int, int] = (640, 640), seed: int = 0) -> Image.Image:
    """Text, bars and panels on white."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font, title = ImageFont.load_default(18), ImageFont.load_default(40)
    draw.text((40, 30), "Where the water goes", font=title, fill=(20, 24, 40))
    for row in range(6):
        words = " ".join("".join(rng.choice(list("abcdefgilmnorstu"), 6)) for _ in range(7))
        draw.text((40, 110 + 28 * row), words, font=font, fill=(40, 40, 50))
    for column in range(8):
        top = height - 60 - int(rng.integers(60, height // 3))
        color = tuple(int(each) for each in rng.integers(40, 220, 3))
        draw.rectangle([40 + column * 80, top, 95 + column * 80, height - 60], fill=color)
    draw.rounded_rectangle(
        [width - 220, 300, width - 40, 420], 16, fill=(200, 230, 201), outline=(90, 90, 110), width=3
    )
    return image


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    """The image as a file."""
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    """The pixels of a file, without what belongs to it."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


FACTS = StampFacts(run_id="run_1", model="canvas", model_version="1", algorithmic=True, title="A picture")


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> SigningIdentity:
    return SigningIdentity.development(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def engine() -> SpreadSpectrum:
    return SpreadSpectrum(SECRET)


@pytest.fixture
def new_stamper(identity: SigningIdentity, engine: SpreadSpectrum) -> Callable[..., ImageStamper]:
    def make(**options: Any) -> ImageStamper:
        return ImageStamper(
            options.pop("identity", identity),
            options.pop("engine", engine),
            options.pop("registry", MemoryRegistry()),
            version="1.0",
            **options,
        )

    return make


@pytest.fixture
def stamper(new_stamper: Callable[..., ImageStamper]) -> ImageStamper:
    return new_stamper()


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"
