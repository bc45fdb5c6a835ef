"""`GuardedGraph` in use: what a `StateGraph` user keeps, and how effects behave in runs."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.errors import GraphRecursionError, NodeTimeoutError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import CachePolicy, Command, RetryPolicy, Send, interrupt

from safelight.errors import GeneratorError, GraphError, StoreError, Uncleared, UnguardedPath
from safelight.graphs.guarded import CompiledGuardedGraph, EffectError, GuardedGraph, Vault
from safelight.tests.graphs.scenes import SECRET, Bench, Context, State

RUN: Any = {"configurable": {"thread_id": "t"}}


def write(state: Any, outcome: Any) -> dict[str, Any]:
    return {"out": [type(outcome).__name__], "log": [getattr(outcome, "value", "") or getattr(outcome, "message", "")]}


def fan_out(state: State) -> list[Send]:
    return [Send("shout", {"prompt": word}) for word in state["prompt"].split("|")]


def build(bench: Bench, **options: Any) -> Any:
    """plan fans out over the words of the prompt; what comes back is joined by `after`."""
    graph: Any = GuardedGraph(State, context_schema=Context)
    graph.add_node("plan", lambda state: {"log": ["plan"]})
    settings = {"effect": bench.effect(), "read": lambda state: state["prompt"], "write": write, **options}
    graph.add_effect("shout", **settings)
    graph.add_node("after", lambda state: {"log": ["after"]})
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", fan_out, ["shout"])
    graph.add_edge("shout", "after")
    graph.add_edge("after", END)
    return graph


# ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("separate", [False, True])
async def test_one_branch_each_for_cleared_blocked_and_failed(bench: Bench, context: Context, separate: bool) -> None:
    compiled = build(bench, separate=separate).compile()
    result = await compiled.ainvoke({"prompt": "hello|bad|turns|fail"}, context=context)
    assert result["out"] == ["Cleared", "Blocked", "Blocked", "EffectError"]
    assert result["log"] == ["plan", f"{SECRET} hello", "", "", "shout failed (RuntimeError).", "after"]
    assert bench.calls == ["hello", "turns", "fail"]  # a block in front costs nothing


@pytest.mark.parametrize("separate", [False, True])
async def test_raw_output_reaches_neither_streams_nor_checkpoints(
    bench: Bench, context: Context, separate: bool, tmp_path: Path
) -> None:
    """Not even those that are compiled to be unvetted: what is blocked was never in the state."""
    path = tmp_path / "checkpoints.db"
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        compiled = build(bench, separate=separate).compile(checkpointer=saver, allow_unvetted=True)
        modes = ["values", "updates", "tasks", "checkpoints", "debug", "messages", "custom"]
        parts = [
            str(part)
            async for part in compiled.astream({"prompt": "turns|fail"}, RUN, context=context, stream_mode=modes)
        ]
    assert bench.calls == ["turns", "fail"]
    assert len(parts) > 10
    assert not [part for part in parts if SECRET in part]
    dump = "".join(str(row) for row in sqlite3.connect(path).execute("select * from checkpoints"))
    dump += "".join(str(row) for row in sqlite3.connect(path).execute("select * from writes"))
    assert "turns" in dump
    assert SECRET not in dump


async def test_read_and_write_may_be_async_and_take_the_runtime(bench: Bench, context: Context) -> None:
    async def read(state: Any, runtime: Runtime[Context]) -> str:
        return f"{state['prompt']} {runtime.context.run_id}"

    async def write_late(state: Any, outcome: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        return {"log": [f"{outcome.value} by {runtime.context.run_id} of {state['prompt']}"]}

    compiled = build(bench, read=read, write=write_late).compile()
    result = await compiled.ainvoke({"prompt": "hello"}, context=context)
    assert f"{SECRET} hello run-1 by run-1 of hello" in result["log"]


async def test_read_and_write_may_take_anything(bench: Bench, context: Context) -> None:
    compiled = build(bench, read=lambda *given: given[0]["prompt"], write=lambda *given: {"log": [str(len(given))]})
    assert (await compiled.compile().ainvoke({"prompt": "hello"}, context=context))["log"] == ["plan", "3", "after"]


async def test_the_run_is_known_to_every_clearance(bench: Bench) -> None:
    outcomes: list[Any] = []

    def keep(state: Any, outcome: Any) -> dict[str, Any]:
        outcomes.append(outcome)
        return {}

    await build(bench, write=keep).compile().ainvoke({"prompt": "hello"}, context=Context("run-7"))
    own = build(bench, write=keep, run_id=lambda state, runtime: f"run-{state['prompt']}")
    await own.compile().ainvoke({"prompt": "hello"}, context=Context("run-7"))
    assert [outcome.clearance.run_id for outcome in outcomes] == ["run-7", "run-hello"]
    mapping: Any = GuardedGraph(State, context_schema=dict)
    mapping.add_effect("shout", bench.effect(), read=lambda state: "hello", write=keep)
    mapping.add_edge(START, "shout")
    await mapping.compile().ainvoke({}, context={"run_id": "run-9"})
    assert outcomes[-1].clearance.run_id == "run-9"
    with pytest.raises(GraphError, match="give the context a `run_id`"):
        await mapping.compile().ainvoke({}, context={})


async def test_an_error_record_says_what_is_fit_to_be_shown(bench: Bench, context: Context) -> None:
    caught: list[EffectError] = []

    def keep(state: Any, outcome: Any) -> dict[str, Any]:
        caught.append(outcome)
        return {}

    async def refuse(value: str) -> str:
        raise GeneratorError("The generator is overloaded.", retryable=True, charged=False, code="overloaded")

    await build(bench, effect=bench.effect(refuse), write=keep).compile().ainvoke({"prompt": "x"}, context=context)
    await build(bench, write=keep).compile().ainvoke({"prompt": "fail"}, context=context)
    ours, foreign = caught
    assert (ours.message, ours.retryable, ours.charged, ours.code) == (
        "The generator is overloaded.",
        True,
        False,
        "overloaded",
    )
    assert SECRET not in repr(foreign)
    assert SECRET in str(foreign.cause)
    assert (foreign.kind, foreign.retryable, foreign.charged, foreign.code) == ("RuntimeError", False, None, None)


@pytest.mark.parametrize("error", [StoreError("the disk is full"), Uncleared("tampered"), GraphError("wired wrongly")])
@pytest.mark.parametrize("separate", [False, True])
async def test_broken_machinery_stops_the_run(bench: Bench, context: Context, error: Exception, separate: bool) -> None:
    async def broken(value: str) -> str:
        raise error

    with pytest.raises(type(error)):
        await (
            build(bench, effect=bench.effect(broken), separate=separate)
            .compile()
            .ainvoke({"prompt": "x"}, context=context)
        )


async def test_a_run_that_the_store_stopped_can_be_resumed(bench: Bench, context: Context) -> None:
    full = [True]

    async def flaky(value: str) -> str:
        bench.calls.append(value)
        if value == "b" and full:
            raise StoreError("the disk is full")
        return value

    compiled = build(bench, effect=bench.effect(flaky)).compile(checkpointer=InMemorySaver())
    with pytest.raises(StoreError):
        await compiled.ainvoke({"prompt": "a|b"}, RUN, context=context)
    full.clear()
    result = await compiled.ainvoke(None, RUN, context=context)
    assert result["out"] == ["Cleared", "Cleared"]


@pytest.mark.parametrize("where", ["moderator", "tool"])
async def test_cancellation_passes_through(bench: Bench, context: Context, where: str) -> None:
    reached = asyncio.Event()

    async def forever(*_: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    if where == "moderator":
        bench.words.moderate = forever  # type: ignore[method-assign]
    compiled = build(bench, effect=bench.effect(forever)).compile()
    task = asyncio.create_task(compiled.ainvoke({"prompt": "a|b"}, context=context))
    await asyncio.wait_for(reached.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_interrupt_inside_an_effect_passes_through(bench: Bench, context: Context) -> None:
    async def ask(value: str) -> str:
        return f"{value} {interrupt('really?')}"

    compiled = build(bench, effect=bench.effect(ask)).compile(checkpointer=InMemorySaver())
    paused = await compiled.ainvoke({"prompt": "hello"}, RUN, context=context)
    assert paused["__interrupt__"][0].value == "really?"
    result = await compiled.ainvoke(Command(resume="yes"), RUN, context=context)
    assert "hello yes" in result["log"]


async def test_a_node_timeout_is_not_swallowed(bench: Bench, context: Context) -> None:
    async def slow(value: str) -> str:
        await asyncio.sleep(30)
        return value

    compiled = build(bench, effect=bench.effect(slow), timeout=0.05).compile()
    with pytest.raises(NodeTimeoutError):
        await compiled.ainvoke({"prompt": "x"}, context=context)


async def test_retries_are_explicit_and_end_in_a_record(bench: Bench, context: Context) -> None:
    policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False, retry_on=(RuntimeError,))
    result = await build(bench, retry_policy=policy).compile().ainvoke({"prompt": "fail"}, context=context)
    assert bench.calls == ["fail"] * 3
    assert result["out"] == ["EffectError"]
    bench.calls.clear()
    other = policy._replace(retry_on=lambda error: False)
    await build(bench, retry_policy=[other]).compile().ainvoke({"prompt": "fail"}, context=context)
    assert bench.calls == ["fail"]
    typed = policy._replace(retry_on=KeyError)
    await build(bench, retry_policy=typed, separate=True).compile().ainvoke({"prompt": "fail"}, context=context)
    assert bench.calls == ["fail", "fail"]


async def test_effects_under_error_handlers(bench: Bench, context: Context) -> None:
    def read(state: Any) -> str:
        raise KeyError("no prompt")

    def handle(state: State) -> Command[Literal["after"]]:
        return Command(goto="after", update={"log": ["handled"]})

    for separate in (False, True):
        graph = build(bench, read=read, separate=separate, error_handler=handle)
        result = await graph.compile().ainvoke({"prompt": "x"}, context=context)
        assert result["log"] == ["plan", "handled", "after"]


# ── separate steps ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pause", ["shout.check", "shout", "shout.review"])
async def test_a_separate_effect_can_be_paused_anywhere(bench: Bench, context: Context, pause: str) -> None:
    graph = build(bench, separate=True)
    compiled = graph.compile(checkpointer=InMemorySaver(), interrupt_before=[pause])
    paused = await compiled.ainvoke({"prompt": "turns"}, RUN, context=context)
    assert SECRET not in str(paused)
    snapshot = await compiled.aget_state(RUN)
    assert snapshot.next == (pause,)
    assert SECRET not in str(snapshot)
    assert bench.calls == (["turns"] if pause == "shout.review" else [])
    result = await compiled.ainvoke(None, RUN, context=context)
    assert result["out"] == ["Blocked"]
    assert bench.calls == ["turns"]


@pytest.mark.parametrize("pause", ["shout", "shout.review"])
async def test_what_the_vault_has_lost_goes_back_to_the_check(
    bench: Bench, context: Context, pause: str, tmp_path: Path
) -> None:
    """As after a restart of the process: a new graph, a new vault, the same checkpoints."""
    path = str(tmp_path / "checkpoints.db")
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        first = build(bench, separate=True).compile(checkpointer=saver, interrupt_before=[pause])
        await first.ainvoke({"prompt": "hello|bad"}, RUN, context=context)
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        second = build(bench, separate=True).compile(checkpointer=saver)
        result = await second.ainvoke(None, RUN, context=context)
    assert sorted(result["out"]) == ["Blocked", "Cleared"]
    assert f"{SECRET} hello" in result["log"]


async def test_routes_to_a_separate_effect_enter_at_its_check(bench: Bench, context: Context) -> None:
    def choose(state: State) -> Command[Literal["shout"]]:
        return Command(goto="shout")

    for route in ("edge", "command", "branch", "map", "join"):
        graph: Any = GuardedGraph(State, context_schema=Context)
        graph.add_node("choose", choose if route == "command" else lambda state: {})
        graph.add_effect("shout", bench.effect(), read=lambda state: state["prompt"], write=write, separate=True)
        graph.add_edge(START, "choose")
        if route == "edge":
            graph.add_edge("choose", "shout")
        elif route == "branch":
            graph.add_conditional_edges("choose", lambda state: "shout", ["shout"])
        elif route == "map":
            graph.add_conditional_edges("choose", lambda state: True, {True: "shout", False: END})
        elif route == "join":
            graph.add_node("beside", lambda state: {})
            graph.add_edge(START, "beside")
            graph.add_edge(["choose", "beside"], "shout")
        result = await graph.compile().ainvoke({"prompt": "bad"}, context=context)
        assert result["out"] == ["Blocked"], route
    assert bench.calls == []


async def test_a_loop_through_a_separate_effect(bench: Bench, context: Context) -> None:
    def again(state: State) -> str:
        return "shout" if len(state["out"]) < 3 else END

    graph: Any = GuardedGraph(State, context_schema=Context)
    graph.add_effect("shout", bench.effect(), read=lambda state: state["prompt"], write=write, separate=True)
    graph.add_edge(START, "shout")
    graph.add_conditional_edges("shout", again, ["shout", END])
    result = await graph.compile().ainvoke({"prompt": "hello"}, context=context)
    assert result["out"] == ["Cleared"] * 3


def test_a_vault_is_bounded() -> None:
    numbers = iter("abc")
    vault = Vault(capacity=2, entropy=lambda: next(numbers))
    tickets = [vault.put(value) for value in (1, 2, SECRET)]
    assert [vault.look(ticket) for ticket in tickets] == [None, 2, SECRET]
    assert SECRET not in repr(vault)
    vault.drop("c")
    vault.drop("c")
    assert vault.look("c") is None


# ── what a StateGraph user keeps ────────────────────────────────────────────────────────────────────────────────────


async def test_the_interface_of_state_graph(bench: Bench, context: Context) -> None:
    """One import changed: the same calls build the same graph, with the same result."""

    class Step:
        def __call__(self, state: State) -> dict[str, Any]:
            return {"log": ["object"]}

    async def named(state: State, config: RunnableConfig) -> dict[str, Any]:
        return {"log": ["named"]}

    def streamed(state: State) -> Any:
        yield {"log": ["generated"]}

    def assemble(kind: Any) -> Any:
        graph = kind(State, context_schema=Context)
        graph.set_node_defaults(timeout=None)
        graph.add_node(named)
        graph.add_node("object", Step())
        graph.add_node("lcel", RunnableLambda(lambda state: {"log": ["lcel"]}), metadata={"color": "blue"})
        graph.add_sequence([("one", lambda state: {"log": ["one"]}), ("two", lambda state: {"log": ["two"]})])
        graph.add_node("late", lambda state: {"log": ["late"]}, defer=True)
        graph.add_node("streamed", streamed)
        graph.set_entry_point("named")
        graph.add_edge("named", "object")
        graph.add_edge("named", "lcel")
        graph.add_edge(["object", "lcel"], "one")
        graph.add_conditional_edges("two", RunnableLambda(lambda state: "late").with_config(run_name="r"), ["late"])
        graph.add_edge("two", "streamed")
        graph.set_finish_point("late")
        return graph

    guarded, plain = assemble(GuardedGraph).compile(name="mine"), assemble(StateGraph).compile(name="mine")
    ours = await guarded.ainvoke({"log": []}, context=context)
    assert ours == await plain.ainvoke({"log": []}, context=context)
    assert guarded.get_name() == "mine"
    assert guarded.get_input_jsonschema() == plain.get_input_jsonschema()
    assert sorted(guarded.get_graph().nodes) == sorted(plain.get_graph().nodes)
    assert "nothing to prove" in str(guarded.proof)
    assert isinstance(guarded.with_config(tags=["x"]), CompiledGuardedGraph)
    assert guarded.with_config(tags=["x"]).proof is guarded.proof


def test_plain_nodes_may_be_cached() -> None:
    calls: list[str] = []
    graph: Any = GuardedGraph(State)
    graph.add_node("slow", lambda state: calls.append("x") or {}, cache_policy=CachePolicy())
    graph.set_conditional_entry_point(lambda state: "slow", ["slow"])
    compiled = graph.compile(cache=InMemoryCache())
    for _ in range(2):
        compiled.invoke({"prompt": "same"})
    assert calls == ["x"]


async def test_subgraphs_keep_their_interrupts(bench: Bench, context: Context) -> None:
    inner: Any = StateGraph(State)
    inner.add_node("ask", lambda state: {"log": [interrupt("?")]})
    inner.add_edge(START, "ask")
    graph: Any = GuardedGraph(State)
    graph.add_node("sub", inner.compile())
    graph.add_edge(START, "sub")
    compiled = graph.compile(checkpointer=InMemorySaver())
    await compiled.ainvoke({"log": []}, RUN)
    assert [name for name, _ in compiled.get_subgraphs()] == ["sub"]
    assert (await compiled.aget_state(RUN, subgraphs=True)).tasks[0].state.next == ("ask",)
    assert (await compiled.ainvoke(Command(resume="yes"), RUN))["log"] == ["yes"]


async def test_guarded_graphs_nest(bench: Bench, context: Context) -> None:
    graph: Any = GuardedGraph(State, context_schema=Context)
    graph.add_node("sub", build(bench).compile())
    graph.add_edge(START, "sub")
    compiled = graph.compile()
    assert "sub/shout is reached only through sub/shout.check" in str(compiled.proof)
    assert (await compiled.ainvoke({"prompt": "hello"}, context=context))["out"] == ["Cleared"]
    plain: Any = StateGraph(State, context_schema=Context)
    plain.add_node("sub", build(bench).compile())
    plain.add_edge(START, "sub")
    assert (await plain.compile().ainvoke({"prompt": "hello"}, context=context))["out"] == ["Cleared"]


def test_a_graph_that_calls_itself_is_read_once() -> None:
    holder: list[Any] = []
    graph: Any = StateGraph(State)
    compiled: Any = None

    def again(state: State) -> dict[str, Any]:
        return compiled.invoke(state) if state.get("log") else {}

    graph.add_node("again", again)
    graph.add_node("raw", lambda state: {}, metadata={"safelight": "effect"})
    graph.add_edge(START, "again")
    compiled = graph.compile()
    outer: Any = GuardedGraph(State)
    outer.add_node("sub", compiled)
    outer.add_edge(START, "sub")
    with pytest.raises(UnguardedPath, match="sub/raw"):
        outer.compile()
    assert not holder


# ── settings that are refused ───────────────────────────────────────────────────────────────────────────────────────


def test_a_retry_policy_must_say_what_it_retries(bench: Bench) -> None:
    for attempt in (
        lambda: build(bench, retry_policy=RetryPolicy(max_attempts=2)),
        lambda: build(bench, retry_policy=[RetryPolicy(retry_on=KeyError), RetryPolicy()]),
        lambda: GuardedGraph(State).add_node("a", lambda state: {}, retry_policy=RetryPolicy()),
        lambda: GuardedGraph(State).set_node_defaults(retry_policy=RetryPolicy()),
    ):
        with pytest.raises(GraphError, match="does not say what it retries"):
            attempt()


def test_guards_and_effects_are_not_cached(bench: Bench) -> None:
    with pytest.raises(GraphError, match="must not be cached"):
        build(bench, cache_policy=CachePolicy())
    for role in ("effect", "check", "review", "deliver"):
        with pytest.raises(GraphError, match="must not be cached"):
            GuardedGraph(State).add_node(
                "a", lambda state: {}, cache_policy=CachePolicy(), metadata={"safelight": role, "for": ["b"]}
            )
    graph = build(bench)
    graph.set_node_defaults(cache_policy=CachePolicy())
    with pytest.raises(GraphError, match="default cache_policy"):
        graph.compile()


def test_what_is_no_effect_cannot_be_declared_as_one(bench: Bench) -> None:
    with pytest.raises(GraphError, match="not guarded"):
        build(bench, effect=lambda value: value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"safelight": "efect"}, "known are"),
        ({"safelight": "check"}, "must name what it guards"),
        ({"safelight": "check", "for": "shout"}, "must name what it guards"),
        ({"safelight": "review", "for": ["nobody"]}, "which is no effect"),
    ],
)
def test_metadata_that_cannot_be_meant(bench: Bench, metadata: Any, message: str) -> None:
    graph = build(bench)
    graph.add_node("odd", lambda state: {}, metadata=metadata)
    with pytest.raises(GraphError, match=message):
        graph.compile()


def test_any_of_several_checks() -> None:
    graph: Any = GuardedGraph(State)
    for name in ("quick", "deep"):
        graph.add_node(name, lambda state: {}, metadata={"safelight": "check", "for": ["raw"], "any_of": "input"})
        graph.add_edge(name, "raw")
    graph.add_node("raw", lambda state: {}, metadata={"safelight": "effect"})
    graph.add_node("out", lambda state: {}, metadata={"safelight": "review", "for": ["raw"]})
    graph.add_edge("raw", "out")
    graph.add_conditional_edges(START, lambda state: "quick", ["quick", "deep"])
    assert "only through deep or quick" in str(graph.compile().proof)


def test_a_blocking_step_cannot_have_a_timeout() -> None:
    graph: Any = GuardedGraph(State)
    graph.add_node("slow", lambda state: {}, timeout=1)
    graph.add_edge(START, "slow")
    with pytest.raises(ValueError, match="slow"):
        graph.compile()


# ── defaults ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_runs_stop_after_sixty_steps() -> None:
    graph: Any = GuardedGraph(State)
    graph.add_node("loop", lambda state: {"log": ["x"]})
    graph.add_edge(START, "loop")
    graph.add_edge("loop", "loop")
    compiled = graph.compile()
    with pytest.raises(GraphRecursionError, match="60"):
        await compiled.ainvoke({"log": []})
    with pytest.raises(GraphRecursionError, match="limit of 5 "):
        await compiled.ainvoke({"log": []}, {"recursion_limit": 5})
    with pytest.raises(GraphRecursionError, match="limit of 7 "):
        await graph.compile(recursion_limit=7).ainvoke({"log": []})


async def test_checkpoints_are_written_before_the_next_step(bench: Bench, context: Context) -> None:
    """`durability="sync"`: when a step runs, the checkpoint of the step before is in the database."""
    seen: list[int] = []

    class Slow(InMemorySaver):
        async def aput(self, *arguments: Any) -> Any:
            await asyncio.sleep(0.02)
            seen.append(arguments[2]["step"])
            return await super().aput(*arguments)

    def count(state: State) -> dict[str, Any]:
        return {"log": [str(len(seen))]}

    def assemble() -> Any:
        graph: Any = GuardedGraph(State)
        graph.add_sequence([("a", count), ("b", count), ("c", count)])
        graph.add_edge(START, "a")
        return graph.compile(checkpointer=Slow())

    assert (await assemble().ainvoke({"log": []}, RUN))["log"] == ["2", "3", "4"]
    seen.clear()
    result = await assemble().ainvoke({"log": []}, RUN, durability="exit")
    assert result["log"] == ["0", "0", "0"]
