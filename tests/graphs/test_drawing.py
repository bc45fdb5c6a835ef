"""Pictures: everything that was proved is in them, nothing overlaps, and nothing is asked of the network."""

from __future__ import annotations

import random
import re
import socket
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.graph import END, START
from PIL import Image

from safelight.errors import ConfigError
from safelight.graphs import drawing
from safelight.graphs.drawing import draw_mermaid, draw_png, draw_svg
from safelight.graphs.guarded import GuardedGraph
from safelight.graphs.layout import lay_out
from safelight.graphs.verify import Topology
from safelight.tests.graphs.scenes import Bench, Context, State


@pytest.fixture
def graph(bench: Bench) -> Any:
    made: Any = GuardedGraph(State, context_schema=Context)
    for name in ("admit", "reason", "gate", "settle", "refuse", "<odd> & 'quoted'"):
        made.add_node(name, lambda state: {})
    made.add_node("judge", lambda state: {}, metadata={"safelight": "check", "for": ["generate", "send"]})
    made.add_node("send", lambda state: {}, metadata={"safelight": "deliver"})
    made.add_effect("generate", bench.effect(), read=lambda state: "", write=lambda state, outcome: {})
    made.set_node_defaults(error_handler=lambda state: {})
    made.add_edge(START, "admit")
    made.add_edge("admit", "judge")
    made.add_edge("admit", "reason")
    made.add_edge(["judge", "reason"], "gate")
    made.add_conditional_edges("gate", lambda state: "refuse", ["generate", "refuse", "<odd> & 'quoted'"])
    made.add_edge("generate", "settle")
    made.add_conditional_edges("settle", lambda state: "send", ["generate", "settle", "send"])
    made.add_edge("send", END)
    return made


def test_mermaid_names_roles_and_lines(graph: Any) -> None:
    text = draw_mermaid(graph.compile())
    ids = dict(re.findall(r"(n\d+)\W+\"([^\"]*)\"", text))
    name_of = {name: key for key, name in ids.items()}
    assert text.startswith("flowchart TD\n")
    for name, kind in {
        "generate.check": "check",
        "generate": "effect",
        "generate.review": "review",
        "judge": "check",
    }.items():
        assert re.search(rf'{name_of[name]}\W+"{re.escape(name)}"\W+:::{kind}\n', text)
    assert f'{name_of["send"]}[["send"]]:::deliver' in text
    assert f"{name_of['generate.check']} --> {name_of['generate']}" in text
    assert f"{name_of['gate']} -.-> {name_of['refuse']}" in text
    assert f"{name_of['admit']} --> {name_of['judge']}" in text
    assert f"{name_of['admit']} -. fails .-> {name_of['__default_error_handler__']}" in text
    assert "&lt;odd&gt; &amp; 'quoted'" in text
    assert draw_mermaid(graph) == text  # the builder draws as what it compiles to


def test_svg_holds_every_node(graph: Any) -> None:
    drawn = Xml.fromstring(draw_svg(graph))  # noqa: S314 (our own)
    labels = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"START", "END", "generate.check", "generate", "generate.review", "<odd> & 'quoted'", "send"} <= labels
    paths = [element.get("class") for element in drawn.iter("{http://www.w3.org/2000/svg}path")]
    assert {"always", "maybe", "failure"} <= set(paths)
    assert draw_svg(graph) == draw_svg(graph.compile())


def test_a_line_back_up_over_several_rows() -> None:
    edges = {(START, "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("d", END)}
    topology = Topology(frozenset("abcd"), frozenset(edges), frozenset(edges))
    layout = lay_out(dict.fromkeys([START, *"abcd", END], (80, 30)), sorted(edges), first=START, last=END)
    assert layout.upward == {("d", "a")}
    assert len(layout.bends["d", "a"]) == 4
    path = re.findall(r'd="(M[^"]*)" class="always" marker-end', draw_svg(topology))
    assert sum(each.count("C") >= 4 for each in path) == 1


def test_undeclared_routing_is_drawn_as_such() -> None:
    topology = Topology(frozenset({"a"}), frozenset({(START, "a")}), anywhere={"a": "who knows"})
    assert ">anywhere<" in draw_svg(topology)
    assert '"anywhere"' in draw_mermaid(topology)


def test_png_is_drawn_here(graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> NoReturn:
        raise AssertionError("drawing went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    compiled = graph.compile()
    path = draw_png(compiled, tmp_path / "graph.png", scale=1)
    with Image.open(path) as image:
        pixels = image.convert("RGB")
        assert min(pixels.size) > 200
        colors = {color for _, color in pixels.getcolors(maxcolors=1 << 20) or []}
    assert (0xB5, 0x37, 0x1F) in colors  # an effect
    assert (0xE4, 0xEE, 0xFB) in colors  # a check
    assert set(compiled._repr_mimebundle_()) == {"text/plain", "image/svg+xml"}


def test_a_missing_renderer_is_said(graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise ImportError(name=name)

    monkeypatch.setattr(drawing, "import_module", missing)
    with pytest.raises(ConfigError, match=r"resvg_py is not installed: pip install 'safelight\[embedded\]'"):
        draw_png(graph, tmp_path / "graph.png")


NAMES = tuple("abcdefgh")


@settings(max_examples=150, deadline=None)
@given(st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20), st.integers(0, 999))
def test_boxes_do_not_overlap_and_lines_avoid_them(edges: set[tuple[str, str]], seed: int) -> None:
    chance = random.Random(seed)
    sizes = {name: (chance.uniform(20, 200), chance.uniform(10, 150)) for name in NAMES}
    straight = sorted(edge for edge in edges if edge[0] != edge[1] and edge[0] != "h")
    layout = lay_out(sizes, straight, first="a", last="h")
    for one, two in combinations(layout.boxes.values(), 2):
        apart = abs(one.x - two.x) >= (one.width + two.width) / 2 or abs(one.y - two.y) >= (one.height + two.height) / 2
        assert apart
    for placed in layout.boxes.values():
        assert placed.x - placed.width / 2 >= 0
        assert placed.x + placed.width / 2 <= layout.width
        assert placed.y + placed.height / 2 <= layout.height
    assert set(layout.bends) == set(straight)
    for bends in layout.bends.values():
        for x, y in bends:
            for box in layout.boxes.values():
                assert abs(x - box.x) > box.width / 2 or abs(y - box.y) > box.height / 2
    for source, target in straight:
        lower = layout.boxes[source].y > layout.boxes[target].y
        assert lower == ((source, target) in layout.upward)


def test_the_same_graph_gives_the_same_picture(graph: Any) -> None:
    assert draw_svg(graph) == draw_svg(graph)
