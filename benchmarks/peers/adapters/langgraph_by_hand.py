"""LangGraph alone, with the guards called by hand inside its nodes: what a careful developer writes without us.

Nothing is proved, nothing demands a clearance, nothing is recorded. It is the floor of whatever builds on LangGraph.
"""

from __future__ import annotations

import operator
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Annotated, Any

import workload
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict
from workload import Refused

VERSION = f"langgraph {version('langgraph')}"
FLOORS = {"strict": workload.STRICT}


class State(TypedDict, total=False):
    prompt: str
    refused: bool
    plan: list[str]
    images: Annotated[list[str], operator.add]


async def check_prompt(state: State) -> State:
    return {"refused": not await workload.prompt_guard(state["prompt"])}


async def plan(state: State) -> State:
    return {"plan": await workload.plan(state["prompt"])}


async def image(task: dict[str, str]) -> State:
    if not await workload.input_guard(task["prompt"]):
        return {"images": []}
    made = await workload.generate(task["prompt"])
    return {"images": [made] if await workload.output_guard(made) else []}


def fan_out(state: State) -> list[Send]:
    return [Send("image", {"prompt": prompt}) for prompt in state["plan"]]


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    graph: Any = StateGraph(State)
    graph.add_node("check_prompt", check_prompt)
    graph.add_node("plan", plan)
    graph.add_node("image", image)
    graph.add_edge(START, "check_prompt")
    graph.add_conditional_edges("check_prompt", lambda state: END if state["refused"] else "plan", ["plan", END])
    graph.add_conditional_edges("plan", fan_out, ["image"])
    graph.add_edge("image", END)
    compiled = graph.compile()

    async def turn(prompt: str) -> list[str]:
        state = await compiled.ainvoke({"prompt": prompt})
        if state["refused"]:
            raise Refused
        return list(state["images"])

    return turn
