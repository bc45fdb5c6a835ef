"""How steps are wired: the guarded graph, its proof, and the graphs of the modes.

from safelight.graphs import END, START, GuardedGraph      # was: from langgraph.graph import END, START, StateGraph
"""

from __future__ import annotations

from .serde import require_strict_msgpack

# Before anything of a graph is built: a permissive serializer imports and calls what a checkpoint row names.
require_strict_msgpack()

from langgraph.graph import END, START  # noqa: E402 (only once the serializer is known to be strict)

from .guarded import CompiledGuardedGraph, EffectError, GuardedGraph  # noqa: E402

__all__ = ["END", "START", "CompiledGuardedGraph", "EffectError", "GuardedGraph", "require_strict_msgpack"]
