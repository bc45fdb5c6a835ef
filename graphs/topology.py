"""Reads a `Topology` off a graph's builder: the drawn graph lies, the builder's nodes and edges do not.

An effect declared by `add_effect` stands as three nodes, `name.check` → `name` → `name.review`, whichever way it runs.
A subgraph is laid flat into its parent as `node/inner`; what leads out of it leaves from `node/end`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph._internal._runnable import coerce_to_runnable
from langgraph.graph.state import CompiledStateGraph, StateGraph

from ..errors import GraphError
from .signatures import declared_ends, returns_bare_command, subgraphs_of
from .speculation import Speculation
from .verify import END, START, Groups, Topology

__all__ = ["DEFAULT_HANDLER", "Pauses", "matters", "must_choose", "routes_of", "topology_of"]

ROLES = ("effect", "check", "review", "deliver")
DEFAULT_HANDLER = "__default_error_handler__"  # the name that LangGraph gives it when it compiles


@dataclass(frozen=True)
class Pauses:
    """Where a run is stopped and its state handed out: names of nodes, or `"*"`."""

    before: tuple[str, ...] | str = ()
    after: tuple[str, ...] | str = ()

    def stops_before(self, node: str) -> bool:
        return self.before == "*" or node in self.before

    def stops_after(self, node: str) -> bool:
        return self.after == "*" or node in self.after


@dataclass
class _Draft:
    """A topology in the making."""

    nodes: set[str] = field(default_factory=set)
    edges: set[tuple[str, str]] = field(default_factory=set)
    certain: set[tuple[str, str]] = field(default_factory=set)
    joins: set[tuple[frozenset[str], str]] = field(default_factory=set)
    inner: set[tuple[frozenset[str], str]] = field(default_factory=set)
    anywhere: dict[str, str] = field(default_factory=dict)
    effects: set[str] = field(default_factory=set)
    exposed: set[str] = field(default_factory=set)
    deliveries: set[str] = field(default_factory=set)
    checks: dict[str, list[frozenset[str]]] = field(default_factory=dict)
    reviews: dict[str, list[frozenset[str]]] = field(default_factory=dict)
    failures: set[tuple[str, str]] = field(default_factory=set)
    jumps: set[tuple[str, str]] = field(default_factory=set)

    def guard(self, role: str, target: str, group: frozenset[str]) -> None:
        groups = (self.checks if role == "check" else self.reviews).setdefault(target, [])
        groups.append(group)

    def finish(self) -> Topology:
        return Topology(
            nodes=frozenset(self.nodes),
            edges=frozenset(self.edges),
            certain=frozenset(self.certain),
            joins=frozenset(self.joins),
            inner=frozenset(self.inner),
            anywhere=dict(self.anywhere),
            effects=frozenset(self.effects),
            exposed=frozenset(self.exposed),
            deliveries=frozenset(self.deliveries),
            checks=_frozen(self.checks),
            reviews=_frozen(self.reviews),
            failures=frozenset(self.failures),
            jumps=frozenset(self.jumps),
        )


def topology_of(
    builder: StateGraph[Any, Any, Any, Any],
    *,
    pauses: Pauses = Pauses(),
    enforced: bool = True,
    inside: frozenset[int] = frozenset(),
) -> Topology:
    """What can follow what in this builder's graph.

    `pauses` are treated as ways out, since a pause hands the state to the caller. `enforced` says that nodes and
    branches are held to their declared routes at run time; where they are not, each may lead anywhere. `inside` holds
    the ids of the builders that are being read already, for graphs that call themselves.

    Raises:
        GraphError: a guard names something that is not there, or metadata cannot be read.
    """
    return _Reader(builder, pauses, enforced, inside | {id(builder)}).read()


def must_choose(builder: StateGraph[Any, Any, Any, Any], name: str) -> bool:
    """Whether a node's only way on is one router (a branch, or its own commands), which can be made to choose."""
    if any(source == name for source, _ in builder.edges):
        return False
    branches = builder.branches.get(name, {})
    ends = routes_of(builder, name)
    if ends:
        return not branches and END not in ends
    return len(branches) == 1 and all(branch.ends and END not in branch.ends.values() for branch in branches.values())


