"""Briefs in eighteen languages are read as a person would read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from safelight.agent.embedded.language import identify
from safelight.agent.embedded.reading import read
from safelight.agent.embedded.structure import number_in, read_point

BRIEFS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "briefs.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("expected", BRIEFS, ids=[item["brief"][:48] for item in BRIEFS])
def test_a_brief_is_read_as_meant(expected: dict[str, Any]) -> None:
    reading = read(expected["brief"])
    actual = {
        "language": reading.language,
        "output": reading.output,
        "kind": reading.kind,
        "count": reading.count,
        "entries": reading.entries,
        "subject": reading.subject,
        "audience": reading.audience_class,
        "texts": list(reading.texts),
        "points": [point.text for point in reading.points],
        "sides": list(reading.sides),
        "details": list(reading.details),
    }
    wanted = {key: value for key, value in expected.items() if key != "brief"}
    assert {key: actual[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("prompt", "accents"),
    [
        ("Three posters on whales, in blue and orange", {"accent": "#d9711c", "accent2": "#1f5fa8"}),
        ("A red car in front of a blue house", {}),
        ("Ein Plakat in Rot", {"accent": "#c0322b"}),
    ],
)
def test_colors_count_only_where_the_look_is_meant(prompt: str, accents: dict[str, str]) -> None:
    from safelight.agent.embedded.look import palette_of

    palette = palette_of(read(prompt).look.colors)
    assert set(palette.values()) == set(accents.values())


@pytest.mark.parametrize(
    ("prompt", "size"),
    [
        ("A square poster of a whale", (1024, 1024)),
        ("A whale, 1536x1024", (1536, 1024)),
        ("A whale, 16:9", (1344, 752)),
        ("Un cartel vertical de una ballena", (1024, 1448)),
    ],
)
def test_sizes_are_read(prompt: str, size: tuple[int, int]) -> None:
    found = read(prompt).look.size
    assert found is not None
    assert (found.width, found.height) == size


def test_a_time_is_not_an_aspect_ratio() -> None:
    assert read("Poster for a concert at 20:30").look.size is None


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,234", 1234.0),
        ("1.234,5", 1234.5),
        ("12,5", 12.5),
        ("€ 7", 7.0),
        ("-3", -3.0),
        ("1 200", 1200.0),
        ("none", None),
    ],
)
def test_numbers_are_read_in_both_notations(cell: str, number: float | None) -> None:
    assert number_in(cell) == number


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        ("1789: Storming of the Bastille", ("Storming of the Bastille", "", "1789")),
        ("Bruschetta 6 €", ("Bruschetta", "", "6 €")),
        ("Wash: use soap", ("Wash", "use soap", "")),
        ("Walk daily", ("Walk daily", "", "")),
    ],
)
def test_entries_are_taken_apart(entry: str, parts: tuple[str, str, str]) -> None:
    point = read_point(entry)
    assert (point.label, point.detail, point.value) == parts


@pytest.mark.parametrize(
    ("text", "code"),
    [("🦊🦊🦊", "en"), ("123 456", "en"), ("", "en"), ("東京タワーの写真", "ja"), ("привет, нарисуй кота", "ru")],
)
def test_the_language_of_odd_texts(text: str, code: str) -> None:
    assert identify(text) == code
