"""Safelight, through its public API: a `GuardedGraph` with a prompt check, a planner and a guarded generator.

strict     every guard ends before the thing it guards starts
held       the planner runs beside the prompt guard, its plan is held
all-held   and so do the generators beside their input guards: for generators with no effect outside the process
…+sqlite   runs that survive a kill: checkpoints (`durability="sync"`) and the audit ledger in SQLite, on disk
"""

from __future__ import annotations

import itertools
import operator
import secrets
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import workload
from typing_extensions import TypedDict
from workload import Refused

from safelight.graphs import END, START, GuardedGraph
from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Content, Stage
from safelight.safety.guard import Blocked, Cleared, Guard, guard
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision, Verdict
from safelight.store import Store, open_checkpointer

from langgraph.runtime import Runtime  # isort: skip (after safelight, which sets its serializer to strict)
from langgraph.types import Send  # isort: skip

VERSION = f"safelight {version('safelight')}"
FLOORS = {
    "strict": workload.STRICT,
    "held": workload.PLANNER_HELD,
    "all-held": workload.ALL_HELD,
    "strict+sqlite": workload.STRICT,
    "held+sqlite": workload.PLANNER_HELD,
}


class State(TypedDict, total=False):
    prompt: str
    refused: bool
    plan: list[str]
    images: Annotated[list[str], operator.add]


@dataclass(frozen=True)
class Context:
    run_id: str


@dataclass(frozen=True)
class Stub:
    """A moderator that answers as one of the workload's guards does."""

    name: str
    ask: Any

    async def moderate(self, content: Content) -> Verdict:
        allowed = await self.ask(content.texts[0].text)
        return Verdict(decision=Decision.ALLOW if allowed else Decision.BLOCK, moderator=self.name)


async def open_guard(*, durable: Path | None, exits: AsyncExitStack) -> tuple[Guard, Any]:
    """The guard over stub moderators, with its ledger, and the checkpointer; None for each where nothing is kept."""
    policies = PolicySet.load()
    stack = SafetyStack(
        policies,
        {
            Stage.PROMPT: Stub("prompt", workload.prompt_guard),
            Stage.GENERATOR_INPUT: Stub("input", workload.input_guard),
            Stage.GENERATOR_OUTPUT: Stub("output", workload.output_guard),
        },
    )
    office = ClearanceOffice({"k1": secrets.token_bytes(32)}, "k1", policies.version)
    if durable is None:
        return Guard(stack, office), None
    url = f"sqlite:///{durable / 'safelight.db'}"
    store = await exits.enter_async_context(Store.open(url, f"file://{durable / 'blobs'}", secrets.token_bytes(32)))
    saver = await exits.enter_async_context(open_checkpointer(durable / "checkpoints.db"))
    return Guard(stack, office, store.recorder), saver


def build_graph(judge: Guard, *, held: bool, pure: bool) -> GuardedGraph[State, Context, State, State]:
    async def check_prompt(state: State, runtime: Runtime[Context]) -> Cleared[Content] | Blocked:
        content = Content.of_text(Stage.PROMPT, state["prompt"])
        return await judge.check(content, run_id=runtime.context.run_id)

    async def checked(state: State, runtime: Runtime[Context]) -> State:
        return _refused(state, await check_prompt(state, runtime))

    async def plan(state: State) -> State:
        return {"plan": await workload.plan(state["prompt"])}

    generate = guard(
        workload.generate,
        guard=judge,
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.GENERATOR_OUTPUT,
        content_in=lambda prompt: Content.of_text(Stage.GENERATOR_INPUT, prompt),
        content_out=lambda image, _: Content.of_text(Stage.GENERATOR_OUTPUT, image),
        pure=pure,
    )
    graph = GuardedGraph(State, context_schema=Context)
    if held:
        graph.add_speculative("plan", check=check_prompt, work=plan, write=_refused, guards=["generate"])
        graph.add_edge(START, "plan")
    else:
        graph.add_node("check_prompt", checked, metadata={"safelight": "check", "for": ["generate"]})
        graph.add_node("plan", plan)
        graph.add_edge(START, "check_prompt")
        graph.add_conditional_edges("check_prompt", lambda state: END if state["refused"] else "plan", ["plan", END])
    graph.add_effect("generate", generate, read=lambda task: task["prompt"], write=_written)
    graph.add_conditional_edges("plan", _fan_out, ["generate", END])
    graph.add_edge("generate", END)
    return graph


def _refused(state: State, outcome: Cleared[Content] | Blocked) -> State:
    return {"refused": isinstance(outcome, Blocked)}


def _fan_out(state: State) -> list[Send] | str:
    return END if state["refused"] else [Send("generate", {"prompt": prompt}) for prompt in state["plan"]]


def _written(task: dict[str, str], outcome: Any) -> State:
    return {"images": [outcome.value] if isinstance(outcome, Cleared) else []}


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    how, _, kept = variant.partition("+")
    durable = Path(exits.enter_context(tempfile.TemporaryDirectory())) if kept else None
    judge, saver = await open_guard(durable=durable, exits=exits)
    graph = build_graph(judge, held=how != "strict", pure=how == "all-held").compile(checkpointer=saver)
    numbers = itertools.count()

    async def turn(prompt: str) -> list[str]:
        run_id = f"run-{next(numbers)}"
        config = {"configurable": {"thread_id": run_id}}
        state = await graph.ainvoke({"prompt": prompt}, config, context=Context(run_id))
        if state.get("refused"):
            raise Refused
        return state["images"]

    return turn
