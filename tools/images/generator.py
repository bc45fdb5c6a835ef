"""The plug point of image generation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from .spec import ImageSpec, StyleSheet

__all__ = ["Capabilities", "GeneratedImage", "ImageGenerator", "ImageRequest"]

ImageFormat = Literal["png", "webp", "jpeg"]


@dataclass(frozen=True)
class Capabilities:
    """What a generator can do. `idempotent`: the same request twice costs nothing more and gives the same image."""

    edit: bool = False
    mask: bool = False
    references: bool = False
    idempotent: bool = False
    max_references: int = 0


@dataclass(frozen=True)
class ImageRequest:
    """One call: the spec, the shared style, and the exact bytes of the images it refers to, by reference."""

    spec: ImageSpec
    style: StyleSheet
    images: dict[str, bytes] = field(default_factory=dict, repr=False)
    format: ImageFormat = "png"
    seed: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over everything in the request, the images that it refers to by their bytes included.

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
    ("illustrated by layout, not by an image model"); `licences` name artwork that asks for it."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    model: str
    cost: float = 0.0
    notes: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()


@runtime_checkable
class ImageGenerator(Protocol):
    """Whatever can make an image from an `ImageRequest`, or edit one where `spec.edit_of` is set.

    `algorithmic` is true where no trained model is involved: it decides the C2PA digital source type.
    `generate` raises `GeneratorError`, and `BadInput` where the request itself cannot be served.
    """

    @property
    def name(self) -> str: ...

    @property
    def algorithmic(self) -> bool: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def generate(self, request: ImageRequest) -> GeneratedImage: ...
