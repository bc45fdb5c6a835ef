"""A graph of your own: declare what has an effect, and let `compile` prove that nothing reaches it unguarded."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, TypedDict

from safelight.errors import UnguardedPath
from safelight.graphs import END, START, EffectError, GuardedGraph
from safelight.safety.content import Content, Stage
from safelight.safety.guard import Blocked, Cleared, guard
from safelight.safety.policy import PolicySet
from safelight.testing import BlockOn, every_pair, fake_guard


class State(TypedDict, total=False):
    wish: str
    answer: Annotated[str, lambda _, new: new]


@dataclass
class Context:
    run_id: str


async def print_badge(text: str) -> str:
    """The effect: imagine a badge printer."""
    return f"[ {text} ]"


def after(_: State, outcome: Cleared[str] | Blocked | EffectError) -> State:
    match outcome:
        case Cleared():
            return {"answer": outcome.value}
        case Blocked():
            return {"answer": f"blocked at {outcome.stage}: {', '.join(outcome.verdict.policies)}"}
        case EffectError():
            return {"answer": f"failed: {outcome.message}"}


# In production: Guard(embedded_stack(policies), office, recorder); a scripted moderator keeps this example short.
keeper = fake_guard(BlockOn("idiot", "harassment", checked=every_pair(PolicySet.load())))
badge = guard(
    print_badge,
    guard=keeper,
    stage_in=Stage.TOOL_CALL,
    stage_out=Stage.TOOL_RESULT,
    content_in=lambda text: Content.of_text(Stage.TOOL_CALL, text),
    content_out=lambda text, _: Content.of_text(Stage.TOOL_RESULT, text, trusted=False),
)


async def main() -> None:
    graph = GuardedGraph(State, context_schema=Context)
    graph.add_effect("badge", badge, read=lambda state: state["wish"], write=after)
    graph.add_edge(START, "badge")
    graph.add_edge("badge", END)
    compiled = graph.compile()
    print(compiled.proof)
    for wish in ("Hello, I am Ada", "You idiot"):
        print((await compiled.ainvoke({"wish": wish}, context=Context(run_id="example")))["answer"])

    careless = GuardedGraph(State)
    careless.add_node("badge", lambda state: {"answer": state["wish"]}, metadata={"safelight": "effect"})
    careless.add_edge(START, "badge")
    careless.add_edge("badge", END)
    try:
        careless.compile()
    except UnguardedPath as error:
        print("refused:", error)


asyncio.run(main())
