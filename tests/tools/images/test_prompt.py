"""A spec as a prompt for an image model: all of it, nothing that its guard has not judged, within bounds."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.tools.images.prompt import MAX_PROMPT_CHARS, image_prompt, short_prompt
from safelight.tools.images.spec import Chart, ImageSpec, Item, StyleSheet, prompt_text

WORDS = st.text(st.characters(min_codepoint=0x3B1, max_codepoint=0x3C9), min_size=1, max_size=12)  # no English letter
SPECS = st.builds(
    ImageSpec,
    index=st.just(1),
    of=st.integers(2, 8),
    prompt=WORDS,
    title=WORDS,
    subtitle=WORDS,
    items=st.lists(st.builds(Item, label=WORDS, detail=WORDS, value=WORDS), max_size=3).map(tuple),
    caption=WORDS,
    quote=WORDS,
    instruction=WORDS,
    edit_of=st.sampled_from([None, "sha256:0"]),
    chart=st.none()
    | st.builds(
        Chart,
        x_title=WORDS,
        categories=st.tuples(WORDS),
        series=st.dictionaries(WORDS, st.tuples(st.floats(0, 9)), max_size=2),
    ),
)
STYLES = st.builds(
    StyleSheet,
    motif=WORDS,
    tone=WORDS,
    audience=WORDS,
    subjects=st.dictionaries(WORDS, WORDS, max_size=3),
    palette=st.dictionaries(WORDS | st.just("ink"), WORDS, max_size=3),
)


@settings(deadline=None)
@given(SPECS, STYLES)
def test_every_word_of_a_spec_that_a_model_reads_was_judged(spec: ImageSpec, style: StyleSheet) -> None:
    judged = prompt_text(spec, style)
    for prompt in (image_prompt(spec, style), short_prompt(spec, style)):
        for word in re.findall(r"[\u03b1-\u03c9]+", prompt):
            assert word in judged


def test_the_prompt_says_what_to_show_which_text_to_set_and_what_stays_the_same() -> None:
    spec = ImageSpec(
        index=1, of=3, prompt="Mira waters the beans", title="Day two", items=(Item(label="Water", value="200 ml"),)
    )
    style = StyleSheet(subjects={"Mira": "a girl with red braids"}, palette={"ink": "#102030"}, motif="a watering can")
    prompt = image_prompt(spec, style)
    for part in ("Mira waters the beans", "image 2 of 3", "red braids", "#102030", "watering can", "“Day two”"):
        assert part in prompt
    assert "“200 ml — Water”" in prompt
    assert "and no other" in prompt


def test_an_image_without_text_is_asked_to_have_none() -> None:
    assert "No text" in image_prompt(ImageSpec(index=0, of=1, prompt="a hill"), StyleSheet())


def test_an_edit_says_what_changes_and_that_the_rest_stays() -> None:
    spec = ImageSpec(index=0, of=1, prompt="x", edit_of="sha256:0", instruction="make it night", markup="sha256:1")
    prompt = image_prompt(spec, StyleSheet())
    assert "make it night" in prompt
    assert "overlay" in prompt
    assert "Keep everything else" in prompt


def test_a_prompt_is_never_too_long_for_the_service() -> None:
    spec = ImageSpec(index=0, of=1, prompt="long " * 10_000)
    assert len(image_prompt(spec, StyleSheet())) == MAX_PROMPT_CHARS
