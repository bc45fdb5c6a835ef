"""Work beside its check as a step of a graph: what is proved of it, what leaves, and how soon a refusal is back."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt

from safelight.errors import GraphError, UnguardedPath
from safelight.graphs import END, START, GuardedGraph
from safelight.graphs.drawing import draw_mermaid
from safelight.safety.content import Content, Stage
from safelight.safety.guard import Blocked, Cleared
from safelight.tests.graphs.scenes import Bench, Context, State

Outcome = Cleared[Content] | Blocked


def checked(bench: Bench, *, seconds: float = 0.0) -> Any:
    async def check(state: State, runtime: Runtime[Context]) -> Outcome:
        await asyncio.sleep(seconds)
        content = Content.of_text(Stage.TOOL_CALL, state["prompt"])
        return await bench.guard.check(content, run_id=runtime.context.run_id)

    return check


def written(state: State, outcome: Outcome) -> State:
    return {"log": ["refused" if isinstance(outcome, Blocked) else "cleared"]}


async def plan(state: State) -> State:
    return {"log": ["planned"]}


def built(bench: Bench, work: Any = plan, *, check: Any = None, guards: tuple[str, ...] = ("shout",)) -> Any:
    graph = GuardedGraph(State, context_schema=Context)
    graph.add_speculative("plan", check=check or checked(bench), work=work, write=written, guards=list(guards))
    graph.add_effect(
        "shout",
        bench.effect(),
        read=lambda state: state["prompt"],
        write=lambda state, outcome: {"out": [type(outcome).__name__]},
    )
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", lambda state: END if "refused" in state["log"] else "shout", ["shout", END])
    graph.add_edge("shout", END)
    return graph


async def test_a_yes_writes_both_updates_and_goes_on(bench: Bench, context: Context) -> None:
    state = await built(bench).compile().ainvoke({"prompt": "a fox"}, context=context)
    assert state["log"] == ["cleared", "planned"]
    assert state["out"] == ["Cleared"]


async def test_a_no_is_back_at_once_and_nothing_was_called(bench: Bench, context: Context) -> None:
    cancelled = asyncio.Event()

    async def forever(state: State) -> State:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()
        return {"log": ["planned"]}

    graph = built(bench, forever, check=checked(bench, seconds=0.03)).compile()
    begun = time.perf_counter()
    state = await graph.ainvoke({"prompt": "bad"}, context=context)
    assert time.perf_counter() - begun < 5
    assert state["log"] == ["refused"]
    assert bench.calls == []
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_nothing_is_streamed_before_the_yes_and_nothing_at_all_after_a_no(bench: Bench, context: Context) -> None:
    order: list[str] = []

    async def check(state: State, runtime: Runtime[Context]) -> Outcome:
        await asyncio.sleep(0.05)
        order.append("verdict")
        return await checked(bench)(state, runtime)  # type: ignore[no-any-return]

    async def think(state: State, runtime: Runtime[Context]) -> State:
        runtime.stream_writer({"thought": f"about {state['prompt']}"})
        get_stream_writer()({"thought": "looked up"})
        await asyncio.to_thread(runtime.stream_writer, {"thought": "from a thread"})
        inner = GuardedGraph(State, context_schema=Context)

        async def inside(state: State, runtime: Runtime[Context]) -> State:
            runtime.stream_writer({"thought": "in a graph"})
            return {}

        inner.add_node("inside", inside)
        inner.add_edge(START, "inside")
        await inner.compile().ainvoke(state, context=context)
        return {"log": ["planned"]}

    graph = built(bench, think, check=check).compile()
    for prompt, expected in (("a fox", ["about a fox", "looked up", "from a thread"]), ("bad", [])):
        order.clear()
        seen = []
        async for chunk in graph.astream({"prompt": prompt}, context=context, subgraphs=True):
            assert order == ["verdict"], "something came before the verdict"
            seen.append(chunk[1]["thought"])
        assert seen == expected


async def test_an_effect_in_the_work_waits_for_the_verdict(bench: Bench, context: Context) -> None:
    search = bench.effect()

    async def search_ahead(state: State) -> State:
        await search.run("a harmless query", run_id="run-1")
        return {"log": ["planned"]}

    graph = built(bench, search_ahead, check=checked(bench, seconds=0.1)).compile()
    await graph.ainvoke({"prompt": "bad"}, context=context)
    assert bench.calls == []
    await graph.ainvoke({"prompt": "a fox"}, context=context)
    assert bench.calls == ["a harmless query", "a fox"]


async def test_blocking_work_runs_in_a_thread(bench: Bench, context: Context) -> None:
    def slow(state: State) -> State:
        time.sleep(0.2)
        return {"log": ["planned"]}

    begun = time.perf_counter()
    state = await built(bench, slow).compile().ainvoke({"prompt": "bad"}, context=context)
    assert time.perf_counter() - begun < 0.19, "the refusal waited for a thread"
    assert state["log"] == ["refused"]


@pytest.mark.parametrize("answer", [True, None, {"decision": "allow"}, "allow"])
async def test_a_check_that_gives_no_outcome_is_a_broken_one(bench: Bench, context: Context, answer: Any) -> None:
    with pytest.raises(GraphError, match=r"Guard\.check"):
        await built(bench, check=lambda state: answer).compile().ainvoke({"prompt": "a fox"}, context=context)


@pytest.mark.parametrize("found", [Command(goto="shout"), [Command(goto="shout")], Send("shout", {})])
async def test_the_work_may_not_route(bench: Bench, context: Context, found: Any) -> None:
    async def jump(state: State) -> Any:
        return found

    with pytest.raises(GraphError, match="no routes"):
        await built(bench, jump).compile().ainvoke({"prompt": "a fox"}, context=context)


async def test_the_work_may_not_interrupt_and_the_check_may(bench: Bench, context: Context) -> None:
    async def ask(state: State) -> State:
        interrupt("may I?")
        return {}

    thread: Any = {"configurable": {"thread_id": "t"}}
    with pytest.raises(GraphError, match="may not interrupt"):
        await built(bench, ask).compile(InMemorySaver()).ainvoke({"prompt": "a fox"}, thread, context=context)

    async def reviewed(state: State, runtime: Runtime[Context]) -> Outcome:
        outcome = await checked(bench)(state, runtime)
        assert interrupt("look at this") == "go"
        return outcome  # type: ignore[no-any-return]

    graph = built(bench, check=reviewed).compile(InMemorySaver())
    paused = await graph.ainvoke({"prompt": "a fox"}, thread, context=context)
    assert paused["__interrupt__"][0].value == "look at this"
    assert "log" not in paused or paused["log"] == []
    state = await graph.ainvoke(Command(resume="go"), thread, context=context)
    assert state["log"] == ["cleared", "planned"]
    assert bench.calls == ["a fox"]


# -- what is proved --------------------------------------------------------------------------------------------------


def test_the_proof_counts_the_check(bench: Bench) -> None:
    compiled = built(bench).compile()
    assert "shout is reached only through plan.check and shout.check" in str(compiled.proof)
    drawn = draw_mermaid(compiled)
    assert all(name in drawn for name in ("plan.check", "plan.work", "plan.verdict"))


def test_a_way_around_the_speculation_is_found(bench: Bench) -> None:
    graph = built(bench)
    graph.add_conditional_edges(START, lambda state: "plan", ["plan", "shout"])
    with pytest.raises(UnguardedPath, match=r"misses plan\.check") as caught:
        graph.compile()
    assert caught.value.path[-1] == "shout"


def test_a_loop_through_the_speculation_is_judged_anew_each_time(bench: Bench) -> None:
    graph = GuardedGraph(State, context_schema=Context)
    graph.add_speculative("plan", check=checked(bench), work=plan, write=written, guards=["shout"])
    graph.add_effect("shout", bench.effect(), read=lambda state: "", write=lambda state, outcome: {})

    async def again(state: State) -> Command[Literal["plan", "__end__"]]:
        return Command(goto=END)

    graph.add_node("again", again)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", lambda state: END, ["shout", END])
    graph.add_edge("shout", "again")
    graph.compile()


def test_work_that_reaches_a_guarded_graph_is_refused(bench: Bench) -> None:
    inner = built(bench).compile()

    async def deep(state: State) -> State:
        await inner.ainvoke(state)
        return {}

    with pytest.raises(GraphError, match="ahead of its verdict"):
        built(bench, deep).compile()


@pytest.mark.parametrize(
    ("guards", "options", "match"),
    [([], {}, "what it guards"), ("shout", {}, "what it guards"), (["shout"], {"cache_policy": object()}, "cached")],
)
def test_what_cannot_be_declared(bench: Bench, guards: Any, options: dict[str, Any], match: str) -> None:
    graph = GuardedGraph(State, context_schema=Context)
    with pytest.raises(GraphError, match=match):
        graph.add_speculative("plan", check=checked(bench), work=plan, write=written, guards=guards, **options)


def test_a_guard_of_nothing_is_refused(bench: Bench) -> None:
    with pytest.raises(GraphError, match="no effect of this graph"):
        built(bench, guards=("shout", "nobody")).compile()


def test_as_a_subgraph_it_is_laid_flat(bench: Bench) -> None:
    outer = GuardedGraph(State, context_schema=Context)
    outer.add_node("inner", built(bench).compile())
    outer.add_edge(START, "inner")
    outer.add_edge("inner", END)
    assert "inner/plan.check" in str(outer.compile().proof)
