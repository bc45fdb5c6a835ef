"""The plug point of image generation."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from .spec import ImageSpec, StyleSheet

__all__ = [
    "Capabilities",
    "DeclinedImage",
    "GeneratedImage",
    "ImageGenerator",
    "ImageRequest",
    "ShowPartial",
    "StreamingGenerator",
]

ImageFormat = Literal["png", "webp", "jpeg"]


@dataclass(frozen=True)
class Capabilities:
    """What a generator can do. `idempotent`: the same request twice costs nothing more and gives the same image.
    `remote`: it works elsewhere, within limits of its own, and takes no turn among those that work on this machine.
    `batch`: how many requests it draws at once where it gets them at once."""

    edit: bool = False
    mask: bool = False
    references: bool = False
    idempotent: bool = False
    remote: bool = False
    batch: int = 1


@dataclass(frozen=True)
class ImageRequest:
    """One call: the spec, the shared style, and the exact bytes of the images it refers to, by reference.

    `safety_identifier` is the keyed hash of whoever asks, for a service that wants one; no image depends on it.
    """

    spec: ImageSpec
    style: StyleSheet
    images: dict[str, bytes] = field(default_factory=dict, repr=False)
    format: ImageFormat = "png"
    seed: int = 0
    safety_identifier: str = field(default="", repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all that the image depends on, the images that it refers to by their bytes included.

        Two requests that differ in anything at all, a color or a figure of a chart, differ in it.
        """
        frame = hashlib.sha256(b"safelight.request.v1")
        references = (f"{ref}:{hashlib.sha256(data).hexdigest()}" for ref, data in sorted(self.images.items()))
        for part in (
            self.spec.model_dump_json(),
            self.style.model_dump_json(),
            self.format,
            str(self.seed),
            *references,
        ):
            frame.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
        return frame.hexdigest()


@dataclass(frozen=True)
class GeneratedImage:
    """One encoded image, not yet moderated. `cost` is in US dollars; `notes` are honest remarks for the user
    ("illustrated by layout, not by an image model"); `licences` name artwork that asks for it. `usage` is what the
    service counted (`input_tokens`, `output_tokens` …), as it said it. `algorithmic` says that no trained model was
    involved; it is set to what the generator says of itself. `version` is the model's, where `model` does not say it.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    model: str
    cost: float = 0.0
    notes: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    usage: dict[str, int] = field(default_factory=dict)
    algorithmic: bool = False
    version: str = ""


@dataclass(frozen=True)
class DeclinedImage:
    """The generator's own safety system made no image, or kept the one it had made: an outcome, not an error.

    `stage` says what it judged; `categories` are its own words for why; `policies` are ours for the same.
    """

    model: str
    stage: Literal["input", "output", "unknown"] = "unknown"
    categories: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


ShowPartial = Callable[[int, bytes, str], Awaitable[None]]
"""Takes a preview as it comes, judged by nobody: its number (from 0), encoded bytes and media type."""


@runtime_checkable
class ImageGenerator(Protocol):
    """Whatever can make an image from an `ImageRequest`, or edit one where `spec.edit_of` is set.

    `algorithmic` is true where no trained model is involved: it decides the C2PA digital source type.
    `generate` raises `GeneratorError`, and `BadInput` where the request itself cannot be served; a refusal by the
    generator's own safety system is a `DeclinedImage`.
    """

    @property
    def name(self) -> str: ...

    @property
    def algorithmic(self) -> bool: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def generate(self, request: ImageRequest) -> GeneratedImage | DeclinedImage: ...


@runtime_checkable
class StreamingGenerator(ImageGenerator, Protocol):
    """A generator that can give previews of an image while it makes it. A `show` that raises ends the call."""

    async def generate_showing(self, request: ImageRequest, show: ShowPartial) -> GeneratedImage | DeclinedImage: ...
