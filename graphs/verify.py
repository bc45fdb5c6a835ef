"""The proof that no path reaches an effect unchecked, or leaves it unreviewed.

Pure functions over a `Topology`: what can follow what, which nodes are effects, and which nodes guard them. Nothing
here knows LangGraph; `graphs.topology` reads a `Topology` off a builder. Every rule errs on the side of more paths:
an accepted graph has no unguarded path, a rejected one may be safe for a reason that cannot be seen statically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import UnguardedPath

__all__ = ["END", "START", "GuardProof", "Join", "Proof", "Topology", "prove"]

START = "__start__"
END = "__end__"

Join = tuple[frozenset[str], str]
Groups = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Topology:
    """What can follow what.

    `edges` are the ways on that a node may take, `certain` those of them that it always takes when it finishes, and
    `joins` pairs (sources, target) whose target runs once all sources have run. A node without joins takes at least one
    of its edges, one with joins may take none. What ends a run has an edge to END, but for waiting at a join that never
    fires: `prove` sees to that. `anywhere` maps a node whose routing cannot be seen to the reason, with what to do
    about it: it is taken to lead to every node and to END.

    `checks` and `reviews` map an effect (or a delivery) to its guards: each group must be passed, by any one of its
    nodes. `exposed` are the effects whose raw output lies in the state until it is reviewed. `failures` names edges
    that are taken when a node raises: drawn, walked, never certain. `jumps` pairs a node of a subgraph with the node of
    the parent graph that it may jump to; here they are ways to END. `inner` are those joins that lie inside one step:
    they keep nothing from step to step, and always wait for all of their sources.
    """

    nodes: frozenset[str]
    edges: frozenset[tuple[str, str]] = frozenset()
    certain: frozenset[tuple[str, str]] = frozenset()
    joins: frozenset[Join] = frozenset()
    inner: frozenset[Join] = frozenset()
    anywhere: Mapping[str, str] = field(default_factory=dict)
    effects: frozenset[str] = frozenset()
    exposed: frozenset[str] = frozenset()
    deliveries: frozenset[str] = frozenset()
    checks: Mapping[str, Groups] = field(default_factory=dict)
    reviews: Mapping[str, Groups] = field(default_factory=dict)
    failures: frozenset[tuple[str, str]] = frozenset()
    jumps: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def onward(self) -> Mapping[str, tuple[str, ...]]:
        """Successors by node, undeclared routing written out; sorted, so that messages are reproducible."""
        out: dict[str, set[str]] = {node: set() for node in (*self.nodes, START)}
        for source, target in self.edges | self.failures:
            out[source].add(target)
        for source in self.anywhere:
            out[source] |= self.nodes | {END}
        return {node: tuple(sorted(targets)) for node, targets in out.items()}

    @cached_property
    def joins_from(self) -> Mapping[str, tuple[Join, ...]]:
        """The joins that each node contributes to."""
        out: dict[str, list[Join]] = {}
        for sources, target in sorted(self.joins, key=lambda join: (sorted(join[0]), join[1])):
            for source in sources:
                out.setdefault(source, []).append((sources, target))
        return {node: tuple(joins) for node, joins in out.items()}


@dataclass(frozen=True)
class GuardProof:
    """One effect or delivery: the groups of guards that every path to it, and every path from it, passes."""

    name: str
    checks: Groups
    reviews: Groups
    delivery: bool = False
    reachable: bool = True

    def __str__(self) -> str:
        if not self.reachable:
            return f"{self.name}: no path reaches it"
        if not self.checks:
            return f"{self.name} has no check of its own"
        reached = f"{self.name} is reached only through {_listed(self.checks)}"
        return reached if self.delivery else f"{reached}, and left only through {_listed(self.reviews)}"


@dataclass(frozen=True)
class Proof:
    """What was proved, over how large a graph."""

    guards: tuple[GuardProof, ...]
    nodes: int
    edges: int
    joins: int

    def __str__(self) -> str:
        counts = ((self.nodes, "node"), (self.edges, "edge"), (self.joins, "join"))
        size = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
        lines = [f"proved: {guard}" for guard in self.guards] or ["nothing to prove: the graph declares no effect"]
        return "\n".join([*lines, f"({size})"])


def prove(topology: Topology) -> Proof:
    """Prove that the guards of every effect and delivery cannot be walked around.

    For each effect: every path from START passes each group of its checks; every way from the effect back to itself
    passes at least one (what changed after the check would be content never checked); every path from it to END or to
    a delivery passes each group of its reviews. For each delivery: every path from START passes each of its checks.

    Raises:
        UnguardedPath: some path does not; the message and `path` show a shortest one.
    """
    walker = _Walker(topology)
    return Proof(
        guards=tuple(
            [_prove_effect(walker, effect) for effect in sorted(topology.effects)]
            + [_prove_delivery(walker, delivery) for delivery in sorted(topology.deliveries)]
        ),
        nodes=len(topology.nodes),
        edges=len(topology.edges | topology.failures),
        joins=len(topology.joins),
    )


def _prove_effect(walker: _Walker, effect: str) -> GuardProof:
    topology = walker.topology
    checks, reviews = topology.checks.get(effect, ()), topology.reviews.get(effect, ())
    to_effect = walker.path(START, {effect})
    if not checks:
        raise walker.fault(to_effect or (effect,), f"misses a check: {effect} has none")
    if not reviews:
        raise walker.fault(to_effect or (effect,), f"misses a review: {effect} has none")
    for group in checks:
        if path := walker.path(START, {effect}, without=group):
            raise walker.fault(path, f"misses {_named(group)}")
    everything = frozenset().union(*checks)
    if path := walker.path(effect, {effect}, without=everything, joins=_any_source):
        raise walker.fault(path, f"runs {effect} again and misses {_listed(checks)}")
    held = walker.held_joins(effect)
    for group in reviews:
        goals = {END} | topology.deliveries
        if path := walker.path(effect, goals, without=group, joins=held, strands=walker.strands(effect)):
            raise walker.fault(path, f"misses {_named(group)}")
    return GuardProof(effect, checks, reviews, reachable=to_effect is not None)


def _prove_delivery(walker: _Walker, delivery: str) -> GuardProof:
    checks = walker.topology.checks.get(delivery, ())
    for group in checks:
        if path := walker.path(START, {delivery}, without=group):
            raise walker.fault(path, f"misses {_named(group)}")
    reachable = walker.path(START, {delivery}) is not None
    return GuardProof(delivery, checks, (), delivery=True, reachable=reachable)


JoinRule = Callable[[frozenset[str], set[str]], bool]


def _all_sources(sources: frozenset[str], seen: set[str]) -> bool:
    return sources <= seen


def _any_source(sources: frozenset[str], seen: set[str]) -> bool:
    return True


class _Walker:
    """Breadth-first walks over one topology, that remember how they came."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._once = {START: True}

    def path(
        self,
        start: str,
        goals: Iterable[str],
        *,
        without: frozenset[str] = frozenset(),
        joins: JoinRule = _all_sources,
        strands: Callable[[str], bool] = lambda node: False,
    ) -> tuple[str, ...] | None:
        """A shortest path of at least one step from `start` to one of `goals` that avoids `without`, or None.

        `joins` says whether a join fires, given its sources and what was reached; `strands` whether a node that was
        reached may end the run by waiting at joins that never complete.
        """
        goals, seen = set(goals), {start}
        came: dict[str, str] = {}
        queue = [start]
        for node in queue:
            targets = list(self.topology.onward.get(node, ()))
            for join in self.topology.joins_from.get(node, ()):
                rule = _all_sources if join in self.topology.inner else joins
                if rule(join[0], seen):
                    targets.append(join[1])
            if strands(node):
                targets.append(END)
            for target in targets:
                if target in goals and target not in without:
                    return _back(came, start, node, target)
                if target not in seen and target not in without and target != END:
                    seen.add(target)
                    came[target] = node
                    queue.append(target)
        return None

    def held_joins(self, effect: str) -> JoinRule:
        """How joins behave after `effect`.

        Where the effect's step comes at most once in a run, a join with a source that runs only after the effect and
        only behind the review waits for that review; a source that may run before the effect is taken to have run.
        Where the step can come again, a join may hold a review of an earlier round, so that any one source must be
        taken to fire it.
        """
        if not self._comes_once(effect):
            return _any_source
        early = self._reachable_without(effect)
        return lambda sources, seen: all(source in seen or source in early for source in sources)

    def _reachable_without(self, effect: str) -> set[str]:
        """Every node that may run although `effect` has not, joins firing on any source."""
        seen, queue = {START}, [START]
        for node in queue:
            joined = [target for _, target in self.topology.joins_from.get(node, ())]
            for target in (*self.topology.onward.get(node, ()), *joined):
                if target not in seen and target not in {effect, END}:
                    seen.add(target)
                    queue.append(target)
        return seen

    def _comes_once(self, node: str) -> bool:
        """Whether `node` is triggered in at most one step of a run: one way in, from nodes that come once."""
        if node not in self._once:
            self._once[node] = False  # holds for whatever asks while we are below: a cycle
            ways = [{source} for source, targets in self.topology.onward.items() if node in targets]
            ways += [set(sources) for sources, target in self.topology.joins if target == node]
            self._once[node] = len(ways) <= 1 and all(self._comes_once(source) for way in ways for source in way)
        return self._once[node]

    def strands(self, effect: str) -> Callable[[str], bool]:
        """Whether a node after `effect` may wait for ever at its joins, and so end the run.

        It does not, where it has a way on that it always takes, or where the other sources of one of its joins are
        certain to run whenever the effect has.
        """
        sure = {effect}
        queue = [effect]
        failing = {source for source, _ in self.topology.failures}
        for node in queue:
            for source, target in sorted(self.topology.certain):
                if source == node and source not in failing and target not in sure:
                    sure.add(target)
                    queue.append(target)

        def waits(node: str) -> bool:
            joins = [join for join in self.topology.joins_from.get(node, ()) if join not in self.topology.inner]
            onward = any(source == node for source, _ in self.topology.certain)
            return bool(joins) and not onward and not any(sources - {node} <= sure for sources, _ in joins)

        return waits

    def fault(self, path: tuple[str, ...], what: str) -> UnguardedPath:
        """The error that shows `path`; undeclared routing on it is explained."""
        hints = [self.topology.anywhere[node] for node in path if node in self.topology.anywhere]
        shown = " → ".join(_shown(node) for node in path)
        return UnguardedPath(". ".join([f"{shown} ({what})", *dict.fromkeys(hints)]), path=path)


def _back(came: Mapping[str, str], start: str, node: str, target: str) -> tuple[str, ...]:
    path = [target, node]
    while node != start:
        node = came[node]
        path.append(node)
    return tuple(reversed(path))


def _shown(node: str) -> str:
    return {START: "START", END: "END"}.get(node, node)


def _named(group: frozenset[str]) -> str:
    return " or ".join(sorted(group))


def _listed(groups: Groups) -> str:
    *most, last = sorted(_named(group) for group in groups)
    return f"{', '.join(most)} and {last}" if most else last
