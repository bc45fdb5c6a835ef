"""Thinking mode: reason, research, complete safely, plan, generate, and judge at every step."""

from __future__ import annotations

from .effects import Effects
from .services import RunContext
from .state import RunState
from .steps import planning, prompt, refusal, research
from .tail import RunGraph, add_head, add_tail

__all__ = ["thinking_graph"]


def thinking_graph(effects: Effects) -> RunGraph:
    """The graph of thinking mode, not yet compiled.

    Reasoning runs beside the prompt guard; what it says is held until the verdict. Nothing with an effect outside the
    process (a search included) lies before that.
    """
    graph = RunGraph(RunState, context_schema=RunContext)
    add_head(graph)
    graph.add_node("complete", prompt.complete)
    graph.add_node("inquire", research.inquire)
    graph.add_effect("search", effects.search, read=research.read_query, write=research.write_hits)
    graph.add_effect("open_file", effects.open_file, read=research.read_file, write=research.write_document)
    graph.add_node("select", research.select)
    graph.add_effect("read", effects.read, read=research.read_address, write=research.write_document)
    graph.add_node("learn", research.learn)
    graph.add_node("plan", planning.plan)

    graph.add_conditional_edges("reason", prompt.route_prompt, ["refuse", "complete", "inquire"])
    graph.add_conditional_edges("complete", refusal.unless_refused("inquire"), ["refuse", "inquire"])
    graph.add_conditional_edges("inquire", research.route_inquiry, ["search", "open_file", "learn"])
    graph.add_edge("search", "select")
    graph.add_edge("open_file", "select")
    graph.add_conditional_edges("select", research.route_pages, ["read", "learn"])
    graph.add_edge("read", "learn")
    graph.add_conditional_edges("learn", research.route_learned, ["search", "plan"])
    graph.add_edge("plan", "judge_plan")
    add_tail(graph, effects)
    return graph
