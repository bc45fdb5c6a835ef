"""Edits of our own images change what they were drawn from."""

import pytest

from safelight.agent.brief import Brief
from safelight.agent.embedded.bundled import load
from safelight.agent.embedded.reading import read
from safelight.agent.embedded.replan import Earlier, Replanned, replan
from safelight.tools.images.spec import ImageSpec, Item, Size, StyleSheet

TARGET = "sha256:" + "a" * 64
EARLIER = Earlier(
    ImageSpec(
        index=2,
        of=4,
        role="step",
        prompt="A step image.",
        title="Bake the bread",
        subtitle="Heat sets the shape",
        items=(Item(label="Hot oven"), Item(label="Cool")),
        caption="How bread is made",
        subject="bread",
    ),
    StyleSheet(direction="papercut", seed=1),
)


def changed(instruction: str, **brief: object) -> Replanned | None:
    return replan(Brief(prompt=instruction, **brief), read(instruction), EARLIER, TARGET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instruction", "field", "value"),
    [
        ("Change the title to “Bake it hot”", "title", "Bake it hot"),
        ("Replace “bread” with “rolls”", "title", "Bake the rolls"),
        ("Change the subtitle to “Patience pays”", "subtitle", "Patience pays"),
        ("Without the subtitle, please", "subtitle", ""),
        ("The same as a square", "size", Size(width=1024, height=1024)),
    ],
)
def test_one_thing_changes_and_all_else_stays(instruction: str, field: str, value: object) -> None:
    made = changed(instruction)
    assert made is not None
    spec, style = made.spec, made.style
    assert getattr(spec, field) == value
    assert style == EARLIER.style
    fixed = {"title", "subtitle", "items", "subject", "role"} - {field, "caption"}
    if "“bread”" not in instruction:
        assert all(getattr(spec, name) == getattr(EARLIER.spec, name) for name in fixed)
    assert (spec.index, spec.of, spec.edit_of, spec.redraw) == (0, 1, TARGET, True)


def test_look_and_subject_change() -> None:
    made = changed("The same as a chalkboard")
    assert made is not None
    assert made.style.direction == "chalkboard"
    made = changed("In blue")
    assert made is not None
    assert made.style.palette["accent"] != ""
    made = changed("A cake instead of the bread")
    assert made is not None
    assert made.spec.subject == "cake"
    made = changed("Another version")
    assert made is not None
    assert made.style.seed == EARLIER.style.seed + 1


@pytest.mark.parametrize("instruction", ["Make it black and white", "Crop it to a square", "Blur the left half", "Hmm"])
def test_what_concerns_the_pixels_is_left_to_them(instruction: str) -> None:
    assert changed(instruction) is None


def test_another_language_takes_what_is_written_in_both_and_says_what_is_not() -> None:
    outline = load("topics/bread")["texts"]
    english, german = outline["en"][1], outline["de"][1]
    spec = EARLIER.spec.model_copy(
        update={
            "title": english[0],
            "subtitle": english[1],
            "items": tuple(Item(label=row[0], detail=row[1]) for row in english[2:]),
            "caption": "Our own bakery",
        }
    )
    instruction = "The same in German"
    made = replan(Brief(prompt=instruction), read(instruction), Earlier(spec, EARLIER.style), TARGET)
    assert made is not None
    assert (made.spec.language, made.spec.title, made.spec.subtitle) == ("de", german[0], german[1])
    assert [item.label for item in made.spec.items] == [row[0] for row in german[2:]]
    assert made.spec.caption == "Our own bakery"
    assert made.spec.redraw
    assert any("Our own bakery" in note for note in made.notes)


def test_what_is_known_in_one_language_only_is_not_redrawn_in_another() -> None:
    instruction = "The same in Japanese"
    ours = EARLIER.spec.model_copy(update={"title": "Our bakery", "items": (Item(label="Open from six"),)})
    assert replan(Brief(prompt=instruction), read(instruction), Earlier(ours, EARLIER.style), TARGET) is None
