"""What every mode shares: the way in up to the verdict on the prompt, and the way from a plan to delivered images."""

from __future__ import annotations

from langgraph.graph import END, START

from .effects import Effects
from .guarded import GuardedGraph
from .services import RunContext
from .state import RunState
from .steps import finish, images, planning, prompt, refusal, rounds, vectors

__all__ = ["RunGraph", "add_head", "add_tail"]

RunGraph = GuardedGraph[RunState, RunContext, RunState, RunState]


def add_head(graph: RunGraph) -> None:
    """`admit`, then `reason` beside the prompt guard; the edges out of it are the mode's own."""
    graph.add_node("admit", prompt.admit)
    graph.add_speculative(
        "reason",
        check=prompt.judge_prompt,
        work=prompt.reason,
        write=prompt.write_prompt,
        guards=["generate", "deliver"],
    )
    graph.add_node("refuse", refusal.refuse)
    graph.add_edge(START, "admit")
    graph.add_edge("admit", "reason")
    graph.add_edge("refuse", END)


def add_tail(graph: RunGraph, effects: Effects) -> None:
    """From `judge_plan` to delivery: images in parallel, one more round for what can be rewritten, vector files of what
    cleared where they are asked for, the set guard."""
    graph.add_node("judge_plan", planning.judge_plan, metadata={"safelight": "check", "for": ["generate", "deliver"]})
    graph.add_effect("generate", effects.generate, read=images.read_task, write=images.write_image)
    graph.add_node("settle", rounds.settle)
    graph.add_effect("engrave", effects.engrave, read=vectors.read_vector, write=vectors.write_vector)
    graph.add_node("judge_set", finish.judge_set, metadata={"safelight": "check", "for": ["deliver"]})
    graph.add_node("deliver", finish.deliver, metadata={"safelight": "deliver"})
    graph.add_conditional_edges("judge_plan", planning.route_plan, ["refuse", "generate", END])
    graph.add_edge("generate", "settle")
    graph.add_conditional_edges("settle", rounds.route_settled, ["generate", "engrave", "judge_set"])
    graph.add_edge("engrave", "judge_set")
    graph.add_conditional_edges("judge_set", finish.route_set, ["refuse", "deliver"])
    graph.add_edge("deliver", END)
