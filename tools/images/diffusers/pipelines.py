"""Loads a pipeline from a folder and runs it. All of it blocks: call it in one thread.

Nothing is fetched: the library is told to be offline before it is imported, files are read from the folder alone, and
weights only as safetensors, which cannot hold code.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from ....errors import BadInput, ConfigError
from .options import DiffusersOptions

__all__ = ["Drawn", "Pipelines", "Task"]

_GRAIN = 16  # px
_LONG_PROMPT = 200  # tokens from which a model reads more than a caption
_NATIVE = 1024


@dataclass(frozen=True)
class Task:
    """One picture to draw, of `width` x `height` pixels; from `source`, where it is an edit."""

    prompt: str
    caption: str
    seed: int
    width: int
    height: int
    source: Image.Image | None = None


@dataclass(frozen=True)
class Drawn:
    """A picture, or the word of the pipeline's own checker that it must not be seen."""

    picture: Image.Image
    flagged: bool


class Pipelines:
    """One model on one device, for text-to-image and, where it can, image-to-image with the same weights.

    Raises:
        ConfigError: the library is missing, or the folder holds no pipeline that can be loaded.
    """

    def __init__(self, folder: Path, options: DiffusersOptions) -> None:
        torch, diffusers = _libraries()
        self._torch, self._options = torch, options
        self.device = _device(torch, options.device)
        dtype = _dtype(torch, options.dtype, self.device)
        kwargs = {"local_files_only": True, "use_safetensors": True, "dtype": dtype}
        try:
            pipeline = _open(diffusers, folder, kwargs)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise ConfigError(
                f"{folder} holds no pipeline that diffusers can load ({type(error).__name__}). It must be a folder as "
                "`save_pretrained` writes it, with weights as safetensors."
            ) from error
        self._text = self._settled(pipeline)
        self._image = self._editing(diffusers)

    @property
    def edits(self) -> bool:
        """It can draw from a picture."""
        return self._image is not None

    @property
    def model(self) -> str:
        return type(self._text).__name__

    def frame(self, width: int, height: int) -> tuple[int, int]:
        """The size to draw at for such a picture: the same shape, with as many pixels as the model is used to."""
        scale = self._native() / (width * height) ** 0.5
        return _grained(width * scale), _grained(height * scale)

    def draw(self, tasks: Sequence[Task]) -> list[Drawn]:
        """All of the tasks, which are of one size and kind, at once; each by its own seed.

        Raises:
            BadInput: an edit, where the model cannot.
        """
        torch, first = self._torch, tasks[0]
        long = self._reads_long()
        asked: dict[str, Any] = {
            "prompt": [task.prompt if long else task.caption for task in tasks],
            # On the processor, so that a seed means the same on every device.
            "generator": [torch.Generator(device="cpu").manual_seed(task.seed) for task in tasks],
        }
        pipeline = self._text
        if first.source is not None:
            if self._image is None:
                raise BadInput(f"A {self.model} cannot edit a picture.")
            pipeline = self._image
            asked |= {"image": [task.source for task in tasks], "strength": self._options.strength}
        asked |= {"width": first.width, "height": first.height}
        if self._options.steps is not None:
            asked["num_inference_steps"] = self._options.steps
        if self._options.guidance is not None:
            asked["guidance_scale"] = self._options.guidance
        taken = inspect.signature(pipeline.__call__).parameters
        with torch.inference_mode():
            result = pipeline(**{name: value for name, value in asked.items() if name in taken})
        flags = getattr(result, "nsfw_content_detected", None) or [False] * len(tasks)
        return [Drawn(picture, bool(flag)) for picture, flag in zip(result.images, flags, strict=True)]

    def _settled(self, pipeline: Any) -> Any:
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(self.device)

    def _editing(self, diffusers: Any) -> Any:
        try:
            pipeline = diffusers.AutoPipelineForImage2Image.from_pipe(self._text)
        except (ValueError, TypeError, AttributeError):  # no such pipeline for this kind of model
            return None
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _native(self) -> int:
        if self._options.native is not None:
            return self._options.native
        network = getattr(self._text, "unet", None) or getattr(self._text, "transformer", None)
        size = getattr(getattr(network, "config", None), "sample_size", None)
        factor = getattr(self._text, "vae_scale_factor", None)
        return size * factor if isinstance(size, int) and isinstance(factor, int) else _NATIVE

    def _reads_long(self) -> bool:
        tokenizers = [getattr(self._text, name, None) for name in ("tokenizer", "tokenizer_2", "tokenizer_3")]
        lengths = [getattr(each, "model_max_length", 0) for each in tokenizers if each is not None]
        return max(lengths, default=0) >= _LONG_PROMPT


def _libraries() -> tuple[Any, Any]:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[name] = "1"
    try:
        diffusers, torch = import_module("diffusers"), import_module("torch")
    except ImportError as error:
        raise ConfigError("Local pipelines need more packages: pip install 'safelight[diffusers]'.") from error
    diffusers.utils.logging.set_verbosity_error()
    return torch, diffusers


def _open(diffusers: Any, folder: Path, kwargs: dict[str, Any]) -> Any:
    if not (folder / "model_index.json").is_file():
        raise ValueError("no model_index.json")
    try:
        return diffusers.AutoPipelineForText2Image.from_pretrained(folder, **kwargs)
    except ValueError:  # a kind of pipeline that the library does not list under a task
        return diffusers.DiffusionPipeline.from_pretrained(folder, **kwargs)


def _device(torch: Any, asked: str) -> str:
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(torch: Any, asked: str, device: str) -> Any:
    if asked != "auto":
        return getattr(torch, asked)
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device == "mps" else torch.float32


def _grained(side: float) -> int:
    return max(_GRAIN, round(side / _GRAIN) * _GRAIN)
