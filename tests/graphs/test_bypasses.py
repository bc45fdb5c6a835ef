"""Each known way around a guard in LangGraph 1.2, tried against a guarded graph.

The effect is a plain node (`raw`) where the proof is on trial, so that nothing but the graph stands in the way, and a
declared one where the effect's own demand for a clearance is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from langchain_core._api import LangChainDeprecationWarning
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeError, ParentCommand
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.types import Command, Send

from safelight.errors import GraphError, Uncleared, UndeclaredRoute, UnguardedPath
from safelight.graphs.guarded import GuardedGraph
from safelight.tests.graphs.scenes import SECRET, Bench, Context, State

RUN = {"configurable": {"thread_id": "t"}}


def says(word: str) -> Callable[[State], dict[str, Any]]:
    def step(state: State) -> dict[str, Any]:
        return {"log": [word]}

    return step


def base(kind: type[StateGraph[Any, Any, Any, Any]] = GuardedGraph) -> Any:
    """guard, plan, raw (an effect) and out (its review); the ways into raw are the test's own."""
    graph: Any = kind(State)
    graph.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["raw"]})
    graph.add_node("plan", says("plan"))
    graph.add_node("raw", says(SECRET), metadata={"safelight": "effect"})
    graph.add_node("out", says("out"), metadata={"safelight": "review", "for": ["raw"]})
    graph.add_edge("raw", "out")
    graph.add_edge("out", END)
    return graph


def straight() -> Any:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "plan")
    graph.add_edge("plan", "raw")
    return graph


def test_the_honest_graph_runs() -> None:
    assert straight().compile().invoke({"log": []})["log"] == ["guard", "plan", SECRET, "out"]


# ── edges ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_parallel_edge_around_the_guard() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge(START, "plan")
    graph.add_edge("guard", "raw")
    graph.add_edge("plan", "raw")
    with pytest.raises(UnguardedPath, match=r"START → plan → raw \(misses guard\)"):
        graph.compile()


def test_an_and_join_waits_for_the_guard() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge(START, "plan")
    graph.add_edge(["guard", "plan"], "raw")
    assert graph.compile().invoke({"log": []})["log"][-2:] == [SECRET, "out"]


def test_an_and_join_of_one_source_is_an_edge() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_edge(START, "plan")
    graph.add_edge(["plan"], "raw")
    with pytest.raises(UnguardedPath, match="START → plan → raw"):
        graph.compile()


def test_an_and_join_to_the_end_lets_no_output_out() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_node("copy", says("copy"))
    graph.add_edge("raw", "copy")
    graph.add_edge(["copy", "out"], END)
    with pytest.raises(UnguardedPath, match="raw → copy → END"):
        graph.compile()


def test_a_deferred_node_is_a_node_like_any_other() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_node("late", says("late"), defer=True)
    graph.add_edge("raw", "late")
    with pytest.raises(UnguardedPath, match="raw → late → END"):
        graph.compile()


# ── branches ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_branch_without_a_path_map_leads_everywhere() -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_conditional_edges(START, lambda state: "plan")
    with pytest.raises(UnguardedPath, match=r"START → raw \(misses guard\).*pass a path_map"):
        graph.compile()


def test_a_branch_without_a_path_map_behind_all_guards_is_fine() -> None:
    graph = straight()
    graph.add_node("more", says("more"))
    graph.add_conditional_edges("guard", lambda state: "plan", ["plan"])
    assert graph.compile()


@pytest.mark.parametrize("path_map", [["plan"], {"plan": "plan"}, [], {}])
def test_a_branch_sends_past_its_path_map(path_map: Any) -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_conditional_edges(START, lambda state: [Send("raw", {"log": []})], path_map)
    with pytest.raises(UndeclaredRoute, match="routed to 'raw'"):
        graph.compile().invoke({"log": []})


@pytest.mark.parametrize("path_map", [["plan"], [], {}])
def test_a_branch_names_a_node_that_is_not_in_its_path_map(path_map: Any) -> None:
    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_conditional_edges(START, lambda state: "raw", path_map)
    with pytest.raises(UndeclaredRoute, match="chose 'raw'"):
        graph.compile().invoke({"log": []})


async def test_a_lying_literal_on_an_async_branch() -> None:
    async def route(state: State) -> Literal["plan"]:
        return [Send("raw", {"log": []})]  # type: ignore[return-value]

    graph = base()
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_conditional_edges("plan", route)
    graph.add_edge(START, "plan")
    with pytest.raises(UndeclaredRoute):
        await graph.compile().ainvoke({"log": []})


