"""What can be asked of an image service beside the image itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ImageOptions"]


class ImageOptions(BaseModel):
    """Options of every call; None leaves one out of the request, and so to the service.

    `complexity` is the computation that the service spends on planning an image; `compression` (0..100) is for WebP and
    JPEG; `fidelity`, how closely an edit keeps to its input, is refused by models since gpt-image-2; `moderation` is
    the service's own, in generation only. `partials` previews (0..3) are asked for where somebody may see them.
    `inline` asks for the bytes rather than an address (`response_format`): OpenAI's own models give nothing else and
    refuse to be asked. `sizes` says which sizes the model makes; `auto` goes by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    compression: int | None = Field(default=None, ge=0, le=100)
    fidelity: Literal["high", "low"] | None = None
    moderation: Literal["auto", "low"] | None = None
    partials: int = Field(default=2, ge=0, le=3)
    inline: bool = False
    sizes: Literal["auto", "any", "classic"] = "auto"

    def parameters(self, format_: str, *, edit: bool) -> dict[str, Any]:
        """The options as parameters of `images.generate` or `images.edit`."""
        given = {
            "quality": self.quality,
            "background": self.background if format_ != "jpeg" or self.background != "transparent" else None,
            "complexity": self.complexity,
            "output_format": format_,
            "output_compression": self.compression if format_ in {"webp", "jpeg"} else None,
            "input_fidelity": self.fidelity if edit else None,
            "moderation": None if edit else self.moderation,
            "response_format": "b64_json" if self.inline else None,
        }
        return {name: value for name, value in given.items() if value is not None}
