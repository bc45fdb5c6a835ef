"""How a local pipeline is run."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DiffusersOptions"]


class DiffusersOptions(BaseModel):
    """None leaves a number to the pipeline.

    `strength` says how far an edit may leave its input (0..1). `batch` requests of one size are drawn at once, which
    wait up to `wait` seconds for each other. `native` is the side in pixels that the model was trained at; where it is
    None the pipeline's own word is taken, or 1024.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    steps: int | None = Field(default=None, ge=1, le=1000)
    guidance: float | None = Field(default=None, ge=0, le=50)
    strength: float = Field(default=0.6, gt=0, le=1)
    batch: int = Field(default=4, ge=1, le=64)
    wait: float = Field(default=0.05, ge=0, le=5)
    native: int | None = Field(default=None, ge=16, le=4096)
