"""The neural engine: whatever networks it is given, it reads its own marks and nobody else's, or refuses them.

The networks here are linear, built by hand: what is tested is the engine. `benchmarks/train_watermark.py` trains real
ones; a slow test trains some for a little while, where torch is installed.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from safelight.errors import BadImage, ConfigError
from safelight.provenance.watermark import SpreadSpectrum
from safelight.provenance.watermark.cells import bits_of, margin, payload_in
from safelight.provenance.watermark.engine import Payload, WatermarkEngine
from safelight.provenance.watermark.neural import NeuralWatermark

from ..conftest import SECRET, photo
from .linear import networks

pytest.importorskip("onnxruntime")
HERE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return networks(tmp_path_factory.mktemp("nets"))


def compressed(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def smooth(size: tuple[int, int] = (640, 500)) -> Image.Image:
    return photo((64, 64)).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(8))


def test_it_reads_its_own_marks_in_every_orientation(nets: tuple[Path, Path]) -> None:
    engine: WatermarkEngine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(), 0x123456789AB)
    assert made.is_robust
    assert made.psnr > 42
    assert made.payload.image == 0x123456789AB
    upright = engine.read(made.image, "upright")
    assert upright.payload == made.payload
    assert upright.tag_agreement is not None
    assert upright.tag_agreement > 0.9
    assert upright.p_value < 1e-6
    found = engine.read(ImageOps.mirror(made.image).transpose(Image.Transpose.ROTATE_90))
    assert found.payload == made.payload
    assert found.geometry is not None
    assert found.geometry.is_mirrored
    assert len(engine.pack(made.payload)) == 12


ATTACKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": lambda image: compressed(image, 60),
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "cropped": lambda image: image.crop((37, 21, 500, 450)),
    "cropped and enlarged": lambda image: image.crop((80, 60, 560, 440)).resize((640, 507), Image.Resampling.BICUBIC),
    "turned": lambda image: image.rotate(6, Image.Resampling.BICUBIC),
    "inverted": ImageOps.invert,
    "on a larger canvas": lambda image: ImageOps.expand(image, 70, "black"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_mark_is_found_again(nets: tuple[Path, Path], attack: str) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(), 77)
    assert engine.read(ATTACKS[attack](made.image)).payload == made.payload


@pytest.mark.parametrize("size", [(200, 200), (1500, 500), (301, 577)])
def test_of_any_size(nets: tuple[Path, Path], size: tuple[int, int]) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(size), 78)
    assert made.image.size == size
    assert engine.read(made.image, "upright").payload == made.payload


def test_no_mark_no_key_no_reading(nets: tuple[Path, Path]) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(), 5)
    assert engine.read(smooth()).state == "absent"
    assert engine.read(Image.new("RGB", (10, 10))).state == "absent"
    other = b"another secret of thirty-two byt"
    assert NeuralWatermark(*nets, other).read(made.image).state == "absent"
    assert NeuralWatermark(*nets, other, retired=[SECRET]).read(made.image).payload == made.payload


def test_a_mark_too_damaged_to_read_is_present(nets: tuple[Path, Path]) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    pixels = np.asarray(engine.embed(smooth((512, 512)), 5).image).copy()
    bits = np.random.default_rng(1).choice([-1.0, 1.0], (64, 64)).astype(np.float32)
    luma, blue = 5 * engine._wave(pixels, bits)
    jammed = np.clip(pixels + np.stack([luma, luma, luma + 2 * blue], -1), 0, 255).astype(np.uint8)
    reading = engine.read(Image.fromarray(jammed), "upright")
    assert (reading.state, reading.payload) == ("present", None)
    assert reading.p_value < 1e-6


def test_it_reads_the_classical_engine_too(nets: tuple[Path, Path]) -> None:
    classical = SpreadSpectrum(SECRET).embed(smooth(), 6)
    reading = NeuralWatermark(*nets, SECRET).read(classical.image)
    assert reading.payload == classical.payload


def test_the_key_decides_what_cells_say() -> None:
    payload, other = Payload(1, 2**43 + 5, 77), b"another secret of thirty-two byt"
    bits = bits_of(payload, SECRET, 24, 24).ravel()
    assert payload_in(bits, SECRET) == payload
    assert payload_in(bits, other) is None
    assert margin(bits, payload, SECRET) > 2.9
    assert abs(float((bits * bits_of(payload, other, 24, 24).ravel()).mean())) < 0.15


def test_transparency_stays_as_it_is(nets: tuple[Path, Path]) -> None:
    image = smooth().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: 255 if value > 80 else 0))
    made = NeuralWatermark(*nets, SECRET).embed(image, 5).image
    assert np.array_equal(np.asarray(made)[..., 3], np.asarray(image)[..., 3])
    hidden = np.asarray(image)[..., 3] == 0
    assert np.array_equal(np.asarray(made)[hidden], np.asarray(image)[hidden])


def test_networks_that_cannot_serve_are_refused(nets: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        NeuralWatermark(tmp_path / "gone.onnx", nets[1], SECRET)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ConfigError, match="not a network"):
        NeuralWatermark(broken, nets[1], SECRET)
    broken.write_bytes(bytes(10_000_001))
    with pytest.raises(ConfigError, match="10 MB"):
        NeuralWatermark(broken, nets[1], SECRET)
    with pytest.raises(ConfigError, match="not the network that it should be"):
        NeuralWatermark(nets[1], nets[0], SECRET)
    with pytest.raises(BadImage):
        NeuralWatermark(*nets, SECRET).embed(Image.new("RGB", (40, 300)), 1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_networks_trained_for_a_minute_carry_a_payload(tmp_path: Path) -> None:
    script = HERE / "benchmarks" / "train_watermark.py"
    options = "--seconds 60 --save-every 30 --crop 64 --batch 8 --width 16 --stock 32 --held-out 8 --workers 1".split()
    subprocess.run([sys.executable, script, "--out", tmp_path, *options], check=True, timeout=1100)
    engine = NeuralWatermark(tmp_path / "encoder.onnx", tmp_path / "decoder.onnx", SECRET)
    made = engine.embed(smooth((768, 768)), 7)
    assert made.psnr > 42
    assert engine.read(made.image).payload == made.payload
    assert engine.read(made.image.crop((40, 60, 700, 730))).payload == made.payload


def test_another_process_marks_as_this_one_does(nets: tuple[Path, Path]) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    twin = pickle.loads(pickle.dumps(engine))  # noqa: S301 (what a worker is handed)
    assert np.array_equal(np.asarray(twin.embed(smooth(), 7).image), np.asarray(engine.embed(smooth(), 7).image))
    assert pickle.loads(pickle.dumps(engine)) is twin  # noqa: S301 (opened once a process)
