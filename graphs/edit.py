"""Edit mode: starts from input images, which are moderated like prompts, together with every earlier turn."""

from __future__ import annotations

from .effects import Effects
from .services import RunContext
from .state import RunState
from .steps import planning, prompt, refusal
from .tail import RunGraph, add_head, add_tail

__all__ = ["edit_graph"]


def edit_graph(effects: Effects) -> RunGraph:
    """The graph of edit mode, not yet compiled."""
    graph = RunGraph(RunState, context_schema=RunContext)
    add_head(graph)
    graph.add_node("complete", prompt.complete)
    graph.add_node("plan", planning.draft)
    graph.add_conditional_edges("reason", prompt.route_edit, ["refuse", "complete", "plan"])
    graph.add_conditional_edges("complete", refusal.unless_refused("plan"), ["refuse", "plan"])
    graph.add_edge("plan", "judge_plan")
    add_tail(graph, effects)
    return graph
