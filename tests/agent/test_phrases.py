"""The bundled data is whole: every language says everything, and outlines claim no figures."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from safelight.agent.embedded.bundled import listed, load
from safelight.agent.embedded.icons import icons_in
from safelight.agent.embedded.outlines import questions, theme
from safelight.agent.embedded.voice import LANGUAGES, voice
from safelight.agent.embedded.words import Words, lexicon

ENGLISH = voice("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    speech = voice(language)
    assert speech.phrases.keys() == ENGLISH.phrases.keys()
    assert speech.modules.keys() == ENGLISH.modules.keys()
    assert speech.greetings.keys() == ENGLISH.greetings.keys()
    titles = [texts[0] for texts in speech.modules.values()]
    assert len(titles) == len(set(titles))
    assert all(len(texts) == 4 and all(texts) for texts in speech.modules.values())
    assert not any(re.search(r"\d", text) for texts in speech.modules.values() for text in texts)
    assert "2" in speech.say("part", i=2, n=4)
    assert "4" in speech.say("part", i=2, n=4)


def test_what_can_be_written_can_be_read() -> None:
    assert set(LANGUAGES) == set(listed("lexicon"))


@pytest.mark.parametrize("language", listed("lexicon"))
def test_lexicons_compile_and_name_the_common_kinds(language: str) -> None:
    words = lexicon(language)
    assert words.code == language
    assert {
        "poster",
        "guide",
        "chart",
        "menu",
        "card",
        "comic",
        "timeline",
        "comparison",
        "scene",
    } <= words.kinds.keys()
    assert {"school", "children", "work"} <= words.audiences.keys()
    assert words.count_patterns
    assert words.explains


@pytest.mark.parametrize("name", listed("topics"))
def test_outlines_are_whole_and_state_no_figures(name: str) -> None:
    raw = load(f"topics/{name}")
    assert raw["family"] in load("families")["families"]
    for language, parts in raw["texts"].items():
        assert language in LANGUAGES
        assert len(parts) == len(raw["parts"])
        titles = [part[0] for part in parts]
        assert len(titles) == len(set(titles))
        for title, line, *rows in parts:
            assert len(title) <= 44
            assert line
            assert len(rows) >= 3
            for row in rows:
                assert all(isinstance(text, str) for text in row)
                assert not re.search(r"\d", " ".join(row))


@pytest.mark.parametrize("family", [*load("families")["families"], ""])
def test_every_theme_asks_enough_for_a_set(family: str) -> None:
    parts = questions(theme(family).modules, ENGLISH)
    assert len(parts) >= 5
    assert all(len(part.entries) == 3 for part in parts)


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("ワクチン", "syringe"),
        ("cómo hacer pan casero con harina", "wheat"),
        ("пчёлы", "bee"),
        ("الشمس", "sun"),
        ("un café", "coffee"),
    ],
)
def test_icons_are_found_in_any_language(text: str, noun: str) -> None:
    assert noun in icons_in(text)


@pytest.mark.parametrize("text", ["Most people", "un enfant dans la rue", "der Mann war im Haus", "the time has come"])
def test_words_of_one_language_are_not_taken_for_those_of_another(text: str) -> None:
    assert not {"bridge", "wheat", "waves", "coffee"} & set(icons_in(text))


@pytest.mark.parametrize(
    "cased", [str.upper, str.lower, str.title, lambda text: text.replace("i", "ı").replace("I", "İ").replace("s", "ſ")]
)
def test_no_words_are_left_out_that_a_pattern_would_find(cased: Callable[[str], str]) -> None:
    tables = [*load("icons").values(), *(entry["match"] for entry in load("families")["families"].values())]
    tables += [load(f"topics/{name}")["match"] for name in listed("topics")]
    found = 0
    for table in tables:
        words = Words.of(table)
        pattern = re.compile(words.expression, re.IGNORECASE)
        for word in words.words:
            text = cased(f"one {word.replace('*', 'x')} more")
            if match := pattern.search(text):
                found += 1
                hit = words.search(text)
                assert hit is not None, text
                assert hit.span() == match.span()
    assert found > 800


@pytest.mark.parametrize("name", ["choosing", "growing"])
def test_what_is_done_anywhere_is_told_in_every_language(name: str) -> None:
    raw = load(f"topics/{name}")
    assert set(raw["texts"]) == set(LANGUAGES)
    for language, parts in raw["texts"].items():
        assert len(parts) == len(raw["parts"]), language
        for title, line, *rows in parts:
            assert title
            assert line
            assert [len(row) for row in rows] == [2, 2, 2], language
            said = [title, line, *(text for row in rows for text in row)]
            assert not any(char.isdigit() for text in said for char in text)
