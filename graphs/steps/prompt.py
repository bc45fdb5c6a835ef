"""From the brief to a request that may be served: admit, judge, think beside it, and complete safely."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from ...agent.brief import Brief
from ...agent.chain import DECLINED
from ...agent.reasoner import Reasoner
from ...agent.rewrite import SafeCompletion
from ...errors import ReasonerError
from ...events import Rewritten
from ...safety.content import Content, ImagePart, Part, Stage, TextPart
from ...safety.guard import Blocked, Cleared
from ...safety.verdict import Decision, Verdict
from ..services import RunContext
from ..state import RunState
from .refusal import human_verdict, refusal_of

__all__ = ["admit", "complete", "judge_prompt", "reason", "route_edit", "route_prompt", "write_prompt"]


async def admit(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Check that the state holds a brief that can be served at all."""
    Brief.model_validate(state["brief"])
    return {"round": 0}


async def judge_prompt(state: RunState, runtime: Runtime[RunContext]) -> Cleared[Content] | Blocked:
    """Judge the request with its images, in the light of the whole conversation."""
    context = runtime.context
    brief = Brief.model_validate(state["brief"])
    with context.timed("judge_prompt"):
        content = await prompt_content(brief, context)
        outcome = await context.services.guard.check(content, run_id=context.run_id)
        if isinstance(outcome, Blocked) and outcome.verdict.decision is Decision.REVIEW:
            outcome = await human_verdict(content, outcome, context)
    return outcome


async def reason(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Understand the request, beside its guard: what comes of it is held until the verdict."""
    context = runtime.context
    brief = Brief.model_validate(state["brief"])
    reasoner: Reasoner = context.reasoner if brief.mode == "thinking" else context.services.drafter
    with context.timed("reason"):
        try:
            understanding = await reasoner.understand(brief, context.think)
        except ReasonerError as error:
            if error.kind not in DECLINED:
                raise
            return {"refusal": _declined(str(error))}
    return {"understanding": understanding.model_dump(mode="json")}


def _declined(reason: str) -> dict[str, Any]:
    """The refusal of a request that our own moderators let through, and the reasoning model would not work on."""
    offer = ["Say what the images are for, or describe them in other words."]
    return {"stage": "reason", "policies": [], "reason": reason, "evidence": [], "offer": offer, "failed": False}


async def write_prompt(state: RunState, outcome: Cleared[Content] | Blocked, runtime: Runtime[RunContext]) -> RunState:
    """What the prompt's verdict comes to: a refusal where it is neither allowed nor can be rewritten here."""
    record = outcome_record(outcome)
    update: RunState = {"prompt": record, "not_checked": list(outcome.verdict.not_checked)}
    rewrite = outcome.verdict.decision is Decision.REWRITE
    if isinstance(outcome, Cleared) or (rewrite and Brief.model_validate(state["brief"]).mode == "thinking"):
        return update
    return {**update, "refusal": refusal_of(record, runtime.context, instant=rewrite)}


def route_prompt(state: RunState) -> str:
    """`refuse`, `complete` (a safe completion is due) or `inquire`."""
    if "refusal" in state:
        return "refuse"
    return "inquire" if state["prompt"]["decision"] == Decision.ALLOW else "complete"


def route_edit(state: RunState) -> str:
    """As `route_prompt`, with nothing to look up: `refuse`, `complete` or `plan`."""
    step = route_prompt(state)
    return "plan" if step == "inquire" else step


async def complete(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """A safe completion: the nearest request that serves the legitimate goal, judged anew; else a refusal."""
    context = runtime.context
    brief = Brief.model_validate(state["brief"])
    outcome = state["prompt"]

    async def judge(text: str) -> Verdict:
        content = await prompt_content(brief.model_copy(update={"prompt": text}), context)
        return (await context.services.guard.check(content, run_id=context.run_id)).verdict

    with context.timed("complete"):
        completion = SafeCompletion(context.reasoner, context.services.policies, judge)
        rewrite = await completion.complete(brief.prompt, tuple(outcome["policies"]), tuple(outcome["evidence"]))
        if rewrite.prompt is None:
            return {"refusal": refusal_of({**outcome, "offer": list(rewrite.offer)}, context)}
        brief = brief.model_copy(update={"prompt": rewrite.prompt})
        await context.emit(Rewritten, policies=tuple(outcome["policies"]), changes=rewrite.changes)
        understanding = await context.reasoner.understand(brief, context.think)
    change = {
        "policies": outcome["policies"],
        "changes": list(rewrite.changes),
        "prompt": rewrite.prompt,
        "image": None,
    }
    return {
        "brief": brief.model_dump(mode="json"),
        "prompt": {**outcome, "decision": Decision.ALLOW.value},
        "understanding": understanding.model_dump(mode="json"),
        "rewritten": [change],
    }


async def prompt_content(brief: Brief, context: RunContext) -> Content:
    """The request as a moderator sees it: text and input images, with every earlier turn beside them. Instant mode
    rewrites no request."""
    blobs = context.services.store.blobs
    parts: list[Part] = [TextPart(brief.prompt, source="prompt")]
    parts += [ImagePart(await blobs.get(item.ref), item.media_type, source="input") for item in brief.images]
    history: list[Part] = []
    for number, turn in enumerate(brief.turns):
        if turn.text:
            history.append(TextPart(turn.text, source=f"turn {number} {turn.role}"))
        history += [ImagePart(await blobs.get(ref), source=f"turn {number} image") for ref in turn.images]
    return Content(Stage.PROMPT, tuple(parts), context=tuple(history), final=brief.mode != "thinking")


def outcome_record(outcome: Cleared[Any] | Blocked) -> dict[str, Any]:
    """A guard's outcome in a form fit for state: no content, only what a refusal must say."""
    verdict = outcome.verdict
    stage = outcome.clearance.stage if isinstance(outcome, Cleared) else outcome.stage
    decisive = [finding for finding in verdict.findings if finding.decision is verdict.decision]
    return {
        "decision": verdict.decision.value,
        "stage": stage.value,
        "policies": list(verdict.policies),
        "evidence": [finding.evidence for finding in decisive if finding.evidence],
        "reason": verdict.reason,
        "failed": verdict.failed,
        "declined": isinstance(outcome, Blocked) and outcome.declined,
    }
