"""The bundled sentence encoder, where it is installed: it matches questions and answers across languages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...safety.moderators.e5 import shared_e5
from .grouping import Encoder

__all__ = ["sentence_encoder"]


@cache
def sentence_encoder() -> Encoder | None:
    """multilingual-e5-small (384 dimensions), the one that moderators read with; None where it is not installed."""
    try:
        e5 = shared_e5()
    except ConfigError:
        return None

    def encode(texts: Sequence[str], questions: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
        return e5.query(texts) if questions else e5.passage(texts)

    return encode
