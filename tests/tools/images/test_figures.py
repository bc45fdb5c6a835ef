# ruff: noqa: E501 (word lists read best in long lines)
"""The bundled figures are whole, found by their nouns, and shown by rules that a designer would name."""

import random
import re

import numpy as np
import pytest

from safelight.tools.images.canvas.direction import directions, resolve
from safelight.tools.images.canvas.figure_mark import figure_mark
from safelight.tools.images.canvas.figures import HOVERING, _index, _load, figure, figures_in, find_figure
from safelight.tools.images.canvas.imprint import NO_PHOTOGRAPH, imprinted
from safelight.tools.images.canvas.layouts.cells import _FORBIDDEN
from safelight.tools.images.canvas.layouts.frame import Sheet, start
from safelight.tools.images.canvas.layouts.marks import cast, marks_for
from safelight.tools.images.canvas.layouts.parts import _table, part_spots
from safelight.tools.images.canvas.layouts.prices import is_priced
from safelight.tools.images.canvas.page import Box, Page, Setting
from safelight.tools.images.canvas.render import draw
from safelight.tools.images.canvas.typeset import Typesetter
from safelight.tools.images.spec import ImageSpec, Item, Size, StyleSheet

CELL = 40


def spec_of(**fields: object) -> ImageSpec:
    return ImageSpec(**{"index": 0, "of": 1, "prompt": "", "size": Size(width=512, height=512), **fields})


def test_words_and_hovering_name_figures_that_exist():
    assert set(_index().values()) <= set(_load())
    assert set(_load()) >= HOVERING


