"""The copy of a builder that is actually compiled: every step and branch held to its routes, effects spelled out."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import replace
from typing import Any

from langgraph._internal._runnable import RunnableCallable, coerce_to_runnable
from langgraph.graph._node import StateNodeSpec
from langgraph.graph.state import CompiledStateGraph, StateGraph

from .effect_step import DeclaredEffect
from .routing import Routes, enforce_branch, enforce_step
from .signatures import declared_ends
from .topology import DEFAULT_HANDLER, matters, must_choose, routes_of, topology_of
from .verify import END, Topology

__all__ = ["enforced_copy"]

AnyBuilder = StateGraph[Any, Any, Any, Any]


def enforced_copy(builder: AnyBuilder, topology: Topology) -> AnyBuilder:
    """A plain `StateGraph` that behaves as `builder` says, and cannot route otherwise."""
    return _Enforcer(builder, topology).copy()


class _Enforcer:
    def __init__(self, builder: AnyBuilder, topology: Topology) -> None:
        self.builder = builder
        self.topology = topology
        declared: dict[str, DeclaredEffect] = getattr(builder, "declared_effects", {})
        self.declared = declared
        self.separate = {name for name, effect in declared.items() if effect.separate}
        self.entries = {name: f"{name}.check" for name in self.separate}
        self.exits = {name: f"{name}.review" for name in self.separate}
        # In a graph without effects a step that routes nowhere just ends, as anywhere in LangGraph.
        self.strict = matters(topology)

    def copy(self) -> AnyBuilder:
        builder = self.builder
        twin: AnyBuilder = copy.copy(builder)
        twin.__class__ = StateGraph
        twin.nodes = {}
        for name, spec in builder.nodes.items():
            twin.nodes |= self._separate(name, spec) if name in self.separate else {name: self._spec(name, spec)}
        twin.edges = {(self._exit(source), self._entry(target)) for source, target in builder.edges}
        twin.waiting_edges = {
            (tuple(self._exit(source) for source in sources), self._entry(target))
            for sources, target in builder.waiting_edges
        }
        twin.branches = defaultdict(dict)
        for source, branches in builder.branches.items():
            for name, branch in branches.items():
                routes = self._routes(source, frozenset(branch.ends.values()) if branch.ends is not None else None)
                must = self.strict and must_choose(builder, source) and not self._ends(source)
                routes = replace(routes, must=must and not self._waits(source))
                twin.branches[self._exit(source)][name] = enforce_branch(branch, routes, name=name)
        twin._node_defaults = replace(builder._node_defaults)
        name = DEFAULT_HANDLER
        if name in builder.nodes:  # a compiled builder: the default handler has become a node, and is copied as such
            twin._node_defaults.error_handler = None
        elif (handler := builder._node_defaults.error_handler) is not None:
            ends = frozenset(declared_ends(handler))
            routes = replace(
                self._routes(name, ends or frozenset({END})), must=self.strict and bool(ends) and END not in ends
            )
            twin._node_defaults.error_handler = enforce_step(
                coerce_to_runnable(handler, name=name, trace=False),  # type: ignore[arg-type]
                routes,
            )
        return twin

    def _spec(self, name: str, spec: StateNodeSpec[Any, Any]) -> StateNodeSpec[Any, Any]:
        ends = self._ends(name)
        step = _enforced_subgraph(spec.runnable)
        onward = frozenset(ends) | self._static(name) | self._branched(name) | self._jumped_to(name)
        waits = self._waits(name)
        routes = self._routes(name, onward if onward or waits else frozenset({END}))
        routes = replace(routes, must=self.strict and bool(ends) and must_choose(self.builder, name) and not waits)
        mapped: Any = (
            {self._entry(end): label for end, label in spec.ends.items()}
            if isinstance(spec.ends, dict)
            else tuple(self._entry(end) for end in ends)
        )
        return replace(spec, runnable=enforce_step(step, routes), ends=mapped)

    def _separate(self, name: str, spec: StateNodeSpec[Any, Any]) -> dict[str, StateNodeSpec[Any, Any]]:
        """The three steps of an effect that can be paused between; what the user said of the node is the effect's."""
        effect = self.declared[name]
        check, review = self.entries[name], self.exits[name]
        inner = {
            check: (effect.check, frozenset({name})),
            name: (effect.act, frozenset({review, check})),
            review: (
                effect.review,
                frozenset({check}) | self._static(name) | self._branched(name) | set(self._ends(name)),
            ),
        }
        specs: dict[str, StateNodeSpec[Any, Any]] = {}
        for part, (action, allowed) in inner.items():
            # Inside, names stand for themselves: `name` is the effect, not its entry.
            entries = {key: value for key, value in self.entries.items() if part == review and key != name}
            step = enforce_step(
                RunnableCallable(None, action, name=part, trace=False), Routes(part, allowed, entries=entries)
            )
            specs[part] = replace(spec, runnable=step, ends=tuple(allowed - {END}) if part != review else (check,))
            if part != name:
                specs[part] = replace(specs[part], retry_policy=None, defer=spec.defer and part == check)
        return specs

    def _routes(self, name: str, allowed: frozenset[str] | None) -> Routes:
        parent = frozenset(getattr(self.builder, "parent_routes", {}).get(name, ()))
        return Routes(name, allowed, parent, entries=self.entries)

    def _entry(self, name: str) -> str:
        return self.entries.get(name, name)

    def _exit(self, name: str) -> str:
        return self.exits.get(name, name)

    def _ends(self, name: str) -> tuple[str, ...]:
        return routes_of(self.builder, name)

    def _waits(self, name: str) -> bool:
        return any(name in sources for sources, _ in self.builder.waiting_edges)

    def _static(self, name: str) -> frozenset[str]:
        return frozenset(target for source, target in self.builder.edges if source == name)

    def _branched(self, name: str) -> frozenset[str]:
        ends = [branch.ends or {} for branch in self.builder.branches.get(name, {}).values()]
        return frozenset(target for found in ends for target in found.values())

    def _jumped_to(self, name: str) -> frozenset[str]:
        """What a subgraph at this node may jump to in this graph."""
        inner = (f"{name}/",)
        jumps = {(a, b) for a, b in self.topology.edges if a.startswith(inner) and not b.startswith(inner)}
        return frozenset(b for _, b in jumps if b in self.builder.nodes)


def _enforced_subgraph(step: Any) -> Any:
    """A plain subgraph that is a node itself runs as an enforced copy; anything else is left as it is."""
    if not isinstance(step, CompiledStateGraph) or isinstance(getattr(step, "topology", None), Topology):
        return step
    topology = topology_of(step.builder)
    if not matters(topology):
        return step
    twin = StateGraph.compile(
        enforced_copy(step.builder, topology),
        step.checkpointer,
        cache=step.cache,
        store=step.store,
        interrupt_before=step.interrupt_before_nodes,  # type: ignore[arg-type]
        interrupt_after=step.interrupt_after_nodes,  # type: ignore[arg-type]
        name=step.name,
        transformers=step.stream_transformers or None,
    )
    twin.config = step.config
    return twin
