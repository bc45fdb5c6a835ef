"""A refusal is useful: it names the policy and the part of the request, and offers what can be made instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from ...events import Refused
from ...safety.content import Content, Stage
from ...safety.guard import Blocked, Cleared
from ...safety.verdict import Decision, Verdict
from ..services import RunContext
from ..state import RunState

__all__ = ["human_verdict", "offers_for", "reason_for", "refusal_of", "refuse", "unless_refused"]

_QUOTES = '“”"'  # evidence often comes quoted already
_INSTANT_OFFER = "Thinking mode can rewrite this request into one that can be drawn: run it with --mode thinking."
_DECLINED_OFFER = "The same subject in other words, or another generator: this one gave no rule that could be kept."
_LATER_OFFER = "The same request again, later: nothing in it stood against it."


async def refuse(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Tell the user, and end the run."""
    refusal = state["refusal"]
    await runtime.context.emit(
        Refused,
        stage=refusal["stage"],
        policies=tuple(refusal["policies"]),
        reason=refusal["reason"],
        offer=tuple(refusal["offer"]),
    )
    return {}


def unless_refused(next_step: str) -> Callable[[RunState], str]:
    """A route to `next_step`, or to `refuse` where a refusal is due."""

    def route(state: RunState) -> str:
        return "refuse" if "refusal" in state else next_step

    return route


def refusal_of(outcome: dict[str, Any], context: RunContext, *, instant: bool = False) -> dict[str, Any]:
    """The refusal for a guard's outcome (see `outcome_record`), with the offers of the policies behind it."""
    policies = context.services.policies
    offers = list(outcome.get("offer", ()))
    for policy_id in outcome["policies"]:
        if policy_id in policies:
            offers += policies[policy_id].offer
    if instant:
        offers.append(_INSTANT_OFFER)
    return {
        "stage": outcome["stage"],
        "policies": outcome["policies"],
        "reason": reason_for(outcome, context),
        "evidence": _own_words(outcome),
        "offer": list(dict.fromkeys(offers)),
        "failed": outcome["failed"],
    }


def reason_for(outcome: dict[str, Any], context: RunContext) -> str:
    """One sentence for the user: what could not be checked, or which policies stand against it and where."""
    if outcome["failed"]:
        return f"It could not be checked, so it was not let through: {outcome['reason'] or 'a moderator failed'}."
    policies = context.services.policies
    titles = [policies[item].title if item in policies else item for item in outcome["policies"]]
    where = outcome["stage"].replace("_", " ")
    if outcome.get("declined"):
        return f"{outcome['reason'][:1].upper()}{outcome['reason'][1:]}{': ' if titles else ''}{', '.join(titles)}."
    named = ", ".join(titles) or outcome["reason"] or "the safety policies"
    shown = _own_words(outcome)
    quoted = f" (“{shown[0].strip(_QUOTES)[:160]}”)" if shown else ""
    return f"Blocked at the {where}: {named}{quoted}."


def offers_for(record: dict[str, Any], context: RunContext) -> tuple[str, ...]:
    """What can be made, or done, in place of an image that is missing (see `RunState.images`)."""
    policies = context.services.policies
    known = [policies[item] for item in record.get("policies", ()) if item in policies]
    if offers := tuple(dict.fromkeys(offer for policy in known for offer in policy.offer)):
        return offers
    if record.get("declined"):
        return (_DECLINED_OFFER,)
    return (_LATER_OFFER,) if record.get("failed") or record.get("retryable") else ()


def _own_words(outcome: dict[str, Any]) -> list[str]:
    """The evidence, where it quotes the user. That of later stages quotes what was just blocked, and is not shown."""
    return list(outcome["evidence"]) if outcome["stage"] == Stage.PROMPT else []


async def human_verdict(content: Content, blocked: Blocked, context: RunContext) -> Cleared[Content] | Blocked:
    """Suspend the run until a human decides; their decision is recorded, and takes the verdict's place.

    LangGraph runs the step again from its beginning on resume: the content is judged again, and the answer is bound
    to it.
    """
    answer = interrupt(
        {"stage": blocked.stage.value, "policies": list(blocked.verdict.policies), "content": content.digest.hex()}
    )
    approved = isinstance(answer, dict) and answer.get("approve") is True
    verdict = Verdict(
        decision=Decision.ALLOW if approved else Decision.BLOCK,
        findings=blocked.verdict.findings if not approved else (),
        moderator=f"human:{answer.get('reviewer', 'unknown') if isinstance(answer, dict) else 'unknown'}",
        reason="approved by a human reviewer" if approved else "denied by a human reviewer",
        checked=blocked.verdict.checked,
        not_checked=blocked.verdict.not_checked,
        policy_version=blocked.verdict.policy_version,
    )
    return await context.services.guard.decide(content, verdict, run_id=context.run_id)
