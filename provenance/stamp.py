"""What is left on an image, and what can be told from one."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Assessment", "Leg", "Stamp", "StampFacts", "Stamper"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StampFacts(_Frozen):
    """The public facts of one image: no prompt text, unless the operator asks for it in `prompt`.

    `algorithmic` chooses C2PA's digital source type (`algorithmicMedia` over `trainedAlgorithmicMedia`). `parents`
    are encoded images that this one edits, `components` those it refers to; or what `inputs.detach` gave of one.
    `sources` are (title, address) pairs.
    `adopted` says that the image is its parent, unchanged: an operator's own, of whose making nothing is claimed.
    """

    run_id: str
    image: int = 0
    model: str
    algorithmic: bool
    title: str = ""
    parents: tuple[bytes, ...] = Field(default=(), repr=False)
    components: tuple[bytes, ...] = Field(default=(), repr=False)
    sources: tuple[tuple[str, str], ...] = ()
    policy_version: str = ""
    prompt: str | None = None
    model_version: str = ""
    adopted: bool = False


class Stamp(_Frozen):
    """C2PA manifest + watermark + fingerprint of one image. `sha256` is of the final, stamped bytes."""

    image_id: str
    sha256: str
    manifest_id: str | None
    watermark: str | None
    fingerprint: str
    signer: str
    development: bool
    notes: tuple[str, ...] = ()


class Leg(_Frozen):
    """The evidence of one leg. `state` says what was found, `detail` in numbers, `limits` what it does not prove."""

    state: Literal["match", "foreign", "tampered", "absent", "unavailable"]
    detail: dict[str, Any] = Field(default_factory=dict)
    limits: str = ""


class Assessment(_Frozen):
    """Whose image is this, by which evidence. Absence of evidence proves nothing."""

    verdict: Literal["ours", "probably_ours", "other_generator", "no_evidence"]
    legs: dict[Literal["manifest", "watermark", "fingerprint"], Leg]
    run_id: str | None = None
    image_id: str | None = None
    changes: tuple[str, ...] = ()


@runtime_checkable
class Stamper(Protocol):
    """Stamps encoded images (PNG, JPEG, WebP): watermark, then manifest, then registry. Signing comes last;
    the returned bytes must not be touched again. A vector file (SVG, PDF), which looks as `shown` does, gets manifest
    and registry; it has no pixels to carry a watermark."""

    async def stamp(self, data: bytes, media_type: str, facts: StampFacts) -> tuple[bytes, Stamp]: ...

    async def stamp_vector(
        self, data: bytes, media_type: str, shown: bytes, facts: StampFacts
    ) -> tuple[bytes, Stamp]: ...

    async def assess(self, data: bytes) -> Assessment: ...
