"""Puts the outcome of a run together from its final state."""

from __future__ import annotations

from typing import Any

from ..provenance.stamp import Stamp
from .result import Delivery, Gap, Refusal, RunResult, Status, VectorDelivery
from .services import RunContext
from .steps.refusal import offers_for

__all__ = ["assemble"]


def assemble(context: RunContext, state: dict[str, Any]) -> RunResult:
    """The result that a final state amounts to: what is delivered, where the gaps are, and why."""
    refusal = Refusal.model_validate(state["refusal"]) if "refusal" in state else None
    images = () if refusal else _deliveries(context, state)
    research = state.get("research", {})
    plan = state.get("plan", {})
    status = _status(state, refusal, images)
    return RunResult(
        run_id=context.run_id,
        status=status,
        images=images,
        refusal=refusal,
        rewritten=tuple(state.get("rewritten", ())),
        sources=tuple(research.get("sources", ())),
        researched=bool(research.get("researched", False)),
        not_checked=tuple(sorted(state.get("not_checked", ()))),
        warnings=tuple(state.get("warnings", ())),
        notes=tuple(dict.fromkeys([*plan.get("notes", ()), *(note for image in images for note in image.notes)])),
        timings=dict(context.timings),
        cost=context.bill.costs(),
        bill=context.bill.public(),
        estimate=state.get("estimate", {}),
        plan=plan if status == "planned" else {},
    )


def _status(state: dict[str, Any], refusal: Refusal | None, images: tuple[Delivery, ...]) -> Status:
    if state.get("__interrupt__"):
        return "suspended"
    if refusal is not None:
        return "failed" if refusal.failed and not refusal.policies else "refused"
    if state.get("brief", {}).get("dry_run"):
        return "planned"
    return "partial" if any(image.gap for image in images) else "delivered"


def _deliveries(context: RunContext, state: dict[str, Any]) -> tuple[Delivery, ...]:
    delivered = state.get("delivered", [])
    return tuple(
        _delivery(context, index, ref, state["images"].get(str(index), {})) for index, ref in enumerate(delivered)
    )


def _delivery(context: RunContext, index: int, ref: str | None, record: dict[str, Any]) -> Delivery:
    if ref is None:
        policies = record.get("policies", [])
        gap = Gap(
            stage=record.get("stage", ""),
            policy=", ".join(policies),
            reason=record.get("reason", ""),
            offer=offers_for(record, context),
        )
        return Delivery(index=index, gap=gap)
    return Delivery(
        index=index,
        ref=ref,
        stamp=Stamp.model_validate(record["stamp"]),
        vector=VectorDelivery.model_validate(record["vector"]) if record.get("vector") else None,
        notes=tuple(record["notes"]),
        model=record.get("model", ""),
        **{name: record[name] for name in ("sha256", "width", "height", "media_type", "title", "alt")},
    )