def test_a_branch_after_the_effect_that_may_skip_the_review() -> None:
    graph = straight()
    graph.add_conditional_edges("raw", lambda state: "out", ["out", END])
    with pytest.raises(UnguardedPath, match=r"raw → END \(misses out\)"):
        graph.compile()


def test_a_branch_after_the_effect_that_chooses_nothing() -> None:
    """LangGraph ends the run then, and hands the state out."""
    graph = GuardedGraph(State)
    graph.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["raw"]})
    graph.add_node("raw", says(SECRET), metadata={"safelight": "effect"})
    graph.add_node("out", says("out"), metadata={"safelight": "review", "for": ["raw"]})
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_conditional_edges("raw", lambda state: [], ["out"])
    with pytest.raises(UndeclaredRoute, match="ends the run"):
        graph.compile().invoke({"log": []})


def test_two_routers_that_may_both_choose_nothing() -> None:
    graph = straight()
    graph.edges.discard(("raw", "out"))
    graph.add_conditional_edges("raw", lambda state: [], ["out"])
    graph.add_conditional_edges("raw", says("out"), ["out"])
    with pytest.raises(UnguardedPath, match="raw → END"):
        graph.compile()


# ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────


def unannotated(state: State):  # type: ignore[no-untyped-def]
    return Command(goto="raw", update={"log": ["sneaky"]})


def lying(state: State) -> Command[Literal["guard"]]:
    return Command(goto="raw")


def lying_union(state: State) -> Command[Literal["guard"]] | dict[str, Any]:
    return Command(goto="raw")


def lying_send(state: State) -> Command[Literal["guard"]]:
    return Command(goto=[Send("guard", {}), Send("raw", {"log": []})])


def lying_list(state: State) -> Any:
    return [{"log": ["a"]}, Command(goto="raw")]


def lying_bare_send(state: State) -> Any:
    return Send("raw", {"log": []})


