"""Instant mode: the same guards, without reasoning aloud, research, or safe completion."""

from __future__ import annotations

from .effects import Effects
from .services import RunContext
from .state import RunState
from .steps import planning, refusal
from .tail import RunGraph, add_head, add_tail

__all__ = ["instant_graph"]


def instant_graph(effects: Effects) -> RunGraph:
    """The graph of instant mode, not yet compiled: a request that would need a rewrite is refused, with an offer."""
    graph = RunGraph(RunState, context_schema=RunContext)
    add_head(graph)
    graph.add_node("plan", planning.draft)
    graph.add_conditional_edges("reason", refusal.unless_refused("plan"), ["refuse", "plan"])
    graph.add_edge("plan", "judge_plan")
    add_tail(graph, effects)
    return graph
