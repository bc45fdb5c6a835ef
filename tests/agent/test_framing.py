"""What a brief is about, and what it only says around that."""

import pytest

from safelight.agent.embedded.reading import read

from .conftest import planned


@pytest.mark.parametrize(
    ("prompt", "kind", "subject", "audience"),
    [
        ("A kids' guide to recycling, 4 images", "guide", "recycling", "kids"),
        ("Kids’ guide to volcanoes", "guide", "volcanoes", "Kids"),
        ("A portrait of a weary soldier at dusk", "scene", "a weary soldier at dusk", ""),
        ("Инфографика: как выбрать велосипед, 4 картинки", "infographic", "как выбрать велосипед", ""),
        ("Infographic: how to choose a bicycle, 4 images", "infographic", "how to choose a bicycle", ""),
    ],
)
def test_framing_is_told_from_the_subject(prompt: str, kind: str, subject: str, audience: str) -> None:
    found = read(prompt)
    assert (found.kind, found.subject, found.audience) == (kind, subject, audience)


async def test_the_day_of_an_event_is_set_whatever_else_is_quoted() -> None:
    plan = await planned("Poster for “Jazz in the Park”, Sunday 14 June, 6 pm, Riverside Gardens, free entry")
    said = " ".join(plan.images[0].texts())
    for word in ("Jazz in the Park", "Sunday 14 June", "6 pm", "Riverside Gardens", "Free entry"):
        assert word in said


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Safety notice: wet floor, keep left, no running", "Safety notice"),
        ("Eine Zeitleiste der Schrift: 3200 v. Chr. Keilschrift, 105 Papier", "Zeitleiste der Schrift"),
        ("כרזה לפסטיבל הקיץ בתל אביב, 12 ביולי, 20:00", "פסטיבל הקיץ בתל אביב"),
        ("ملصق للمهرجان الصيفي", "المهرجان الصيفي"),
        ("Birthday card for my daughter Lena", "Happy birthday!"),
    ],
)
async def test_headings_read_as_headings(prompt: str, title: str) -> None:
    assert (await planned(prompt)).images[0].title == title


def test_an_english_list_of_foreign_things_is_english() -> None:
    found = read("Ingredients of guacamole: 3 avocados, 1 tomato, 1 onion, 1 lime")
    assert found.language == "en"
    assert [(point.value, point.label) for point in found.points[:2]] == [("3", "avocados"), ("1", "tomato")]


async def test_a_card_is_addressed_by_name() -> None:
    assert (await planned("Birthday card for my daughter Lena, who loves dinosaurs")).images[0].subtitle == "Lena"


@pytest.mark.parametrize(
    ("prompt", "role", "entries"),
    [
        ("A comic page about a cat astronaut, 4 panels", "panels", 4),
        ("Butterfly life cycle: egg → caterpillar → chrysalis → butterfly, as a diagram", "cycle", 4),
        ("A diagram of a bicycle: Frame, Fork, Saddle", "diagram", 3),
        ("A map of our farm: Barn, Orchard, Pond", "map", 3),
    ],
)
async def test_what_is_asked_for_decides_the_page(prompt: str, role: str, entries: int) -> None:
    plan = await planned(prompt)
    assert len(plan.images) == 1
    assert (plan.images[0].role, len(plan.images[0].items)) == (role, entries)
