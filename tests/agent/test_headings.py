# ruff: noqa: E501 (word lists read best in long lines)
"""Briefs that read badly when they were taken word for word: what is set is what a person would have set."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.agent.embedded.headline import headline
from safelight.agent.embedded.reading import read
from safelight.tools.images.canvas.render import draw
from safelight.tools.images.canvas.typeset import Typesetter

from .conftest import planned

TYPESETTER = Typesetter()


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("A recipe poster for grandma's apple pie: 6 apples, 200 g flour, 1 tsp cinnamon", "Grandma's apple pie"),
        ("A recipe card for pancakes in 5 steps: Whisk eggs → Add milk → Stir → Rest → Fry", "Pancakes"),
        ("Плакат о правилах дорожного движения для детей", "О правилах дорожного движения"),
        ("बच्चों के लिए हाथ धोने पर एक पोस्टर", "हाथ धोना"),
        ("Speisekarte für das Café Luna: Espresso 2,50 €, Suppe 6,50 €, Tee 3 €", "Café Luna"),
        ("Ein Plakat über Mülltrennung für unser Büro", "Mülltrennung"),
        ("夏祭りのポスター「花火大会」、8月3日19時、隅田川", "花火大会"),
        ("Two friends on a park bench, a poster of support and hope", "Support and hope"),
    ],
)
async def test_titles(prompt: str, title: str) -> None:
    assert (await planned(prompt)).images[0].title == title


async def test_amounts_are_values_and_no_chart() -> None:
    spec = (await planned("A recipe for apple pie: 6 apples, 200 g flour, 80 g sugar, 1 tsp cinnamon")).images[0]
    assert spec.chart is None
    assert [(item.value, item.label) for item in spec.items] == [
        ("6", "Apples"), ("200 g", "Flour"), ("80 g", "Sugar"), ("1 tsp", "Cinnamon"),
    ]  # fmt: skip


async def test_an_event_says_where_and_when_in_one_line() -> None:
    spec = (await planned("An event poster: “Night of the Stars” at the observatory, Friday 20 March at 7 pm")).images[
        0
    ]
    assert spec.subtitle == "At the observatory, Friday 20 March at 7 pm"
    spec = (await planned("夏祭りのポスター「花火大会」、8月3日19時、隅田川")).images[0]
    assert spec.subtitle == "8月3日19時・隅田川"


async def test_cards_show_what_they_name() -> None:
    made = await planned("Four cards with animals for a kindergarten: fox, frog, whale, penguin", n=4)
    assert [spec.title for spec in made.images] == ["Fox", "Frog", "Whale", "Penguin"]
    assert [spec.subject for spec in made.images] == ["fox", "frog", "whale", "penguin"]
    assert made.style.direction == "playful"


async def test_what_a_thing_is_for_is_no_part_of_its_name() -> None:
    made = await planned("Compare bicycles and cars for the city, as an infographic")
    assert [item.label for item in made.images[0].items] == ["Bicycles", "Cars"]
    assert "infographic" not in " ".join(made.images[0].texts())


def test_years_before_the_era_do_not_end_a_sentence() -> None:
    points = read("Eine Zeitleiste der Schrift: 3200 v. Chr. Keilschrift, 105 Papier in China, 1450 Buchdruck").points
    assert [(point.value, point.label) for point in points] == [
        ("3200 v. Chr.", "Keilschrift"), ("105", "Papier in China"), ("1450", "Buchdruck"),
    ]  # fmt: skip


def test_arabic_counts_two_in_one_word() -> None:
    reading = read("دليل مصور من جزأين عن كيفية صنع الخبز")
    assert (reading.count, reading.subject) == (2, "كيفية صنع الخبز")


def test_a_heading_is_left_alone_where_nothing_bends_it() -> None:
    assert headline("A poster about bees", "bees", "en") == "bees"
    assert headline("Ein Plakat: Der Fuchs", "Der Fuchs", "de") == "Der Fuchs"
    assert headline("Плакат: пчёлы", "пчёлы", "ru") == "пчёлы"


@pytest.mark.parametrize("language", ["en", "de", "he", "ar", "ru", "hi"])
def test_where_nothing_is_left_nothing_is_made(language: str) -> None:
    assert headline("כרזה für 42", "", language) == ""


WORDS = st.sampled_from(
    [
        "A poster about", "for kids:", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "🎉", "🦊🌙", "١٢٣ كتابا", "خط زمني", "שלום 42", "「花火」", "3 steps:", "1.", "2)", "→", "“quoted”", "12,50 €", "200 g flour",
        "ประเทศไทย", "हाथ धोना", "\n", "-", "vs", "as a timeline", "1969 Moon", "in blue", "the", "Ελλάδα", "ﬁ", "a\u0301",
    ]
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WORDS, min_size=1, max_size=30).map(" ".join).filter(str.strip), st.sampled_from([None, 1, 3]))
async def test_no_brief_breaks_a_page(prompt: str, n: int | None) -> None:
    made = await planned(prompt, n=n, size="384x384")
    spec, style = made.images[-1], made.style
    for area in draw(spec, style, 0, TYPESETTER).areas:
        assert -1 <= area.box.x <= area.box.right <= 385
        assert -1 <= area.box.y <= area.box.bottom <= 385
        assert area.contrast >= 4.5


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=5000).filter(str.strip))
async def test_no_text_at_all_breaks_a_plan(prompt: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in prompt):
        return
    made = await planned(prompt, n=2)
    assert len(made.images) == 2
