"""Reading what an image says, for the grader: an engine of its own, apart from the one that the monitor reads with."""

from __future__ import annotations

import asyncio
import io
import logging
from importlib import import_module
from typing import Any

import numpy as np
from PIL import Image

from ..errors import ConfigError
from .grader import Reads

__all__ = ["reader"]

_LONGEST = 1280  # pixels in which text is looked for
_SURE = 0.5  # from which a line counts as read


def reader() -> Reads:
    """Reads encoded images in a thread, one at a time; the models are loaded here.

    Raises:
        ConfigError: rapidocr is not installed.
    """
    try:
        engine: Any = import_module("rapidocr").RapidOCR(
            params={
                "Global.use_cls": False,  # it turns upright lines upside down
                "Global.text_score": _SURE,
                "Global.log_level": "error",
                "Det.limit_type": "max",
                "Det.limit_side_len": _LONGEST,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    turn = asyncio.Lock()

    def read(data: bytes) -> str:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
        return "\n".join(engine(pixels).txts or ())

    async def reads(data: bytes) -> str:
        async with turn:
            return await asyncio.to_thread(read, data)

    return reads