def test_every_figure_is_drawn_inside_its_box():
    names = list(_load())
    columns = 30
    art = resolve(StyleSheet(direction="editorial"))
    marks = "".join(
        figure_mark(figure(name), Box(i % columns * CELL + 4, i // columns * CELL + 4, CELL - 8, CELL - 8), art)
        for i, name in enumerate(names)
    )
    w, h = columns * CELL, -(-len(names) // columns) * CELL
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}"><rect width="{w}" height="{h}" fill="#ff00ff"/>{marks}</svg>'
    inked = np.any(Typesetter().paint(svg, w, h)[..., :3] != (255, 0, 255), axis=-1)
    for i, name in enumerate(names):
        cell = inked[i // columns * CELL : (i // columns + 1) * CELL, i % columns * CELL : (i % columns + 1) * CELL]
        assert cell[4:-4, 4:-4].mean() > 0.04, f"{name} is nearly blank"
        assert not cell[:2].any(), f"{name} spills out of its box"
        assert not cell[:, :2].any(), f"{name} spills out of its box"


@pytest.mark.parametrize("direction", sorted(directions()))
def test_a_direction_keeps_the_colors_of_a_figure_apart(direction):
    for name in ("fox", "bread", "astronaut", "seedling"):
        drawn = figure_mark(figure(name), Box(0, 0, 100, 100), resolve(StyleSheet(direction=direction)), "", 1.0)
        fills = set(re.findall(r'fill="(#[0-9a-f]{6})"', drawn))
        assert len(fills) >= 2, name


@pytest.mark.parametrize(
    ("noun", "name"),
    [
        ("virus", "microbe"), ("volcanoes", "volcano"), ("bake sale", "cupcake"), ("traffic light", "vertical-traffic-light"),
        ("Friends", "people"), ("berries", "blueberries"), ("leaves", "herb"), ("cherries", "cherries"),
    ],
)  # fmt: skip
def test_nouns_find_figures(noun, name):
    found = find_figure(noun)
    assert found is not None
    assert found.name == name


def test_no_figure_is_better_than_a_wrong_one():
    assert find_figure("justice of the peace") is None
    assert find_figure("") is None
    assert figures_in("what we look at and find") == []


def test_the_hero_is_what_the_title_is_about():
    def hero(title: str, subject: str, role: str = "cover") -> str:
        return cast(spec_of(role=role, title=title, subject=subject))[0].name

    assert hero("School bake sale", "school") == "cupcake"
    assert hero("Grandma's apple pie", "old-woman") == "pie"
    assert hero("Test it with care", "clipboard-list") == "clipboard"
    assert [mark.name for mark in cast(spec_of(role="scene", title="Owl", subject="bird"))] == ["owl"]


def test_a_row_of_marks_is_of_one_kind():
    mixed = (Item(label="Wash", icon="soap"), Item(label="Think", icon="percent"), Item(label="Eat", icon="apple"))
    assert len({type(mark) for mark in marks_for(mixed, "en") if mark}) == 1
    food = (Item(label="Apples"), Item(label="Butter"), Item(label="Eggs"))
    assert [mark.name for mark in marks_for(food, "en") if mark] == ["red-apple", "butter", "egg"]


def test_prices_stand_in_one_column_to_the_right():
    items = tuple(
        Item(label=label, value=value) for label, value in (("Soup", "5 €"), ("Stew", "12,50 €"), ("Tea", "3 €"))
    )
    assert is_priced(items)
    assert not is_priced((Item(label="Mix", value="10 min"), *items[:2]))
    drawn = draw(spec_of(role="list", title="Menu", items=items), StyleSheet(direction="chalkboard"), 0, Typesetter())
    prices = [area.box for area in drawn.areas if area.id.startswith("v")]
    assert len(prices) == 3
    assert max(box.right for box in prices) - min(box.right for box in prices) < 3


@pytest.mark.parametrize(
    ("prompt", "language", "caption"),
    [
        ("A scene about a photorealistic portrait of a fisherman", "en", "Illustrated card, not a photograph"),
        ("Ein fotorealistisches Bild vom Hafen", "de", "Illustrierte Karte, keine Fotografie"),
        ("A paper-cut harbor", "en", ""),
    ],
)
def test_what_is_no_photograph_says_so(prompt, language, caption):
    spec, notes = imprinted(spec_of(prompt=prompt, language=language))
    assert spec.caption == caption
    assert notes == ((NO_PHOTOGRAPH,) if caption else ())


def sheet_of(title: str, subject: str, place: str = "", **fields: object) -> Sheet:
    spec = spec_of(title=title, subject=subject, **fields)
    art = resolve(StyleSheet(direction="editorial"))
    page = Page(512, 512, art, Setting(Typesetter(), "en", False))
    return start(
        spec, StyleSheet(direction="editorial", subjects={"main": place} if place else {}), page, random.Random(1)
    )


def test_boats_ride_on_water_and_pots_stand_ashore():
    assert sheet_of("", "ship", "a harbor city at night (ship)").place == "harbor"
    assert sheet_of("", "lighthouse", "a lighthouse in a storm (lighthouse)").place == "storm"
    assert sheet_of("Harbor soup", "soup", "a harbor kitchen (soup)").place not in {"harbor", "sea", "storm", "lake"}


def test_every_part_lies_on_its_figure():
    for name, places in _table().items():
        svg = figure_mark(figure(name), Box(0, 0, 320, 320), resolve(StyleSheet(direction="editorial")))
        whole = f'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 320 320"><rect width="320" height="320" fill="#ff00ff"/>{svg}</svg>'
        inked = np.any(Typesetter().paint(whole, 320, 320)[..., :3] != (255, 0, 255), axis=-1)
        for word, (x, y) in places.items():
            spot = inked[round(y * 10) - 8 : round(y * 10) + 8, round(x * 10) - 8 : round(x * 10) + 8]
            assert spot.any(), f"{word} is not on the {name}"


def test_a_diagram_points_at_parts_only_where_it_knows_all_of_them():
    items = tuple(Item(label=label) for label in ("Frame", "Saddle", "Chain"))
    assert len(part_spots(sheet_of("Bicycle", "bike"), items)) == 3
    assert part_spots(sheet_of("Bicycle", "bike"), (*items, Item(label="Soul"))) == []
    assert part_spots(sheet_of("Whale", "whale"), items) == []


@pytest.mark.parametrize(("label", "forbidden"), [
    ("No running", True), ("Nicht rauchen", True), ("禁止駐車", True), ("Ne pas courir", True),
    ("Norwegian wood", False), ("Keep left", False), ("Niece", False),
])  # fmt: skip
def test_what_a_label_forbids_is_crossed_out(label, forbidden):
    assert bool(_FORBIDDEN.search(label)) is forbidden
