"""What a source says carries its number on the image, and the foot says which source that is."""

from datetime import UTC, datetime

from safelight.agent.citing import cited
from safelight.agent.plan import Plan
from safelight.tools.images.canvas.render import draw
from safelight.tools.images.canvas.typeset import Typesetter
from safelight.tools.images.spec import Chart, ImageSpec, Item, Size, StyleSheet
from safelight.tools.source import Source

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def source(number: int, title: str, url: str) -> Source:
    return Source(id=f"s{number}", url=url, title=title, quote="…", read_at=NOW)


SOURCES = (
    source(1, "The school garden, year by year", "file:///home/someone/garden/beds.md"),
    source(2, "Rain barrels", "https://www.example.org/barrels?x=1"),
    source(3, "A very long title " * 8, "https://example.org/long"),
)


def plan_of(*items: Item, **fields: object) -> Plan:
    spec = ImageSpec(index=0, of=1, role="facts", prompt="facts", title="Garden", items=items, **fields)  # type: ignore[arg-type]
    return Plan(intent="facts", style=StyleSheet(), images=(spec,))


def test_numbers_follow_the_order_of_use_and_repeat_for_the_same_source() -> None:
    made = cited(
        plan_of(
            Item(label="Barrels", detail="They hold rain", source="s2"),
            Item(label="14 beds", source="s1"),
            Item(label="Ours", detail="Nobody says so"),
            Item(label="More rain", source="s2"),
        ),
        SOURCES,
    )
    spec = made.images[0]
    assert [item.detail or item.label for item in spec.items] == [
        "They hold rain¹",
        "14 beds²",
        "Nobody says so",
        "More rain¹",
    ]
    assert spec.footnotes == ("1 Rain barrels, example.org", "2 The school garden, year by year")


def test_no_path_of_a_file_and_no_endless_title_gets_onto_the_image() -> None:
    notes = cited(plan_of(Item(label="a", source="s1"), Item(label="b", source="s3")), SOURCES).images[0].footnotes
    assert not any("home" in note or "file:" in note for note in notes)
    assert all(len(note) <= 90 for note in notes)


def test_a_chart_is_cited_and_what_rests_on_nothing_is_not() -> None:
    chart = Chart(categories=("a", "b"), series={"x": (1.0, 2.0)}, source="s2")
    assert cited(plan_of(chart=chart), SOURCES).images[0].footnotes == ("1 Rain barrels, example.org",)
    plain = plan_of(Item(label="a"), Item(label="b", source="s9"))
    assert cited(plain, SOURCES) == plain
    once = cited(plan_of(Item(label="a", source="s1")), SOURCES)
    assert cited(once, SOURCES) == once


def test_the_notes_are_set_at_the_foot() -> None:
    made = cited(plan_of(Item(label="14 beds", source="s1"), size=Size(width=700, height=900)), SOURCES)
    drawn = draw(made.images[0], made.style, 0, Typesetter())
    notes = next(area for area in drawn.areas if "year by year" in area.string)
    others = [area for area in drawn.areas if area is not notes]
    assert all(area.box.bottom <= notes.box.y for area in others)
    assert notes.size < min(area.size for area in others)
    assert any("¹" in area.string for area in others)
    assert not drawn.notes
