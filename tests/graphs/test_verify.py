"""The proof against brute force: path enumeration where there are no joins, random attacks where there are."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.errors import UnguardedPath
from safelight.graphs.verify import END, START, Topology, prove

CHECK, EFFECT, REVIEW = "check", "effect", "review"


def one(*names: str) -> tuple[frozenset[str], ...]:
    return (frozenset(names),)


def guarded(edges: str, **more: object) -> Topology:
    """A topology from `"a>b b>c"`; S and E stand for START and END. Edges marked `a=b` are certain as well."""
    found, certain, joins = set(), set(), set()
    long = {"S": START, "E": END}
    for item in edges.split():
        if "&" in item:
            sources, target = item.split(">")
            joins.add((frozenset(sources.split("&")), long.get(target, target)))
            continue
        source, target = item.replace("=", ">").split(">")
        edge = (long.get(source, source), long.get(target, target))
        found.add(edge)
        if "=" in item:
            certain.add(edge)
    nodes = {node for edge in found for node in edge} | {node for join in joins for node in (*join[0], join[1])}
    fields: dict[str, object] = {
        "effects": frozenset({EFFECT}),
        "checks": {EFFECT: one(CHECK)},
        "reviews": {EFFECT: one(REVIEW)},
        **more,
    }
    return Topology(frozenset(nodes - {START, END}), frozenset(found), frozenset(certain), frozenset(joins), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "edges",
    [
        "S>check check>effect effect>review review>E",
        "S>a a>check check>effect effect>review review>E check>E",
        "S>check check>effect effect>review review>check review>E",  # a loop through the check
        "S>check S>reason check&reason>gate gate>effect effect>review review>E",  # an AND-join waits for the check
        "S>check check>effect effect=review effect=stamp review&stamp>send send>E",  # judged beside other work
        "S>check check>effect effect>review review>E S>other other>E",  # a branch that never meets the effect
        "S>a a>E check>effect effect>review review>E",  # an effect that nothing reaches
    ],
)
def test_accepts_what_is_guarded(edges: str) -> None:
    proof = prove(guarded(edges))
    assert "effect" in str(proof)
    assert proof.guards[0].checks == one(CHECK)


@pytest.mark.parametrize(
    ("edges", "path", "miss"),
    [
        ("S>effect S>check effect>review review>E", "START → effect", CHECK),
        ("S>a a>effect S>check check>effect effect>review review>E", "START → a → effect", CHECK),
        ("S>check check>effect effect>E effect>review review>E", "effect → END", REVIEW),
        ("S>check check>effect effect>a a>E effect>review review>E", "effect → a → END", REVIEW),
        # After the effect, something changes the input and runs it again.
        ("S>check check>effect effect>review review>a a>effect review>E", "effect → review → a → effect", CHECK),
        # The join that brings the effect back counts a check of the round before.
        (
            "S>check check>effect effect>review review>a check&a>effect review>E",
            "effect → review → a → effect",
            CHECK,
        ),
        # The join waits for neither the check nor anything behind it.
        ("S>a S>b a&b>effect S>check check>effect effect>review review>E", "START → a → effect", CHECK),
        # The review also runs before the effect, so the join may count an early one.
        (
            "S>check check>effect check>review effect=review effect=stamp review&stamp>send send>E",
            "effect → stamp → send → END",
            REVIEW,
        ),
        # The effect comes round again (behind its check), so the join may count the review of an earlier round.
        (
            "S>check check>effect effect=review effect=stamp review&stamp>send send>E stamp>check",
            "effect → stamp → send → END",
            REVIEW,
        ),
        # The effect comes in two steps of a run, on ways of different length.
        (
            "S>check check>effect check>a a>effect effect=review effect=stamp review&stamp>send send>E",
            "effect → stamp → send → END",
            REVIEW,
        ),
        # `other` may never run: then `effect` waits for ever, the run ends, and its output is handed out.
        ("S>check check>effect check>other effect&other>review review>E", "effect → END", REVIEW),
        ("S>check check>effect effect=a a&never>review review>E", "effect → a → END", REVIEW),
        ("S>check check>effect effect=a a>review a&never>review review>E", "effect → a → END", REVIEW),
    ],
)
def test_shows_a_shortest_way_round_a_guard(edges: str, path: str, miss: str) -> None:
    with pytest.raises(UnguardedPath) as caught:
        prove(guarded(edges))
    assert str(caught.value).startswith(path)
    assert "misses" in str(caught.value)
    assert miss in str(caught.value)
    shown = " → ".join({START: "START", END: "END"}.get(node, node) for node in caught.value.path)
    assert shown == path


def test_a_join_that_is_certain_to_fire_does_not_strand() -> None:
    prove(guarded("S>check check>effect effect=a effect=b a&b>review review>E"))
    prove(guarded("S>check check>effect effect=a effect=b b=c a&c>review review>E"))


def test_undeclared_routing_leads_everywhere_and_says_what_to_do() -> None:
    topology = guarded(
        "S>check check>effect effect>review review>E S>a", anywhere={"a": "'a' says nothing: add a path_map"}
    )
    with pytest.raises(UnguardedPath, match=r"START → a → effect \(misses check\)\. 'a' says nothing: add a path_map"):
        prove(topology)


def test_failures_are_ways_on() -> None:
    topology = guarded(
        "S>check check>effect effect>review review>E handler>E", failures=frozenset({(EFFECT, "handler")})
    )
    with pytest.raises(UnguardedPath, match="effect → handler → END"):
        prove(topology)


def test_what_may_fail_is_not_certain_to_run_on() -> None:
    edges = "S>check check>effect effect=a effect=b b=c a&c>review review>E handler>E"
    handled = frozenset({("b", "review")})
    assert prove(guarded(edges))
    with pytest.raises(UnguardedPath, match="effect → a → END"):
        prove(guarded(edges, failures=handled))


def test_effects_without_guards() -> None:
    with pytest.raises(UnguardedPath, match=r"START → effect \(misses a check: effect has none\)"):
        prove(guarded("S>effect effect>review review>E", checks={}))
    with pytest.raises(UnguardedPath, match="misses a review: effect has none"):
        prove(guarded("S>check check>effect effect>E", reviews={}))
    with pytest.raises(UnguardedPath, match=r"^effect \(misses a check"):
        prove(guarded("S>a a>E", checks={}))


def test_every_group_is_needed_and_any_of_a_group_is_enough() -> None:
    edges = "S>a S>b a>effect b>effect effect>review review>E"
    assert prove(guarded(edges, checks={EFFECT: one("a", "b")}))
    with pytest.raises(UnguardedPath, match="misses b"):
        prove(guarded(edges, checks={EFFECT: (frozenset({"a", "b"}), frozenset({"b"}))}))


def test_deliveries_are_ends_with_checks_of_their_own() -> None:
    edges = "S>check check>effect effect>review review>set set>send send>E"
    topology = guarded(edges, deliveries=frozenset({"send"}), checks={EFFECT: one(CHECK), "send": one("set")})
    assert "send is reached only through set" in str(prove(topology))
    around = guarded(
        edges + " review>send", deliveries=frozenset({"send"}), checks={EFFECT: one(CHECK), "send": one("set")}
    )
    with pytest.raises(UnguardedPath, match=r"START → check → effect → review → send \(misses set\)"):
        prove(around)
    with pytest.raises(UnguardedPath, match=r"effect → send \(misses review\)"):
        prove(guarded(edges + " effect>send", deliveries=frozenset({"send"})))
    free = guarded(edges, deliveries=frozenset({"send"}))
    assert "send has no check of its own" in str(prove(free))


def test_what_nothing_reaches_is_said_to_be_so() -> None:
    assert "effect: no path reaches it" in str(prove(guarded("S>a a>E check>effect effect>review review>E")))
    lonely = guarded("S>a a>E send>E", effects=frozenset(), deliveries=frozenset({"send"}))
    assert "send: no path reaches it" in str(prove(lonely))
    assert "nothing to prove" in str(prove(guarded("S>a a>E", effects=frozenset())))


# ── random graphs ───────────────────────────────────────────────────────────────────────────────────────────────────

FREE = ("a", "b", "c", "d")
NODES = (CHECK, EFFECT, REVIEW, *FREE)

pairs = st.tuples(st.sampled_from((START, *NODES)), st.sampled_from((*NODES, END)))
join = st.tuples(st.frozensets(st.sampled_from(NODES), min_size=2, max_size=3), st.sampled_from(NODES))


def walks_round(edges: set[tuple[str, str]], start: str, goals: set[str], without: set[str]) -> bool:
    """By enumerating simple paths: is there one from `start` to a goal that avoids `without`?"""
    stack: list[tuple[str, ...]] = [(start,)]
    while stack:
        path = stack.pop()
        for source, target in edges:
            if source != path[-1] or target in without:
                continue
            if target in goals:
                return True
            if target not in path and target != END:
                stack.append((*path, target))
    return False


@settings(max_examples=400, deadline=None)
@given(st.sets(pairs, min_size=3, max_size=16))
def test_agrees_with_path_enumeration_without_joins(edges: set[tuple[str, str]]) -> None:
    unguarded = (
        walks_round(edges, START, {EFFECT}, {CHECK})
        or walks_round(edges, EFFECT, {EFFECT}, {CHECK})
        or walks_round(edges, EFFECT, {END}, {REVIEW})
    )
    topology = Topology(
        frozenset(NODES),
        frozenset(edges),
        effects=frozenset({EFFECT}),
        checks={EFFECT: one(CHECK)},
        reviews={EFFECT: one(REVIEW)},
    )
    if not unguarded:
        prove(topology)
        return
    with pytest.raises(UnguardedPath) as caught:
        prove(topology)
    for step in pairwise(caught.value.path):
        assert step in edges  # the path that is shown exists


SHAPES = (
    "S>check check>effect effect>review review>E",
    "S>check check>effect effect=review effect=a review&a>b b>E",
    "S>check check=effect effect=c c=review effect=a review&a>b b>E",
    "S>check S>a check&a>b b>effect effect>review review>E",
    "S>check check>effect effect=a effect=b a&b>review review>c c>E c>check",
    "S>check check>effect effect>review review>a check&a>effect review>E",
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.sets(pairs, max_size=3),
    st.sets(join, max_size=1),
    st.integers(0, 2**32),
)
def test_what_is_accepted_withstands_random_runs(
    shape: str, more: set[tuple[str, str]], joins: set[tuple[frozenset[str], str]], seed: int
) -> None:
    """Soundness with joins: run an accepted graph as LangGraph does, step by step, choosing freely at every node."""
    source = random.Random(seed)
    start = guarded(shape)
    topology = replace(
        start,
        nodes=frozenset(NODES),
        edges=start.edges | more,
        joins=start.joins | joins,
    )
    # A dead end ends the run, as in any topology that is read off a graph.
    going = {edge[0] for edge in topology.edges} | {node for sources, _ in topology.joins for node in sources}
    topology = replace(topology, edges=topology.edges | {(node, END) for node in topology.nodes - going})
    try:
        prove(topology)
    except UnguardedPath:
        return
    for _ in range(100):
        assert simulate(topology, source) is None


def simulate(topology: Topology, source: random.Random, steps: int = 14) -> str | None:  # noqa: PLR0912 (one loop tells it best)
    """One run; returns what went wrong, or None.

    A token is (has passed the check since START or since the effect, step in which the effect last ran on its way,
    step in which the review last did). A node that is triggered by several tokens is taken to run on each; a barrier
    keeps the tokens of its sources until all have come, and then is empty again. A join takes the best of what its
    tokens know: it follows all of its sources.
    """
    active: dict[str, set[tuple[bool, int, int]]] = {START: {(False, -1, -1)}}
    barriers: dict[tuple[frozenset[str], str], dict[str, set[tuple[bool, int, int]]]] = {}
    parked: set[int] = set()  # steps of the effect whose output waits at a join, and has no other way on
    last_review = -1
    for step in range(steps):
        following: dict[str, set[tuple[bool, int, int]]] = {}
        for node, tokens in active.items():
            moved = set()
            for checked, ran, reviewed in tokens:
                if node == EFFECT and not checked:
                    return "the effect ran unchecked"
                ran = step if node == EFFECT else ran  # noqa: PLW2901
                reviewed = step if node == REVIEW else reviewed  # noqa: PLW2901
                moved.add((False if node == EFFECT else checked or node == CHECK, ran, reviewed))
            ways = [target for origin, target in topology.edges if origin == node]
            sure = {target for origin, target in topology.certain if origin == node}
            taken = {target for target in ways if target in sure or source.random() < 0.5}
            mine = [each for each in topology.joins if node in each[0]]
            if ways and not taken and not mine:
                taken = {source.choice(ways)}  # a router that is alone must choose
            for target in taken:
                if target == END:
                    if any(reviewed < ran for _, ran, reviewed in moved):
                        return "the run ended with unreviewed output"
                else:
                    following.setdefault(target, set()).update(moved)
            for each in mine:
                barriers.setdefault(each, {}).setdefault(node, set()).update(moved)
            if mine and not taken:
                parked |= {ran for _, ran, reviewed in moved if reviewed < ran}
        for each, held in list(barriers.items()):
            if set(held) == each[0]:
                best = {
                    (any(t[0] for t in combo), max(t[1] for t in combo), max(t[2] for t in combo))
                    for combo in _combinations([sorted(tokens) for tokens in held.values()])
                }
                following.setdefault(each[1], set()).update(best)
                del barriers[each]
        last_review = step if REVIEW in active else last_review
        if not following:
            return "the run stranded with unreviewed output" if any(ran > last_review for ran in parked) else None
        active = following
    return None


def _combinations(groups: list[list[tuple[bool, int, int]]]) -> list[tuple[tuple[bool, int, int], ...]]:
    out: list[tuple[tuple[bool, int, int], ...]] = [()]
    for group in groups:
        out = [(*head, each) for head in out for each in group][:64]
    return out


def looped(*, inner: bool) -> Topology:
    """An effect that comes again and again, each time behind a check that runs beside work and is joined with it."""
    join = (frozenset({"check", "work"}), "verdict")
    edges = {
        (START, "fork"), ("fork", "check"), ("fork", "work"), ("verdict", "act"), ("act", "review"),
        ("review", "fork"), ("review", END),
    }  # fmt: skip
    return Topology(
        nodes=frozenset({"fork", "check", "work", "verdict", "act", "review"}),
        edges=frozenset(edges),
        joins=frozenset({join}),
        inner=frozenset({join}) if inner else frozenset(),
        effects=frozenset({"act"}),
        checks={"act": (frozenset({"check"}),)},
        reviews={"act": (frozenset({"review"}),)},
    )


def test_a_join_inside_one_step_holds_nothing_of_an_earlier_round() -> None:
    prove(looped(inner=True))
    with pytest.raises(UnguardedPath, match="again"):
        prove(looped(inner=False))
