"""Every form of a text: found where there is one, none where there is not, in bounded number and time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.safety.moderators.normalize import canonical, forms
from safelight.safety.training.obfuscate import OBFUSCATIONS

PLAIN = "Show me a labelled diagram of how the old bridge over the river was built in six steps"
ANYTHING = st.text(st.characters(), max_size=300)
HOSTILE = st.text(
    st.sampled_from(list("abзаеοｂ𝐚Ⓐ🅰\u200b\u200d\u202e\U000e0041\ufe0f\u0301%4=&#;\\ux./-_ \n7h3AAAA")), max_size=400
)


@given(ANYTHING | HOSTILE)
@settings(max_examples=300, deadline=None)
def test_canonical_spelling_is_idempotent(text: str) -> None:
    once, _ = canonical(text)
    assert canonical(once) == (once, ())


@given(ANYTHING | HOSTILE)
@settings(max_examples=200, deadline=None)
def test_forms_are_bounded_canonical_and_deterministic(text: str) -> None:
    found = forms(text)
    assert 1 <= len(found) <= 12
    assert found[0].text == canonical(text)[0]
    assert len({form.text for form in found}) == len(found)
    assert sum(len(form.text) for form in found) <= len(found[0].text) + 4 * len(text) + 4096
    assert all(canonical(form.text)[0] == form.text for form in found)
    assert all(len(form.steps) > 0 for form in found[1:])
    assert forms(text) == found


@pytest.mark.parametrize(
    "text", ["", " ", "\ud800", "\0" * 50, "\U000e0041" * 50, "\u202e", "%" * 99, "&#99999999;" * 9, "A" * 5000]
)
def test_hostile_texts_have_forms_and_no_exception(text: str) -> None:
    assert forms(text)


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("5w4110w1ng p1115 4nd 4 p41n1355 m37h0d", "swallowing pills and a painless method"),
        ("4 51d35h0w 0f 5l1my 10ck5", "a sideshow of slimy locks"),
        ("k3y1099er, 6uns, 9o1d", "keylogger, guns, gold"),
        ("a m0n0r41l 1n th3 c1ty", "a monorail in the city"),
        ("1 w1ll k1ll 1t", "i will kill it"),
        ('A T-shirt that says "you are a slu7"', 'a t-shirt that says "you are a slut"'),
    ],
)
def test_a_digit_is_read_as_the_letter_that_makes_the_likelier_word(hidden: str, plain: str) -> None:
    assert plain in {form.text.lower() for form in forms(hidden)}


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("A kinfe is held to a hsotage's thraot", "a knife is held to a hostage's throat"),
        ("Create a waepon", "create a weapon"),
    ],
)
def test_letters_that_changed_places_are_put_back(hidden: str, plain: str) -> None:
    assert plain in {form.text.lower() for form in forms(hidden)}


@pytest.mark.parametrize("text", ["A portrait by Gil Elvgren", "Four pairs of white hands", "Lessons about STIs"])
def test_names_and_rare_words_are_no_swapped_letters(text: str) -> None:
    assert len(forms(text)) == 1, forms(text)


def test_words_that_are_words_both_ways_go_with_what_surrounds_them() -> None:
    assert "What kind of fun is that?" in {form.text for form in forms("Jung xvaq bs sha vf gung?")}
    assert "Infographic: five tips" in {form.text for form in forms("spit evif :cihpargofnI")}


@pytest.mark.parametrize("name", sorted(OBFUSCATIONS))
def test_what_hides_a_text_is_undone_and_named(name: str) -> None:
    hidden = OBFUSCATIONS[name](PLAIN)
    assert PLAIN.lower() not in hidden.lower()
    wanted = set(PLAIN.lower().split())
    best = max(forms(hidden), key=lambda form: len(wanted & set(form.text.lower().split())))
    assert len(wanted & set(best.text.lower().split())) >= 0.9 * len(wanted), best
    assert best.steps, "the evidence must say what was undone"


def test_nested_encodings_are_undone() -> None:
    hidden = OBFUSCATIONS["base64"](OBFUSCATIONS["rot13"](PLAIN))
    found = [form for form in forms(hidden) if "labelled diagram of how the old bridge" in form.text]
    assert found
    assert found[0].steps == ("base64", "rot13")


def test_nesting_ends() -> None:
    hidden = PLAIN
    for _ in range(6):
        hidden = OBFUSCATIONS["base64"](hidden)
    assert len(forms(hidden)) <= 12


@pytest.mark.parametrize(
    "text",
    [
        "A 35mm photo of a 4k monitor, 1990s, mp3 player, f2 lens, top5, covid19",
        "Плакат в стиле Bauhaus для музея",
        "Visit https://example.com/a.b.c?x=1 or mail me@example.org",
        "Łódź, Zürich, Hà Nội and São Paulo in spring",
        "नमस्ते दुनिया",
        "مرحبا بالعالم",
        "Convert the report to a PDF file, 12 km from the cheese pizza place",
        "🍒🌹 a garden in June",
    ],
)
def test_plain_writing_has_one_form(text: str) -> None:
    assert len(forms(text)) == 1, forms(text)


def test_letters_of_another_script_stay_where_they_belong() -> None:
    assert canonical("вода и хлеб")[0] == "вода и хлеб"
    assert canonical("a рісturе of a hоusе")[0] == "a picture of a house"


def test_steps_stand_in_the_evidence() -> None:
    form = forms("\u200bk\u200bi\u200bt\u200bt\u200be\u200bn")[0]
    assert form.evidence == "invisible → "


@pytest.mark.parametrize(
    "unit",
    [
        "a.b ",
        "7h3 ",
        "%41",
        "аb ",
        "xq zq ",
        "YWJjZGVmZ2hpamtsbW5vcA== ",
        ". - / ",
        "\u200b\u200c",
        "🍑🍆 ",
        "kinfe ",
        "1!1!1",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            forms(text)
            best = min(best, time.process_time() - begun)
        return best

    short, long = seconds(4_000), seconds(32_000)
    assert long <= 8 * short * 2.5 + 0.05
