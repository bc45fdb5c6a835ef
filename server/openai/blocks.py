"""What was blocked, as OpenAI's clients are told: stage, categories, what was wrong, what can be asked instead."""

from __future__ import annotations

from typing import Any

from ...graphs.result import Delivery, Gap, RunResult
from ..errors import ApiError, busy

__all__ = ["gap_view", "raise_if_blocked", "raise_if_broken"]

_INPUT_STAGES = {"prompt", "plan", "tool_call", "tool_result", "generator_input"}
_MAKING = {"generate", "stamp"}


def raise_if_blocked(result: RunResult) -> None:
    """Nothing where at least one image is delivered.

    Raises:
        ApiError: 400 `moderation_blocked` for what may not be made, 503 for what could not be checked, 500 for a
            generator that failed, 409 for what waits for a human.
    """
    if result.status == "suspended":
        message = "A human reviewer has to decide on this; the run goes on when they have."
        raise ApiError(409, message, code="review_pending", run_id=result.run_id)
    if (refusal := result.refusal) is not None:
        if refusal.failed and not refusal.policies:
            if refusal.stage in _MAKING:
                raise _broken(refusal.reason, result.run_id)
            raise busy(refusal.reason, 5, status=503, code="moderation_unavailable")
        raise _blocked(refusal.reason, refusal.stage, refusal.policies, refusal.offer, result.run_id)
    gaps = [image.gap for image in result.images if image.gap]
    if result.images and len(gaps) == len(result.images):
        first = gaps[0]
        if first.policy:
            raise _blocked(first.reason, first.stage, _policies(first), first.offer, result.run_id)
        raise _broken(first.reason, result.run_id)


def raise_if_broken(result: RunResult) -> None:
    """Nothing where there is an answer to give, be it a refusal. Raises ApiError 500 where no image could be made."""
    refusal = result.refusal
    if refusal is not None and refusal.failed and not refusal.policies and refusal.stage in _MAKING:
        raise _broken(refusal.reason, result.run_id)


def gap_view(image: Delivery) -> dict[str, Any]:
    """The place of an image that is missing, and why."""
    gap = image.gap or Gap(stage="", reason="")
    return {
        "type": "gap",
        "index": image.index,
        "code": "moderation_blocked" if gap.policy else "image_generation_failed",
        "reason": gap.reason,
        "moderation_details": _details(gap.stage, _policies(gap), gap.reason, gap.offer),
    }


def _broken(reason: str, run_id: str) -> ApiError:
    headers = {"x-should-retry": "false"}
    message = reason or "No image could be made."
    return ApiError(500, message, code="image_generation_failed", type="server_error", headers=headers, run_id=run_id)


def _blocked(reason: str, stage: str, policies: tuple[str, ...], offer: tuple[str, ...], run_id: str) -> ApiError:
    instead = f" Instead, ask for: {' / '.join(each.rstrip('.') for each in offer)}." if offer else ""
    details = _details(stage, policies, reason, offer)
    return ApiError(
        400, reason + instead, code="moderation_blocked", type="image_generation_user_error",
        moderation_details=details, run_id=run_id,
    )  # fmt: skip


def _details(stage: str, policies: tuple[str, ...], reason: str, offer: tuple[str, ...]) -> dict[str, Any]:
    return {
        "moderation_stage": "input" if stage in _INPUT_STAGES else "output",
        "categories": list(policies) or ["other"],
        "stage": stage,
        "reason": reason,
        "offer": list(offer),
    }


def _policies(gap: Gap) -> tuple[str, ...]:
    return tuple(part for part in gap.policy.split(", ") if part)
