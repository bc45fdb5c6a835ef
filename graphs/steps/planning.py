"""From what is understood and known to a plan that passed as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Send

from ...agent.brief import Brief
from ...agent.citing import cited
from ...agent.plan import Plan
from ...agent.reasoner import Research, Understanding
from ...events import PlanMade, Rewritten
from ...safety.content import Content, Stage, TextPart
from ...safety.guard import Blocked, Cleared
from ...safety.verdict import Decision
from ...tools.images.spec import ImageSpec
from ..estimate import estimate
from ..services import RunContext
from ..state import ImageTask, RunState
from .anchor import anchor_of
from .prompt import outcome_record
from .refusal import human_verdict, refusal_of
from .research import load_documents
from .vectors import demand_drawn

__all__ = ["draft", "image_tasks", "judge_plan", "plan", "plan_content", "route_plan"]


async def plan(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Plan the set from the brief and the facts."""
    return await _plan(state, runtime.context, runtime.context.reasoner)


async def draft(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Plan without research: what instant and edit mode do. An instant run asks no model."""
    context = runtime.context
    thinking = state["brief"]["mode"] == "thinking"
    return await _plan(state, context, context.reasoner if thinking else context.services.drafter)


async def _plan(state: RunState, context: RunContext, reasoner: Any) -> RunState:
    known = {name: value for name, value in state.get("research", {}).items() if name in Research.model_fields}
    research = Research.model_validate({**known, "documents": await load_documents(state, context)})
    with context.timed("plan"):
        made = await reasoner.plan(
            Brief.model_validate(state["brief"]),
            Understanding.model_validate(state["understanding"]),
            research,
            context.think,
        )
    demand_drawn(state["brief"], made, context)
    if context.services.tools.generator.algorithmic:  # an image model garbles small print: there the record cites
        made = cited(made, research.sources)
    return {"plan": made.model_dump(mode="json")}


async def judge_plan(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Judge the whole plan as one: what is harmless image by image may not be harmless together.

    A plan that should be rewritten is rewritten image by image, once, and judged anew.
    """
    context = runtime.context
    made = Plan.model_validate(state["plan"])
    with context.timed("judge_plan"):
        outcome = await _check(made, context)
        update: RunState = {}
        if isinstance(outcome, Blocked) and outcome.verdict.decision is Decision.REWRITE:
            policies = outcome.verdict.policies
            made, changes = await _rewritten(made, outcome, context)
            outcome = await _check(made, context)
            if isinstance(outcome, Cleared) and changes:
                await context.emit(Rewritten, policies=policies, changes=tuple(changes))
                update["rewritten"] = [{"policies": list(policies), "changes": changes, "prompt": None, "image": None}]
        if isinstance(outcome, Blocked) and outcome.verdict.decision is Decision.REVIEW:
            outcome = await human_verdict(plan_content(made), outcome, context)
    gaps = list(outcome.verdict.not_checked)
    if isinstance(outcome, Blocked):
        return {"refusal": refusal_of(outcome_record(outcome), context), "not_checked": gaps}
    await context.emit(PlanMade, plan=made.public())
    expected = estimate(made, context)
    if not context.bill.allows(expected["images"]):
        return {"refusal": _too_dear(expected, context), "not_checked": gaps}
    return {
        **update,
        "estimate": expected,
        "anchor": anchor_of(made, context.services.tools.generator),
        "plan": made.model_dump(mode="json"),
        "not_checked": gaps,
    }


def route_plan(state: RunState) -> list[Send] | str:
    """`refuse`, the end where only a plan was asked for, or a branch an image: at first, the one others wait for."""
    if "refusal" in state:
        return "refuse"
    if state["brief"].get("dry_run"):
        return END
    anchor = state.get("anchor")
    indexes = range(len(state["plan"]["images"])) if anchor is None else [anchor]
    return [Send("generate", task) for task in image_tasks(state, indexes)]


def image_tasks(state: RunState, indexes: Any) -> list[ImageTask]:
    """The payloads of these images' branches."""
    brief, made = state["brief"], state["plan"]
    return [
        ImageTask(
            index=index,
            round=state.get("round", 0),
            spec=made["images"][index],
            style=made["style"],
            intent=made["intent"],
            format=brief["format"],
            seed=brief["seed"],
            sources=_cited(state, made["images"][index]["sources"]),
        )
        for index in indexes
    ]


def _cited(state: RunState, ids: Sequence[str]) -> list[list[str]]:
    """What the image's manifest may cite: pages of the web. That a user's own file was read is nobody's business."""
    known = {each["id"]: each for each in (state.get("research") or {}).get("sources", ())}
    found = [known[each] for each in ids if each in known]
    return [[each["title"], each["url"]] for each in found if each["url"].startswith(("https://", "http://"))]


def plan_content(made: Plan) -> Content:
    """The plan as a moderator sees it: the intent, then every image's assembled prompt."""
    return Content(Stage.PLAN, (TextPart(made.text(), source="plan"),))


def _too_dear(expected: dict[str, Any], context: RunContext) -> dict[str, Any]:
    limit, images = context.bill.limit, expected["images"]
    reason = f"The images would cost about ${images:g}, and ${expected['spent']:g} of ${limit:g} is spent already."
    offer = ["Ask for fewer images, or raise SAFELIGHT_MAX_COST."]
    return {"stage": "budget", "policies": [], "reason": reason, "evidence": [], "offer": offer, "failed": False}


async def _check(made: Plan, context: RunContext) -> Cleared[Content] | Blocked:
    return await context.services.guard.check(plan_content(made), run_id=context.run_id)


async def _rewritten(made: Plan, blocked: Blocked, context: RunContext) -> tuple[Plan, list[str]]:
    policies = tuple(
        context.services.policies[item] for item in blocked.verdict.policies if item in context.services.policies
    )
    evidence = tuple(finding.evidence for finding in blocked.verdict.findings)
    images: list[ImageSpec] = []
    changes: list[str] = []
    for spec in made.images:
        rewrite = await context.reasoner.rewrite(spec.prompt, policies, evidence)
        if rewrite.prompt is not None and rewrite.prompt != spec.prompt:
            spec = spec.model_copy(update={"prompt": rewrite.prompt})  # noqa: PLW2901 (the loop rewrites its own item)
            changes += rewrite.changes
        images.append(spec)
    return made.model_copy(update={"images": tuple(images)}), list(dict.fromkeys(changes))
