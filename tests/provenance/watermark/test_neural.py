"""The neural engine: whatever networks it is given, it reads its own marks and nobody else's, or refuses them.

The networks here are linear, built by hand: what is tested is the engine. `benchmarks/train_watermark.py` trains real
ones; a slow test trains one for a minute, where torch is installed.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from safelight.errors import BadImage, ConfigError
from safelight.provenance.watermark.engine import WatermarkEngine
from safelight.provenance.watermark.neural import NeuralWatermark

from ..conftest import SECRET, photo

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SIDE = 32
HERE = Path(__file__).resolve().parents[3]


def networks(folder: Path, bits: int = 96) -> tuple[Path, Path]:
    """Each bit adds or takes away a noise of its own; the reader correlates what a mean filter leaves."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    noise = np.random.default_rng(0).choice([-1.0, 1.0], (bits, 3 * SIDE * SIDE)).astype(np.float32)
    value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)  # noqa: E731

    def saved(name: str, nodes: list[Any], ins: list[Any], out: Any, constants: dict[str, Any]) -> Path:
        tensors = [numpy_helper.from_array(each, key) for key, each in constants.items()]
        graph = helper.make_graph(nodes, name, ins, [out], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    picture = value("image", [1, 3, SIDE, SIDE])
    encoder = saved(
        "encoder",
        [
            helper.make_node("MatMul", ["bits", "noise"], ["flat"]),
            helper.make_node("Reshape", ["flat", "shape"], ["mark"]),
        ],
        [picture, value("bits", [1, bits])],
        value("mark", [1, 3, SIDE, SIDE]),
        {"noise": 0.004 * noise, "shape": np.array([1, 3, SIDE, SIDE])},
    )
    decoder = saved(
        "decoder",
        [
            helper.make_node(
                "AveragePool", ["image"], ["mean"], kernel_shape=[5, 5], pads=[2, 2, 2, 2], count_include_pad=0
            ),
            helper.make_node("Sub", ["image", "mean"], ["local"]),
            helper.make_node("Reshape", ["local", "shape"], ["flat"]),
            helper.make_node("MatMul", ["flat", "noise"], ["read"]),
        ],
        [picture],
        value("read", [1, bits]),
        {"noise": np.ascontiguousarray(noise.T), "shape": np.array([1, 3 * SIDE * SIDE])},
    )
    return encoder, decoder


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return networks(tmp_path_factory.mktemp("nets"))


def smooth(size: tuple[int, int] = (320, 256)) -> Image.Image:
    return photo((64, 64)).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(24))


def test_it_reads_its_own_marks_in_every_orientation(nets: tuple[Path, Path]) -> None:
    engine: WatermarkEngine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(), 0x123456789AB)
    assert made.is_robust
    assert made.payload.image == 0x123456789AB
    upright = engine.read(made.image, "upright")
    assert upright.payload == made.payload
    assert upright.tag_agreement is not None
    assert upright.tag_agreement > 0.9
    assert upright.p_value < 1e-6
    turned = ImageOps.mirror(made.image).transpose(Image.Transpose.ROTATE_90)
    assert engine.read(turned, "upright").state == "absent"
    found = engine.read(turned)
    assert found.payload == made.payload
    assert found.geometry is not None
    assert found.geometry.is_mirrored
    assert len(engine.pack(made.payload)) == 12


def test_no_mark_no_key_no_reading(nets: tuple[Path, Path]) -> None:
    engine = NeuralWatermark(*nets, SECRET)
    made = engine.embed(smooth(), 5)
    assert engine.read(smooth()).state == "absent"
    assert engine.read(Image.new("RGB", (10, 10))).state == "absent"
    other = b"another secret of thirty-two byt"
    assert NeuralWatermark(*nets, other).read(made.image).state == "absent"
    assert NeuralWatermark(*nets, other, retired=[SECRET]).read(made.image).payload == made.payload


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
    with pytest.raises(ConfigError):
        NeuralWatermark(nets[1], nets[0], SECRET)
    with pytest.raises(ConfigError, match="fewer than 96"):
        NeuralWatermark(*networks(tmp_path, bits=64), SECRET)
    with pytest.raises(BadImage):
        NeuralWatermark(*nets, SECRET).embed(Image.new("RGB", (40, 300)), 1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_a_network_trained_for_a_minute_carries_bits(tmp_path: Path) -> None:
    script = HERE / "benchmarks" / "train_watermark.py"
    options = "--side 32 --width 8 --steps 400 --rate .005 --distortion 0 --faint 9".split()
    subprocess.run([sys.executable, script, "--out", tmp_path, *options], check=True, timeout=1100)
    engine = NeuralWatermark(tmp_path / "encoder.onnx", tmp_path / "decoder.onnx", SECRET)
    made = engine.embed(smooth(), 7)
    assert made.psnr > 20
    sent = 2.0 * engine._scrambled(np.unpackbits(np.frombuffer(engine.pack(made.payload), np.uint8)), SECRET) - 1
    (heard,) = engine._decoder.run(None, {"image": engine._reduced(made.image)})
    assert (sent * heard[0] > 0).mean() > 0.6
