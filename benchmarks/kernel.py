"""What the kernel costs: CPU time of guarding, beside plain LangGraph and beside plain awaits, in one run.

    python benchmarks/kernel.py [--runs 300] [--repeats 5]

Moderators are no-ops, so that what is measured is the kernel: describing content, digests, clearances, routing checks,
and LangGraph's own steps. CPU seconds of this process (user and system), the best of several interleaved repeats;
a figure is µs for each effect unless it says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from safelight.graphs.guarded import Blocked, GuardedGraph
from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Content, ImagePart, Stage, TextPart
from safelight.safety.guard import Cleared, Effect, Guard, guard
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision, Verdict

from langgraph.graph import END, START, StateGraph  # isort: skip (after safelight, which sets its serializer to strict)
from typing_extensions import TypedDict  # isort: skip

EFFECTS = 4  # in a row, so that what a run itself costs can be told from what an effect costs
PROMPT = "A four-part visual guide to how vaccines are made, for a school hallway"


class State(TypedDict, total=False):
    """The state of every graph here."""

    prompt: str


@dataclass(frozen=True)
class Context:
    """The context of a guarded run."""

    run_id: str = "benchmark"


class Nod:
    """Allows everything at once."""

    name = "nod"

    async def moderate(self, content: Content) -> Verdict:
        return _ALLOWED


_ALLOWED = Verdict(decision=Decision.ALLOW, moderator="nod")


async def echo(value: str) -> str:
    return value


def guarded_echo(office: ClearanceOffice, policies: PolicySet) -> Effect[str, str]:
    """The effect: it gives back what it gets, between two guards."""
    nod = Nod()
    stack = SafetyStack(policies, {Stage.TOOL_CALL: nod, Stage.TOOL_RESULT: nod})
    return guard(
        echo,
        name="echo",
        guard=Guard(stack, office),
        stage_in=Stage.TOOL_CALL,
        stage_out=Stage.TOOL_RESULT,
        content_in=lambda value: Content.of_text(Stage.TOOL_CALL, value),
        content_out=lambda output, _: Content.of_text(Stage.TOOL_RESULT, output),
    )


def chained(graph: Any, names: list[str]) -> Any:
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph.compile()


def plain_graph(*, steps: int) -> Any:
    """Plain LangGraph: `steps` nodes an effect, that do nothing but await."""

    async def step(state: State) -> State:
        return {"prompt": await echo(state["prompt"])}

    graph: Any = StateGraph(State)
    names = [f"{effect}.{part}" for effect in range(EFFECTS) for part in range(steps)]
    for name in names:
        graph.add_node(name, step)
    return chained(graph, names)


def guarded_plain_graph() -> Any:
    """The same nodes in a GuardedGraph that has no effect: what holding nodes to their routes costs."""

    async def step(state: State) -> State:
        return {"prompt": await echo(state["prompt"])}

    graph = GuardedGraph(State)
    names = [f"{effect}" for effect in range(EFFECTS)]
    for name in names:
        graph.add_node(name, step)
    return chained(graph, names)


def hand_guarded_graph(effect: Effect[str, str]) -> Any:
    """Plain LangGraph with the same guards called by hand: three nodes, the clearance kept beside the graph."""
    held: dict[str, Any] = {}

    async def check(state: State) -> State:
        held["in"] = await effect.check(state["prompt"], run_id="benchmark")
        return {}

    async def act(state: State) -> State:
        cleared = held["in"]
        held["out"] = await effect.call(cleared.value, cleared.clearance, run_id="benchmark")
        return {}

    async def review(state: State) -> State:
        return {"prompt": _value(await effect.review(held["out"], held["in"].value, run_id="benchmark"))}

    graph: Any = StateGraph(State)
    names = []
    for number in range(EFFECTS):
        for part, step in (("check", check), ("act", act), ("review", review)):
            names.append(f"{number}.{part}")
            graph.add_node(names[-1], step)
    return chained(graph, names)


def effect_graph(effect: Effect[str, str], *, separate: bool) -> Any:
    graph = GuardedGraph(State, context_schema=Context)
    names = [f"effect{number}" for number in range(EFFECTS)]
    for name in names:
        graph.add_effect(
            name,
            effect,
            read=lambda state: state["prompt"],
            write=lambda state, outcome: {"prompt": _value(outcome)},
            separate=separate,
        )
    return chained(graph, names)


def _value(outcome: Cleared[str] | Blocked | Any) -> str:
    if not isinstance(outcome, Cleared):
        raise TypeError(f"The benchmark's effect should have been cleared: {outcome}")
    return outcome.value


def cpu(work: Callable[[], Any], *, repeats: int) -> float:
    """CPU seconds of the quickest of several calls."""
    best = float("inf")
    for _ in range(repeats):
        gc.collect()
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def cpu_of_runs(cases: dict[str, Callable[[], Awaitable[Any]]], *, runs: int, repeats: int) -> dict[str, float]:
    """CPU seconds of one run of each case; the repeats of the cases are interleaved, so that they share the weather."""

    async def many(case: Callable[[], Awaitable[Any]]) -> float:
        for _ in range(5):
            await case()
        gc.collect()
        begun = time.process_time()
        for _ in range(runs):
            await case()
        return (time.process_time() - begun) / runs

    best = dict.fromkeys(cases, float("inf"))
    for _ in range(repeats):
        for name, case in cases.items():
            best[name] = min(best[name], asyncio.run(many(case)))
    return best


def measure_graphs(runs: int, repeats: int) -> None:
    policies = PolicySet.load()
    office = ClearanceOffice({"k1": secrets.token_bytes(32)}, "k1", policies.version)
    effect = guarded_echo(office, policies)
    graphs = {
        "LangGraph, 1 node an effect": plain_graph(steps=1),
        "LangGraph, 3 nodes an effect": plain_graph(steps=3),
        "LangGraph, 3 nodes, guards called by hand": hand_guarded_graph(effect),
        "GuardedGraph, 1 plain node": guarded_plain_graph(),
        "GuardedGraph, effect, fused": effect_graph(effect, separate=False),
        "GuardedGraph, effect, separate": effect_graph(effect, separate=True),
    }
    context = Context()

    def runner(graph: Any) -> Callable[[], Awaitable[Any]]:
        kwargs = {"context": context} if graph.context_schema else {}
        return lambda: graph.ainvoke({"prompt": PROMPT}, **kwargs)

    async def plain_awaits() -> None:
        for _ in range(EFFECTS):
            await echo(await echo(await echo(PROMPT)))

    async def guarded_awaits() -> None:
        for _ in range(EFFECTS):
            _value(await effect.run(PROMPT, run_id="benchmark"))

    cases = {"plain awaits, 3 an effect": plain_awaits, "guarded awaits (Effect.run)": guarded_awaits}
    cases |= {name: runner(graph) for name, graph in graphs.items()}
    taken = {name: 1e6 * seconds / EFFECTS for name, seconds in cpu_of_runs(cases, runs=runs, repeats=repeats).items()}

    three = taken["LangGraph, 3 nodes an effect"]
    print(f"{'µs of CPU an effect':44s}{'':>9s}{'× LangGraph, 3 nodes':>24s}")
    for name, value in taken.items():
        print(f"  {name:42s}{value:9.1f}{value / three:24.2f}")
    step = taken["LangGraph, 1 node an effect"]
    held = taken["GuardedGraph, 1 plain node"]
    print(f"\nA plain step: LangGraph {step:.0f} µs, GuardedGraph {held:.0f} µs ({held / step:.2f}×)")
    fused = taken["GuardedGraph, effect, fused"] / three
    print(f"A guarded effect costs {fused:.2f}× the same three nodes in plain LangGraph (at most 2.0× is the aim)")


def measure_clearances(repeats: int) -> None:
    policies = PolicySet.load()
    office = ClearanceOffice({"k1": secrets.token_bytes(32)}, "k1", policies.version)
    verdict = _ALLOWED.model_copy(update={"policy_version": policies.version})
    text, image = "x" * 1000, secrets.token_bytes(2_000_000)

    def once(content: Content) -> None:
        office.verify(office.issue(content, verdict, run_id="benchmark"), content, run_id="benchmark")

    rows = [
        ("1 kB of text", 2000, lambda: once(Content(Stage.PROMPT, (TextPart(text),))), text.encode()),
        ("2 MB image", 30, lambda: once(Content(Stage.GENERATOR_OUTPUT, (ImagePart(image),))), image),
    ]
    print(f"\n{'µs of CPU':20s}{'issue + verify':>18s}{'bare SHA-256':>16s}{'ratio':>9s}")
    for name, count, work, data in rows:
        ours = 1e6 * cpu(lambda work=work, count=count: [work() for _ in range(count)], repeats=repeats) / count
        bare = (
            1e6
            * cpu(lambda data=data, count=count: [hashlib.sha256(data).digest() for _ in range(count)], repeats=repeats)
            / count
        )
        print(f"  {name:18s}{ours:18.1f}{bare:16.1f}{ours / bare:9.2f}")
    print("At most 50 µs for 1 kB is the aim. An image is hashed once: verifying it again costs what the text costs.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help="runs of each graph in one repeat")
    parser.add_argument("--repeats", type=int, default=5, help="repeats, of which the quickest counts")
    given = parser.parse_args()
    measure_graphs(given.runs, given.repeats)
    measure_clearances(given.repeats)


if __name__ == "__main__":
    main()