class Sly(str):
    """Looks like one node, is another."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return "raw"


def sly(state: State) -> Command[Literal["guard"]]:
    return Command(goto=Sly("guard"))


@pytest.mark.parametrize("step", [unannotated, lying, lying_union, lying_send, lying_list, lying_bare_send])
async def test_a_command_that_was_not_declared(step: Callable[..., Any]) -> None:
    for is_async in (False, True):
        graph = base()

        async def later(state: State, inner: Callable[..., Any] = step) -> Any:
            return inner(state)

        later.__annotations__ = {**step.__annotations__}
        graph.add_node("step", later if is_async else step)
        graph.add_edge(START, "step")
        graph.add_edge("step", "guard")
        graph.add_edge("guard", "raw")
        compiled = graph.compile()
        with pytest.raises(UndeclaredRoute, match="routed to 'raw'"):
            await compiled.ainvoke({"log": []})


class Bag(list[Any]):
    """A sequence of its own kind, whose commands LangGraph obeys."""


def sly_in_a_bag(state: State) -> Any:
    return Bag([{"log": []}, Command(goto=Sly("guard"))])


@pytest.mark.parametrize("step", [sly, sly_in_a_bag])
def test_a_name_that_formats_as_another(step: Callable[..., Any]) -> None:
    graph = base()
    graph.add_node("sly", step, destinations=("guard",))
    graph.add_edge(START, "sly")
    graph.add_edge("guard", "raw")
    assert graph.compile().invoke({"log": []})["log"] == ["guard", SECRET, "out"]


async def test_routes_that_were_declared_are_taken() -> None:
    """Commands, sends and lists of them; goto END; a branch without a path map, where nothing needs guarding."""
    graph: Any = GuardedGraph(State)
    graph.add_node("first", lambda state: [{"log": ["first"]}, Command(goto="second")], destinations=("second",))
    graph.add_node("second", lambda state: Send("third", {"log": []}), destinations=("third",))
    graph.add_node("third", lambda state: Command(goto=END, update={"log": ["third"]}))
    graph.add_node("late", says("late"))
    graph.add_conditional_edges(START, lambda state: "first")
    graph.add_conditional_edges("third", lambda state: ["late", END])
    assert (await graph.compile().ainvoke({"log": []}))["log"] == ["first", "third", "late"]


def test_a_command_annotated_without_targets_leads_everywhere() -> None:
    def anywhere(state: State) -> Command[Any]:
        return Command(goto="raw")

    graph = base()
    graph.add_node("anywhere", anywhere)
    graph.add_edge(START, "anywhere")
    graph.add_edge("guard", "raw")
    with pytest.raises(UnguardedPath, match=r"START → anywhere → raw \(misses guard\).*destinations"):
        graph.compile()


def test_a_declared_command_is_an_edge_in_the_proof() -> None:
    def honest(state: State) -> Command[Literal["raw"]]:
        return Command(goto="raw")

    graph = base()
    graph.add_node("honest", honest)
    graph.add_edge(START, "honest")
    with pytest.raises(UnguardedPath, match="START → honest → raw"):
        graph.compile()


@pytest.mark.parametrize("destinations", [("guard",), {"guard": "to the guard"}])
def test_destinations_are_held_to(destinations: Any) -> None:
    graph = base()
    graph.add_node("step", unannotated, destinations=destinations)
    graph.add_edge(START, "step")
    graph.add_edge("guard", "raw")
    with pytest.raises(UndeclaredRoute):
        graph.compile().invoke({"log": []})


def test_destinations_are_edges_in_the_proof() -> None:
    graph = base()
    graph.add_node("step", unannotated, destinations=("raw",))
    graph.add_edge(START, "step")
    graph.add_edge("guard", "raw")
    with pytest.raises(UnguardedPath, match="START → step → raw"):
        graph.compile()


def test_a_command_node_after_the_effect_that_goes_nowhere() -> None:
    def idle(state: State) -> Command[Literal["out"]]:
        return Command(update={"log": ["idle"]})

    graph = base()
    graph.edges.discard(("raw", "out"))
    graph.add_node("idle", idle)
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_edge("raw", "idle")
    with pytest.raises(UndeclaredRoute, match="chose none of its routes"):
        graph.compile().invoke({"log": []})


def test_a_send_is_a_choice() -> None:
    graph = base()
    graph.edges.discard(("raw", "out"))
    graph.add_node("router", lambda state: Send("out", {"log": []}), destinations=("out",))
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_edge("raw", "router")
    assert graph.compile().invoke({"log": []})["log"] == ["guard", SECRET, "out"]


# ── error handlers ──────────────────────────────────────────────────────────────────────────────────────────────────


def boom(state: State) -> dict[str, Any]:
    raise ValueError("boom")


def declared_handler(state: State) -> Command[Literal["raw"]]:
    return Command(goto="raw")


def sneaky_handler(state: State):  # type: ignore[no-untyped-def]
    return Command(goto="raw", update={"log": ["handled"]})


def good_handler(state: State) -> Command[Literal["guard"]]:
    return Command(goto="guard")


def with_handler(handler: Callable[..., Any], *, default: bool) -> Any:
    graph = base()
    if default:
        graph.set_node_defaults(error_handler=handler)
    graph.add_node("boom", boom, **({} if default else {"error_handler": handler}))
    graph.add_edge(START, "boom")
    graph.add_edge("boom", "guard")
    graph.add_edge("guard", "raw")
    return graph


async def test_error_handlers() -> None:
    with pytest.raises(UnguardedPath, match=r"START → boom → __error_handler__boom → raw \(misses guard\)"):
        with_handler(declared_handler, default=False).compile()
    with pytest.raises(UndeclaredRoute, match="routed to 'raw'"):
        await with_handler(sneaky_handler, default=False).compile().ainvoke({"log": []})
    compiled = with_handler(good_handler, default=False).compile()
    assert (await compiled.ainvoke({"log": []}))["log"] == ["guard", SECRET, "out"]


async def test_default_error_handlers(bench: Bench, context: Context) -> None:
    with pytest.raises(UnguardedPath, match=r"START → boom → __default_error_handler__ → raw \(misses guard\)"):
        with_handler(declared_handler, default=True).compile()
    for handler in (sneaky_handler, good_handler):
        graph = with_effect(bench, read=lambda state: "hello")
        graph.add_node("raw", says("raw"))
        graph.add_node("guard", says("guard"))
        graph.add_node("boom", boom)
        graph.add_edge("plan", "boom")
        graph.set_node_defaults(error_handler=handler)
        for _ in range(2):  # LangGraph alone cannot compile such a graph twice
            compiled = graph.compile()
        if handler is sneaky_handler:
            with pytest.raises(UndeclaredRoute, match="routed to 'raw'"):
                await compiled.ainvoke({"log": []}, context=context)
        else:
            assert (await compiled.ainvoke({"log": []}, context=context))["log"] == ["plan", "guard"]


def test_a_default_handler_leads_away_from_a_plain_effect() -> None:
    def give_up(state: State) -> dict[str, Any]:
        return {"log": ["gave up"]}

    graph = straight()
    graph.set_node_defaults(error_handler=give_up)
    with pytest.raises(UnguardedPath, match=r"raw → __default_error_handler__ → END"):
        graph.compile()


async def test_a_default_handler_that_does_not_say_where_it_goes() -> None:
    def vague(state: State) -> Command[Any]:
        return Command(goto="raw")

    with pytest.raises(UnguardedPath, match="destinations"):
        with_handler(vague, default=True).compile()


# ── subgraphs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def inner_raw(kind: type[StateGraph[Any, Any, Any, Any]] = StateGraph) -> Any:
    inner: Any = kind(State)
    inner.add_node("raw", says(SECRET), metadata={"safelight": "effect"})
    inner.add_edge(START, "raw")
    return inner


def test_a_subgraph_with_an_unguarded_effect() -> None:
    graph = straight()
    graph.add_node("sub", inner_raw().compile())
    graph.add_edge("guard", "sub")
    with pytest.raises(UnguardedPath, match=r"sub/raw \(misses a check: sub/raw has none\)"):
        graph.compile()


def test_a_guarded_subgraph_is_proved_by_itself() -> None:
    with pytest.raises(UnguardedPath, match=r"START → raw"):
        inner_raw(GuardedGraph).compile()


def test_a_subgraph_whose_effect_is_guarded_outside() -> None:
    graph = GuardedGraph(State)
    graph.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["sub/raw"]})
    graph.add_node("sub", inner_raw().compile())
    graph.add_node("out", says("out"), metadata={"safelight": "review", "for": ["sub/raw"]})
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "sub")
    graph.add_edge("sub", "out")
    compiled = graph.compile()
    assert "sub/raw is reached only through guard, and left only through out" in str(compiled.proof)
    assert compiled.invoke({"log": []})["log"][-1] == "out"
    graph.add_edge(START, "sub")
    with pytest.raises(UnguardedPath, match=r"START → sub → sub/raw \(misses guard\)"):
        graph.compile()


def test_a_plain_subgraph_is_held_to_its_routes() -> None:
    inner: Any = StateGraph(State)
    inner.add_node("liar", lambda state: Command(goto="raw"))
    inner.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["raw"]})
    inner.add_node("raw", says(SECRET), metadata={"safelight": "effect"})
    inner.add_node("out", says("out"), metadata={"safelight": "review", "for": ["raw"]})
    inner.add_edge(START, "liar")
    inner.add_edge("liar", "guard")
    inner.add_edge("guard", "raw")
    inner.add_edge("raw", "out")
    plain = inner.compile()
    assert SECRET in plain.invoke({"log": []})["log"][:2]  # LangGraph alone obeys
    graph = GuardedGraph(State)
    graph.add_node("sub", plain)
    graph.add_edge(START, "sub")
    with pytest.raises(UndeclaredRoute, match="'liar' routed to 'raw'"):
        graph.compile().invoke({"log": []})


def call(graph: Any) -> Callable[[State], dict[str, Any]]:
    def step(state: State) -> dict[str, Any]:
        return {"log": graph.invoke({"log": []})["log"]}

    return step


def test_a_plain_subgraph_that_a_function_calls() -> None:
    """Nothing can hold it to its routes there, so its nodes are taken to lead anywhere."""
    inner: Any = StateGraph(State)
    inner.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["raw"]})
    inner.add_node("raw", says(SECRET), metadata={"safelight": "effect"})
    inner.add_node("out", says("out"), metadata={"safelight": "review", "for": ["raw"]})
    inner.add_edge(START, "guard")
    inner.add_edge("guard", "raw")
    inner.add_edge("raw", "out")
    graph = GuardedGraph(State)
    graph.add_node("caller", call(inner.compile()))
    graph.add_edge(START, "caller")
    with pytest.raises(UnguardedPath, match=r"caller/raw → .*build that subgraph with GuardedGraph"):
        graph.compile()


def test_a_guarded_subgraph_that_a_function_calls() -> None:
    graph = GuardedGraph(State)
    graph.add_node("caller", call(straight().compile()))
    graph.add_edge(START, "caller")
    compiled = graph.compile()
    assert "caller/raw is reached only through caller/guard" in str(compiled.proof)
    assert compiled.invoke({"log": []})["log"] == ["guard", "plan", SECRET, "out"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda graph: RunnableLambda(lambda state: state) | graph,
        lambda graph: RunnableParallel(log=graph, other=RunnableLambda(lambda state: state)),
        lambda graph: (RunnableLambda(lambda state: state) | graph).with_config(tags=["x"]),
        lambda graph: RunnableLambda(call(graph)),
    ],
)
def test_a_subgraph_inside_a_runnable(wrap: Callable[[Any], Any]) -> None:
    graph = GuardedGraph(State)
    graph.add_node("caller", wrap(inner_raw().compile()))
    graph.add_edge(START, "caller")
    with pytest.raises(UnguardedPath, match=r"caller/raw"):
        graph.compile()


def test_a_plain_subgraph_with_a_default_handler_is_enforced_as_well() -> None:
    def handle(state: State, error: NodeError) -> dict[str, Any]:
        return {"log": [f"{error.node}: {error.error}"]}

    inner = inner_raw()
    inner.add_node("boom", boom)
    inner.add_edge(START, "boom")
    inner.set_node_defaults(error_handler=handle)
    graph = GuardedGraph(State)
    graph.add_node("guard", says("guard"), metadata={"safelight": "check", "for": ["sub/raw"]})
    graph.add_node("sub", inner.compile())
    graph.add_node("out", says("out"), metadata={"safelight": "review", "for": ["sub/raw"]})
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "sub")
    graph.add_edge("sub", "out")
    assert "boom: boom" in graph.compile().invoke({"log": []})["log"]


def jumper(*targets: str, **options: Any) -> Any:
    """A subgraph that jumps into its parent."""

    def jump(state: State) -> Command[Any]:
        return Command(graph=Command.PARENT, goto="raw", update={"log": ["jumped"]})

    jump.__annotations__.pop("return")
    inner: Any = GuardedGraph(State) if targets else StateGraph(State)
    inner.add_node("jump", jump, **({"parent_destinations": targets} if targets else {}), **options)
    inner.add_edge(START, "jump")
    return inner.compile()


def parent_of(sub: Any, **options: Any) -> Any:
    graph = base()
    graph.add_node("sub", sub, **options)
    graph.add_edge(START, "sub")
    graph.add_edge("sub", "guard")
    graph.add_edge("guard", "raw")
    return graph


def test_a_jump_to_the_parent_that_was_not_declared() -> None:
    with pytest.raises(UndeclaredRoute, match="routed to 'raw'"):
        parent_of(jumper()).compile().invoke({"log": []})  # a plain subgraph: the parent stops it
    with pytest.raises(UndeclaredRoute, match="of the parent graph"):
        parent_of(jumper("guard")).compile().invoke({"log": []})  # a guarded one stops itself


def test_a_jump_to_the_parent_that_was_declared_is_an_edge() -> None:
    with pytest.raises(UnguardedPath, match=r"START → sub.* → raw"):
        parent_of(jumper("raw")).compile()
    with pytest.raises(UnguardedPath, match=r"START → sub → raw"):
        parent_of(jumper(), destinations=("raw",)).compile()


async def test_a_jump_that_all_declared_is_made() -> None:
    for kind in (GuardedGraph, StateGraph):
        graph = base(kind)
        graph.add_node("sub", jumper("raw"))
        graph.add_edge(START, "guard")
        graph.add_edge("guard", "sub")
        graph.edges.discard(("plan", "raw"))
        for result in (graph.compile().invoke({"log": []}), await graph.compile().ainvoke({"log": []})):
            assert result["log"] == ["guard", "jumped", SECRET, "out"]


def test_a_route_to_nowhere() -> None:
    graph = base()
    graph.add_edge(START, "plan")
    graph.add_node("sub", jumper("nowhere"))
    with pytest.raises(GraphError, match="declares a route to 'nowhere'"):
        graph.compile()


def test_a_jump_to_a_graph_that_is_not_there_goes_nowhere() -> None:
    def raiser(state: State) -> dict[str, Any]:
        raise ParentCommand(Command(graph="elsewhere", goto="raw"))

    graph = straight()
    graph.add_node("raiser", raiser)
    graph.add_edge("guard", "raiser")
    with pytest.raises(ParentCommand):
        graph.compile().invoke({"log": []})


@pytest.mark.parametrize("command", [Command(graph="raiser", goto="raw"), Command(graph=Command.PARENT, goto="raw")])
async def test_a_node_that_raises_the_jump_itself(command: Any) -> None:
    def raiser(state: State) -> dict[str, Any]:
        raise ParentCommand(command)

    graph = base()
    graph.add_node("raiser", raiser)
    graph.add_edge(START, "raiser")
    graph.add_edge("raiser", "guard")
    graph.add_edge("guard", "raw")
    with pytest.raises(UndeclaredRoute):
        graph.compile().invoke({"log": []})
    with pytest.raises(UndeclaredRoute):
        await graph.compile().ainvoke({"log": []})


# ── callers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

JUMPS = [
    Command(goto="raw"),
    Command(goto=Send("raw", {"log": []})),
    Command(update={"log": ["x"]}),
    Command(resume="yes", goto="raw"),
    Command(graph="raw", resume="yes"),
    Send("raw", {"log": []}),
    [Command(goto="raw")],
    ({"log": []}, Send("raw", {})),
]


@pytest.mark.parametrize("jump", JUMPS, ids=repr)
@pytest.mark.parametrize("saver", [None, InMemorySaver()])
async def test_a_caller_cannot_jump(jump: Any, saver: Any) -> None:
    compiled = straight().compile(checkpointer=saver)
    with pytest.raises(GraphError, match="around the guards"):
        compiled.invoke(jump, RUN)
    with pytest.raises(GraphError, match="around the guards"):
        await compiled.ainvoke(jump, RUN)
    with pytest.raises(GraphError, match="around the guards"):
        list(compiled.stream(jump, RUN))
    with pytest.raises(GraphError, match="around the guards"):
        [part async for part in compiled.astream(jump, RUN)]
    with pytest.raises(GraphError, match="around the guards"):
        compiled.batch([jump], RUN)
    with pytest.raises(GraphError, match="around the guards"):
        await compiled.with_config(tags=["x"]).ainvoke(jump, RUN)


async def test_a_caller_cannot_write_the_state() -> None:
    compiled = straight().compile(checkpointer=InMemorySaver())
    for attempt in (
        lambda: compiled.update_state(RUN, {"log": ["x"]}, as_node="guard"),
        lambda: compiled.bulk_update_state(RUN, []),
    ):
        with pytest.raises(GraphError, match="not written from outside"):
            attempt()
    with pytest.raises(GraphError, match="not written from outside"):
        await compiled.aupdate_state(RUN, {"log": ["x"]}, as_node="guard")
    with pytest.raises(GraphError, match="not written from outside"):
        await compiled.abulk_update_state(RUN, [])
    with pytest.raises(GraphError, match="not written from outside"):
        CompiledStateGraph.update_state(compiled, RUN, {"log": ["x"]}, as_node="guard")


# ── mutation after the proof ────────────────────────────────────────────────────────────────────────────────────────


def clear_writers(compiled: Any) -> None:
    compiled.nodes["guard"].writers.clear()


def exchange_bound(compiled: Any) -> None:
    compiled.nodes["guard"].bound = compiled.nodes["raw"].bound


def exchange_what_runs(compiled: Any) -> None:
    compiled.nodes["guard"].__dict__["node"] = compiled.nodes["raw"].node


def add_trigger(compiled: Any) -> None:
    compiled.nodes["raw"].triggers.append("branch:to:guard")


def remove_node(compiled: Any) -> None:
    del compiled.nodes["out"]


def exchange_handler(compiled: Any) -> None:
    compiled.node_error_handler_map = {"guard": "raw"}


def set_pause(compiled: Any) -> None:
    compiled.interrupt_before_nodes = ["out"]


@pytest.mark.parametrize(
    "change", [clear_writers, exchange_bound, exchange_what_runs, add_trigger, remove_node, exchange_handler, set_pause]
)
async def test_a_graph_changed_after_its_proof_does_not_run(change: Callable[[Any], None]) -> None:
    compiled = straight().compile()
    change(compiled)
    with pytest.raises(GraphError, match="changed after it was proved"):
        await compiled.ainvoke({"log": []})


def test_changes_to_the_builder_leave_the_compiled_graph_alone() -> None:
    graph = straight()
    compiled = graph.compile()
    graph.add_edge(START, "raw")
    graph.nodes["guard"].runnable = graph.nodes["raw"].runnable
    compiled.builder.edges.add((START, "raw"))
    assert compiled.invoke({"log": []})["log"] == ["guard", "plan", SECRET, "out"]
    with pytest.raises(UnguardedPath):
        graph.compile()


# ── pauses and streams ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pause", [{"interrupt_before": ["out"]}, {"interrupt_after": ["raw"]}, {"interrupt_before": "*"}]
)
async def test_a_pause_between_an_effect_and_its_review_hands_out_raw_output(pause: Any) -> None:
    with pytest.raises(UnguardedPath, match=r"raw → END \(misses out\)"):
        straight().compile(checkpointer=InMemorySaver(), **pause)
    compiled = straight().compile(checkpointer=InMemorySaver())
    with pytest.raises(UnguardedPath, match=r"raw → END \(misses out\)"):
        await compiled.ainvoke({"log": []}, RUN, **pause)


async def test_a_pause_elsewhere_is_fine() -> None:
    compiled = straight().compile(checkpointer=InMemorySaver(), interrupt_before=["raw"])
    assert (await compiled.ainvoke({"log": []}, RUN))["log"] == ["guard", "plan"]
    assert (await compiled.ainvoke(None, RUN))["log"][-1] == "out"
    other = straight().compile(checkpointer=InMemorySaver())
    assert (await other.ainvoke({"log": []}, RUN, interrupt_after=["plan"]))["log"] == ["guard", "plan"]


async def test_an_interrupt_between_an_effect_and_its_review_keeps_the_state_back() -> None:
    from langgraph.types import interrupt

    def ask(state: State) -> dict[str, Any]:
        return {"log": [interrupt({"question": "go on?"})]}

    graph = base()
    graph.edges.discard(("raw", "out"))
    graph.add_node("ask", ask)
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "raw")
    graph.add_edge("raw", "ask")
    graph.add_edge("ask", "out")
    compiled = graph.compile(checkpointer=InMemorySaver())
    paused = await compiled.ainvoke({"log": []}, RUN)
    assert set(paused) == {"__interrupt__"}
    again = {"configurable": {"thread_id": "u"}}
    second = await compiled.ainvoke({"log": []}, again, version="v2")
    assert second.value is None
    assert second.interrupts
    done = await compiled.ainvoke(Command(resume="yes"), RUN)
    assert done["log"] == ["guard", SECRET, "yes", "out"]


@pytest.mark.parametrize(
    "mode", ["updates", "values", "tasks", "debug", "checkpoints", "messages", ["custom", "tasks"]]
)
async def test_streams_that_leak_are_refused(mode: Any) -> None:
    compiled = straight().compile(checkpointer=InMemorySaver())
    for attempt in (
        lambda: compiled.stream({"log": []}, RUN, stream_mode=mode),
        lambda: compiled.astream({"log": []}, RUN, stream_mode=mode),
        lambda: (
            compiled.invoke({"log": []}, RUN, stream_mode=mode)
            if mode != "values"
            else compiled.stream({"log": []}, RUN, stream_mode="values")
        ),
    ):
        with pytest.raises(GraphError, match="no guard has seen"):
            attempt()
    with pytest.raises(GraphError, match="no guard has seen"):
        await compiled.ainvoke({"log": []}, RUN, stream_mode=mode) if mode != "values" else compiled.astream_log({})


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_event_streams_are_refused(version: Any) -> None:
    compiled = straight().compile()
    with pytest.raises(GraphError, match="no guard has seen"):
        compiled.astream_events({"log": []}, version=version)
    with pytest.raises(GraphError, match="no guard has seen"):
        compiled.stream_events({"log": []}, version=version)


@pytest.mark.parametrize("option", [{"print_mode": "updates"}, {"debug": True}])
def test_printing_steps_is_refused(option: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GraphError, match="no guard has seen"):
        straight().compile().invoke({"log": []}, **option)
    assert SECRET not in capsys.readouterr().out
    with pytest.raises(GraphError, match="no guard has seen"):
        straight().compile(debug=True)


async def test_unvetted_streams_can_be_asked_for() -> None:
    compiled = straight().compile(allow_unvetted=True)
    assert SECRET in str(list(compiled.stream({"log": []}, stream_mode="updates")))
    assert SECRET in str([event async for event in compiled.astream_events({"log": []}, version="v2")])
    with pytest.warns(LangChainDeprecationWarning):
        assert SECRET in str([patch async for patch in compiled.astream_log({"log": []})])
    with pytest.raises(NotImplementedError):
        list(compiled.stream_events({"log": []}, version="v2"))  # LangGraph has none; ours lets the call through


async def test_the_default_stream_carries_only_what_nodes_say() -> None:
    from langgraph.runtime import Runtime

    def tell(state: State, runtime: Runtime[None]) -> dict[str, Any]:
        runtime.stream_writer({"event": "planned"})
        return {}

    graph = straight()
    graph.add_node("tell", tell)
    graph.add_edge("guard", "tell")
    graph.add_edge("tell", "raw")
    compiled = graph.compile()
    assert list(compiled.stream({"log": []})) == [{"event": "planned"}]
    assert [part async for part in compiled.astream({"log": []})] == [{"event": "planned"}]


# ── where all that is circumvented, the effect itself demands the clearance ─────────────────────────────────────────


def with_effect(bench: Bench, **options: Any) -> Any:
    graph: Any = GuardedGraph(State, context_schema=Context)
    graph.add_effect(
        "shout",
        bench.effect(),
        **{"read": lambda state: state.get("prompt", "bad"), **options},
        write=lambda state, outcome: {"out": [type(outcome).__name__]},
    )
    graph.add_node("plan", says("plan"))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "shout")
    graph.add_edge("shout", END)
    return graph


async def test_langgraph_reached_from_below_still_meets_the_guards(bench: Bench, context: Context) -> None:
    """`Pregel`'s own methods jump anywhere: a fused effect brings its guards along."""
    compiled = with_effect(bench).compile()
    parts = [
        part
        async for part in Pregel.astream(
            compiled, Command(goto=Send("shout", {"prompt": "bad"})), context=context, stream_mode="updates"
        )
    ]
    assert {"shout": {"out": ["Blocked"]}} in parts
    assert "bad" not in bench.calls


