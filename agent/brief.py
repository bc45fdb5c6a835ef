"""What the user asked."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..tools.images.spec import Direction

__all__ = ["MAX_PROMPT_CHARS", "Attachment", "Brief", "Turn"]

MAX_PROMPT_CHARS = 32_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Turn(_Frozen):
    """An earlier turn of the conversation. `images` are blob references (`sha256:…`), `manifests` what some of them
    came with (`Attachment.manifest`)."""

    role: Literal["user", "assistant"]
    text: str = ""
    images: tuple[str, ...] = ()
    manifests: dict[str, str] = Field(default_factory=dict)


class Attachment(_Frozen):
    """A file that came with the brief, already in the blob store. `kind` is decided by content, not by name.

    `manifest` refers to the Content Credentials that an image came with, which its pixels are kept without.
    """

    ref: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    name: str
    media_type: str
    kind: Literal["image", "document", "mask"]
    manifest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")


class Brief(_Frozen):
    """One request for images.

    `n` None lets the planner decide (1..8). `size` is `auto` or `WxH` (each side 256..3840, aspect 1:3..3:1).
    `account` is the keyed pseudonym of whoever asks; the empty string is the local user. With `dry_run` the run ends at
    its plan, judged, and with an estimate of its cost. `vector` asks for each image as a vector file beside it, which
    is possible where it is drawn from a spec.
    """

    prompt: str
    mode: Literal["thinking", "instant"] = "thinking"
    n: int | None = Field(default=None, ge=1, le=8)
    size: str = "auto"
    format: Literal["png", "webp", "jpeg"] = "png"
    vector: Literal["pdf", "svg"] | None = None
    attachments: tuple[Attachment, ...] = ()
    turns: tuple[Turn, ...] = ()
    style: Direction | None = None
    seed: int = Field(default=0, ge=0, lt=2**31)
    account: str = ""
    dry_run: bool = False

    @field_validator("prompt")
    @classmethod
    def _usable_prompt(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("the prompt is empty: say what the images should show")
        if len(prompt) > MAX_PROMPT_CHARS:
            raise ValueError(
                f"the prompt has {len(prompt):,} characters; at most {MAX_PROMPT_CHARS:,} are accepted. "
                "Put long material into a file and attach it"
            )
        if any("\ud800" <= char <= "\udfff" for char in prompt):
            raise ValueError("the prompt is not valid Unicode (it holds lone surrogates): send it as UTF-8")
        return prompt

    @field_validator("size")
    @classmethod
    def _size_in_bounds(cls, size: str) -> str:
        if size == "auto":
            return size
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size)
        if match is None:
            raise ValueError(f"{size!r} is no size: write WxH in pixels, such as 1024x1280, or auto")
        width, height = int(match[1]), int(match[2])
        if not (256 <= width <= 3840 and 256 <= height <= 3840):
            raise ValueError(f"{size}: each side must lie within 256 and 3840 pixels")
        if not 1 / 3 <= width / height <= 3:
            raise ValueError(f"{size}: the aspect ratio must lie within 1:3 and 3:1")
        return size

    @property
    def images(self) -> tuple[Attachment, ...]:
        """The attached images, without the mask."""
        return tuple(item for item in self.attachments if item.kind == "image")

    @property
    def manifests(self) -> dict[str, str]:
        """The reference of each given image's manifest, by that of its pixels, for those that came with one."""
        earlier = {ref: manifest for turn in self.turns for ref, manifest in turn.manifests.items()}
        return earlier | {item.ref: item.manifest for item in self.attachments if item.manifest is not None}

    @property
    def is_edit(self) -> bool:
        return bool(self.images)
