"""What a run gives back."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..provenance.stamp import Stamp

__all__ = ["Delivery", "Gap", "Refusal", "RunResult", "Status", "VectorDelivery"]

Status = Literal["delivered", "partial", "refused", "failed", "suspended", "planned"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gap(_Frozen):
    """A place in the set where an image is missing, and why."""

    stage: str
    policy: str = ""
    reason: str
    offer: tuple[str, ...] = ()


class VectorDelivery(_Frozen):
    """The vector file of an image: what the image is drawn of, without the surface and the watermark of the pixels."""

    ref: str
    path: str | None = None
    sha256: str
    media_type: str
    stamp: Stamp

    @model_validator(mode="after")
    def _is_stamped(self) -> Self:
        _demand_stamp(self.ref, self.sha256, self.stamp)
        return self

    def public(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"ref"})


class Delivery(_Frozen):
    """One place in the set: an image (`ref`, a blob reference; `path` once it is written to a folder; `model`, which of
    the generators made it; `vector`, its vector file where one was asked for), or a gap.

    There is none whose bytes are not those that its stamp names: blobs are found by their hash, so that whoever hands
    out what `ref` stands for hands out what was stamped.
    """

    index: int
    ref: str = ""
    path: str | None = None
    sha256: str = ""
    width: int = 0
    height: int = 0
    media_type: str = ""
    title: str = ""
    alt: str = ""
    model: str = ""
    stamp: Stamp | None = None
    vector: VectorDelivery | None = None
    notes: tuple[str, ...] = ()
    gap: Gap | None = None

    @model_validator(mode="after")
    def _is_stamped(self) -> Self:
        if self.ref:
            _demand_stamp(self.ref, self.sha256, self.stamp)
        elif self.stamp is not None or self.vector is not None:
            raise ValueError("a gap bears no stamp and no vector file")
        return self

    def public(self) -> dict[str, Any]:
        """The image, or `{"gap": …}` alone."""
        if self.gap is not None:
            return {"gap": self.gap.model_dump(mode="json")}
        data = self.model_dump(mode="json", exclude={"gap", "ref", "vector"})
        return data if self.vector is None else {**data, "vector": self.vector.public()}


class Refusal(_Frozen):
    """Why nothing is delivered: the policies and the part of the request, and what can be made instead."""

    stage: str
    policies: tuple[str, ...]
    reason: str
    evidence: tuple[str, ...] = ()
    offer: tuple[str, ...] = ()
    failed: bool = False


class RunResult(_Frozen):
    """The outcome of one run.

    `timings` are wall-clock seconds by step; `cost` is in US dollars by role, as far as prices are known; `bill` has a
    line a model: calls, tokens, images, and what has no known price. `estimate` is what the plan was expected to cost;
    `plan` is there where only a plan was asked for.
    """

    run_id: str
    status: Status
    images: tuple[Delivery, ...] = ()
    refusal: Refusal | None = None
    rewritten: tuple[dict[str, Any], ...] = ()
    sources: tuple[dict[str, Any], ...] = ()
    researched: bool = False
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    cost: dict[str, float] = Field(default_factory=dict)
    bill: tuple[dict[str, Any], ...] = ()
    estimate: dict[str, Any] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)

    def public(self) -> dict[str, Any]:
        """The result as JSON."""
        data = self.model_dump(mode="json", exclude={"images"})
        data["images"] = [image.public() for image in self.images]
        return data


def _demand_stamp(ref: str, sha256: str, stamp: Stamp | None) -> None:
    if stamp is None or stamp.sha256 != sha256 or ref != f"sha256:{sha256}":
        raise ValueError("what is delivered bears a stamp of exactly its bytes")