async def test_a_separate_effect_reached_from_below_demands_its_ticket(bench: Bench, context: Context) -> None:
    compiled = with_effect(bench, separate=True).compile()
    for packet in ({"prompt": "hello"}, {"ticket": 7, "state": {}}, {"ticket": "x"}):
        for node in ("shout", "shout.review"):
            with pytest.raises(Uncleared, match="without its check"):
                async for _ in Pregel.astream(compiled, Command(goto=Send(node, packet)), context=context):
                    pass
    assert bench.calls == []


async def test_a_separate_effect_with_a_ticket_that_was_made_up_goes_back_to_its_check(
    bench: Bench, context: Context
) -> None:
    compiled = with_effect(bench, separate=True).compile()
    packet = {"ticket": "made-up", "state": {"prompt": "bad"}}
    for node in ("shout", "shout.review"):
        parts = [
            part
            async for part in Pregel.astream(
                compiled, Command(goto=Send(node, packet)), context=context, stream_mode="updates"
            )
        ]
        assert {"shout.review": {"out": ["Blocked"]}} in parts
    assert bench.calls == []


async def test_a_ticket_used_out_of_place(bench: Bench, context: Context) -> None:
    """A ticket of the effect at the effect, or of the check at the review: the steps are not exchangeable."""
    graph = with_effect(bench, separate=True)
    declared = graph.declared_effects["shout"]
    compiled = graph.compile()
    runtime: Any = type("R", (), {"context": context, "execution_info": None})()
    checked = (await declared.check({"prompt": "hello"}, runtime)).goto.arg
    with pytest.raises(Uncleared, match="past the effect"):
        await declared.review(checked, runtime)
    produced = (await declared.act(checked, runtime)).goto.arg
    with pytest.raises(Uncleared, match="does not come from its check"):
        await declared.act(produced, runtime)
    assert SECRET not in str(produced)
    assert compiled.proof


async def test_a_stale_checkpoint_brings_no_stale_verdict(bench: Bench, context: Context) -> None:
    """Resumed or forked from before the effect: the check runs again, under what is in force now."""
    compiled = with_effect(bench).compile(checkpointer=InMemorySaver(), interrupt_before=["shout"])
    await compiled.ainvoke({"prompt": "hello"}, RUN, context=context)
    bench.words.banned = "hello"
    assert (await compiled.ainvoke(None, RUN, context=context))["out"] == ["Blocked"]
    history = [snapshot.config async for snapshot in compiled.aget_state_history(RUN)]
    for config in history:
        result = await compiled.ainvoke(None, config, context=context)
        assert "Cleared" not in result.get("out", [])
    assert bench.calls == []