def routes_of(builder: StateGraph[Any, Any, Any, Any], name: str) -> tuple[str, ...]:
    """Where a node's own commands may go: as LangGraph reads it, and off the annotation of an error handler."""
    spec = builder.nodes.get(name)
    if spec is None:
        return ()
    return tuple(spec.ends or ()) or (declared_ends(spec.runnable) if spec.is_error_handler else ())


def matters(topology: Topology) -> bool:
    """Whether a graph has anything to prove; as a subgraph, it is else a step like any other."""
    return bool(topology.effects or topology.deliveries or topology.checks or topology.reviews or topology.jumps)


class _Reader:
    def __init__(
        self, builder: StateGraph[Any, Any, Any, Any], pauses: Pauses, enforced: bool, inside: frozenset[int]
    ) -> None:
        self.builder = builder
        self.pauses = pauses
        self.enforced = enforced
        self.inside = inside
        self.draft = _Draft()
        self.declared = frozenset(getattr(builder, "declared_effects", {}))
        self.speculations: Mapping[str, Speculation] = getattr(builder, "speculations", {})
        self.parents: Mapping[str, tuple[str, ...]] = getattr(builder, "parent_routes", {})
        self.entry: dict[str, str] = {END: END}
        self.exit: dict[str, str] = {START: START}
        self.inner: dict[str, tuple[str, ...]] = {}  # what runs inside a node: where a failure of it comes from
        self.jumps: list[tuple[str, str]] = []  # from inside a subgraph to a node of this graph

    def read(self) -> Topology:
        handler = self.builder._node_defaults.error_handler
        nodes: dict[str, Any] = dict(self.builder.nodes)
        for name, spec in nodes.items():
            self._add_node(name, spec)
        if handler is not None and DEFAULT_HANDLER not in nodes:
            self._add_plain(DEFAULT_HANDLER)
            self._add_ends(DEFAULT_HANDLER, declared_ends(handler), bare=returns_bare_command(handler))
        for name, spec in nodes.items():
            self._add_routes(name, spec, default_handler=DEFAULT_HANDLER if handler is not None else None)
        self._add_edges()
        self._add_pauses()
        self._add_ways_out()
        self._add_roles()
        return self.draft.finish()

    def _add_node(self, name: str, spec: Any) -> None:
        if name in self.declared:
            self._add_declared(name)
            return
        if name in self.speculations:
            self._add_speculation(name, self.speculations[name])
            return
        self._add_plain(name)
        found = [(self._subtopology(graph, direct), direct) for graph, direct in subgraphs_of(spec.runnable)]
        held = [(topology, direct) for topology, direct in found if topology is not None and matters(topology)]
        for number, (topology, direct) in enumerate(held, start=1):
            self._embed(name, topology, f"{name}/" if len(held) == 1 else f"{name}/{number}/", direct)

    def _add_plain(self, name: str) -> None:
        self.draft.nodes.add(name)
        self.entry[name] = self.exit[name] = name
        self.inner[name] = (name,)

    def _add_declared(self, name: str) -> None:
        check, review = f"{name}.check", f"{name}.review"
        self.draft.nodes |= {check, name, review}
        self.draft.edges |= {(check, name), (name, review)}
        self.draft.certain |= {(name, review)}
        self.draft.effects.add(name)
        self.draft.guard("check", name, frozenset({check}))
        self.draft.guard("review", name, frozenset({review}))
        self.entry[name], self.exit[name] = check, review
        # Whatever raises in here takes its raw output with it: nothing of it reaches the state.
        self.inner[name] = (check,)

    def _add_speculation(self, name: str, speculation: Speculation) -> None:
        """`name` starts `name.check` and `name.work`; what follows comes after both, or after a no of the check."""
        step = coerce_to_runnable(speculation.work, name=f"{name}.work", trace=False)
        for graph, direct in subgraphs_of(step):
            topology = self._subtopology(graph, direct)
            if topology is not None and matters(topology):
                raise GraphError(
                    f"The work of '{name}' reaches a graph with guards or effects. It runs ahead of its verdict, so "
                    "they would as well: put that graph behind the speculation, as a node."
                )
        check, work, verdict = f"{name}.check", f"{name}.work", f"{name}.verdict"
        self.draft.nodes |= {name, check, work, verdict}
        both = {(name, check), (name, work)}
        self.draft.edges |= both
        self.draft.certain |= both
        join = (frozenset({check, work}), verdict)
        self.draft.joins.add(join)
        self.draft.inner.add(join)
        self.entry[name], self.exit[name] = name, verdict
        self.inner[name] = (name,)

    def _subtopology(self, graph: Any, direct: bool) -> Topology | None:
        topology = getattr(graph, "topology", None)
        if isinstance(topology, Topology):
            return topology
        if not isinstance(graph, CompiledStateGraph) or id(graph.builder) in self.inside:
            return None
        pauses = Pauses(_named_pauses(graph.interrupt_before_nodes), _named_pauses(graph.interrupt_after_nodes))
        # A plain subgraph that is a node itself runs as an enforced copy; one that a function calls runs as it is.
        return topology_of(graph.builder, pauses=pauses, enforced=direct, inside=self.inside)

    def _embed(self, name: str, inner: Topology, prefix: str, direct: bool) -> None:
        """Lay a subgraph flat: its START is the node, its END is `node/end`."""
        end = f"{name}/end"
        ends = {START: name, END: end}

        def renamed(node: str) -> str:
            return ends.get(node, prefix + node)

        draft = self.draft
        draft.nodes |= {end} | {renamed(node) for node in inner.nodes}
        draft.edges |= {(renamed(a), renamed(b)) for a, b in inner.edges}
        draft.certain |= {(renamed(a), renamed(b)) for a, b in inner.certain}
        draft.failures |= {(renamed(a), renamed(b)) for a, b in inner.failures}
        draft.joins |= {(frozenset(map(renamed, sources)), renamed(target)) for sources, target in inner.joins}
        draft.inner |= {(frozenset(map(renamed, sources)), renamed(target)) for sources, target in inner.inner}
        draft.anywhere |= {renamed(node): reason for node, reason in inner.anywhere.items()}
        draft.effects |= {renamed(node) for node in inner.effects}
        draft.exposed |= {renamed(node) for node in inner.exposed}
        draft.deliveries |= {renamed(node) for node in inner.deliveries}
        self.jumps += [(renamed(node), target) for node, target in inner.jumps]
        for role, guards in (("check", inner.checks), ("review", inner.reviews)):
            for target, groups in guards.items():
                for group in groups:
                    draft.guard(role, renamed(target), frozenset(map(renamed, group)))
        # The subgraph ends, too, where its last nodes wait at joins; a function may also not call it at all.
        stranded = {node for sources, _ in inner.joins for node in sources if not inner.onward.get(node)}
        draft.edges |= {(renamed(node), end) for node in stranded}
        if not direct:
            draft.edges.add((name, end))
        self.exit[name] = end
        self.inner[name] = (*self.inner[name], *(renamed(node) for node in sorted(inner.nodes)))

    def _add_routes(self, name: str, spec: Any, default_handler: str | None) -> None:
        bare = returns_bare_command(spec.runnable)
        ends = routes_of(self.builder, name)
        self._add_ends(name, ends, bare=bare and not ends)
        if not self.enforced:
            self.draft.anywhere[self.exit[name]] = (
                f"'{name}' belongs to a subgraph that a function calls, so nothing holds it to its routes: "
                "build that subgraph with GuardedGraph, or add it as a node"
            )
        handler = spec.error_handler_node or (None if spec.is_error_handler else default_handler)
        if handler is not None:
            self.draft.failures |= {(node, handler) for node in self.inner[name]}

    def _add_ends(self, name: str, ends: Iterable[str], *, bare: bool) -> None:
        if bare:
            self.draft.anywhere[self.exit[name]] = (
                f"'{name}' returns a Command and does not say where it may go: annotate it as "
                'Command[Literal["…"]], or pass destinations=("…",)'
            )
        self.draft.edges |= {(self.exit[name], self.entry[end]) for end in self._known(name, ends)}

    def _known(self, name: str, targets: Iterable[str]) -> list[str]:
        missing = [target for target in targets if target not in self.entry]
        if missing:
            raise GraphError(
                f"'{name}' declares a route to {', '.join(map(repr, missing))}, which is not in the graph."
            )
        return list(targets)

    def _add_edges(self) -> None:
        draft, builder = self.draft, self.builder
        for source, target in builder.edges:
            edge = (self.exit[source], self.entry[target])
            draft.edges.add(edge)
            draft.certain.add(edge)
        for sources, target in builder.waiting_edges:
            waiting = frozenset(self.exit[source] for source in sources)
            if len(waiting) == 1:
                draft.edges |= {(source, self.entry[target]) for source in waiting}
            elif target != END:
                draft.joins.add((waiting, self.entry[target]))
        for source, branches in builder.branches.items():
            for name, branch in branches.items():
                if branch.ends is None:
                    draft.anywhere[self.exit[source]] = (
                        f"'{source}' routes by '{name}', which does not say where it may go: "
                        'pass a path_map (["…", "…"]), or annotate it as -> Literal["…", "…"]'
                    )
                else:
                    ends = self._known(source, branch.ends.values())
                    draft.edges |= {(self.exit[source], self.entry[end]) for end in ends}
        for source, target in self.jumps:
            draft.edges |= {(source, self.entry[end]) for end in self._known(source, [target])}
        for name, targets in self.parents.items():
            # Seen from here, a jump into the parent leaves the graph.
            draft.edges |= {(self.exit[name], END) for _ in targets}
            draft.jumps |= {(self.exit[name], target) for target in targets}

    def _add_pauses(self) -> None:
        """A pause hands out the state: an effect's raw output is in it only where the effect is a plain node."""
        for name in self.builder.nodes:
            entry, exit_ = self.entry[name], self.exit[name]
            if self.pauses.stops_before(name):
                before = {source for source, target in self.draft.edges if target == entry}
                before |= {source for sources, target in self.draft.joins if target == entry for source in sources}
                self.draft.edges |= {(source, END) for source in before}
            if self.pauses.stops_after(name):
                self.draft.edges.add((exit_, END))

    def _add_ways_out(self) -> None:
        """A node with no way on ends the run."""
        draft = self.draft
        going = {source for source, _ in draft.edges} | {source for sources, _ in draft.joins for source in sources}
        draft.edges |= {(node, END) for node in draft.nodes - going - set(draft.anywhere)}
        waiting = {source for sources, _ in self.builder.waiting_edges for source in sources}
        for name in {*self.builder.nodes, *self.builder.branches} - {START}:
            # Several routers may all choose nothing, and nothing would notice.
            free = not must_choose(self.builder, name) and name not in waiting
            if free and not any(source == name for source, _ in self.builder.edges):
                draft.edges.add((self.exit[name], END))

    def _add_roles(self) -> None:
        groups: dict[tuple[str, str, str], set[str]] = {}
        for name, spec in self.builder.nodes.items():
            metadata = spec.metadata or {}
            role = metadata.get("safelight")
            if role is None:
                continue
            if role not in ROLES:
                raise GraphError(f"'{name}' has metadata safelight={role!r}; known are {', '.join(ROLES)}.")
            if role == "effect":
                self.draft.effects.add(name)
                self.draft.exposed.add(name)
            elif role == "deliver":
                self.draft.deliveries.add(name)
            else:
                for target in _targets_of(name, metadata):
                    groups.setdefault((role, target, metadata.get("any_of", name)), set()).add(self.exit[name])
        for name, speculation in self.speculations.items():
            for target in speculation.guards:
                groups.setdefault(("check", target, name), set()).add(f"{name}.check")
        for (role, target, _), group in sorted(groups.items()):
            if target not in self.draft.effects | self.draft.deliveries:
                raise GraphError(f"{' and '.join(sorted(group))} guards '{target}', which is no effect of this graph.")
            self.draft.guard(role, target, frozenset(group))


def _targets_of(name: str, metadata: Mapping[str, Any]) -> list[str]:
    targets = metadata.get("for", ())
    if isinstance(targets, str) or not targets:
        raise GraphError(f'\'{name}\' is a {metadata["safelight"]} and must name what it guards: add "for": ["…"].')
    return list(targets)


def _named_pauses(given: Any) -> tuple[str, ...] | str:
    return "*" if given == "*" else tuple(given or ())


def _frozen(groups: Mapping[str, list[frozenset[str]]]) -> dict[str, Groups]:
    return {target: tuple(dict.fromkeys(found)) for target, found in groups.items()}
