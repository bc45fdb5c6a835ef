"""Networks of the neural watermark that are linear but for a clip, built by hand: they test the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def carriers() -> Any:
    """A waveform for luma and one for blue over luma, (1, 2, 24, 24)."""
    rng = np.random.default_rng(0)
    wave = np.fft.fftfreq(24)
    frequency = np.hypot(wave[:, None], wave[None])
    noise = np.fft.fft2(rng.standard_normal((1, 2, 24, 24))) * ((frequency > 0.04) & (frequency < 0.16))
    fade = np.hanning(24)
    band = np.fft.ifft2(noise).real * fade[:, None] * fade
    return (8 * band / np.sqrt((band**2).sum((2, 3), keepdims=True))).astype(np.float32)


def networks(folder: Path) -> tuple[Path, Path]:
    """Each cell adds or takes away the same waveform; the reader correlates what a mean filter leaves."""
    helper, numpy_helper, node = onnx.helper, onnx.numpy_helper, onnx.helper.make_node

    def saved(name: str, nodes: list[Any], ins: list[Any], out: Any, constants: dict[str, Any]) -> Path:
        tensors = [numpy_helper.from_array(np.asarray(each, np.float32), key) for key, each in constants.items()]
        graph = helper.make_graph(nodes, name, ins, [out], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    def value(name: str, channels: int) -> Any:
        shape = [1, channels, f"{name}_height", f"{name}_width"]
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    cell: dict[str, Any] = {"kernel_shape": [24, 24], "strides": [8, 8], "pads": [8, 8, 8, 8]}
    encoder = saved(
        "encoder",
        [node("ConvTranspose", ["bits", "carriers"], ["wave"], **cell)],
        [value("image", 3), value("bits", 1)],
        value("wave", 2),
        {"carriers": carriers()},
    )
    mean: dict[str, Any] = {"kernel_shape": [9, 9], "pads": [4, 4, 4, 4], "count_include_pad": 0}
    split = [[0.299, 0.587, 0.114], [-0.299, -0.587, 0.886]]
    decoder = saved(
        "decoder",
        [
            node("Conv", ["image", "split"], ["levels"]),
            node("AveragePool", ["levels"], ["mean"], **mean),
            node("Sub", ["levels", "mean"], ["high"]),
            node("Clip", ["high", "low", "top"], ["local"]),
            node("Conv", ["local", "carriers"], ["logits"], **cell),
        ],
        [value("image", 3)],
        value("logits", 1),
        {
            "split": np.array(split)[:, :, None, None],
            "carriers": 2.0 * carriers(),
            "low": np.float32(-0.02),
            "top": np.float32(0.02),
        },
    )
    return encoder, decoder
