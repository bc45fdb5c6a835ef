"""The text encoder: every text is read once, whoever asks, and by itself."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from safelight.errors import ConfigError
from safelight.safety.moderators.encoder import WIDTH, Encoder, shared_encoder


class Counting(Encoder):
    """The real encoder around a model that counts what it is asked, and answers when it may."""

    def __init__(self, *, cached: int = 100) -> None:
        super().__init__(cached=cached)
        self.read: Counter[str] = Counter()
        self.broken: set[str] = set()
        self.may_answer = threading.Event()
        self.may_answer.set()

        def query(texts: list[str]) -> Any:
            self.read.update(texts)
            self.may_answer.wait(20)
            if self.broken & set(texts):
                raise RuntimeError("out of memory")
            return np.array([[float(len(text))] * 384 for text in texts], np.float32)

        minilm = SimpleNamespace(
            get_inputs=lambda: [SimpleNamespace(name="input_ids")],
            run=lambda *_: (np.zeros((1, 2), np.float32), np.zeros((1, 3, 384), np.float32)),
        )
        tokenizer = SimpleNamespace(encode=lambda text: SimpleNamespace(ids=[1, 2, 3]))
        self._models = (SimpleNamespace(query=query), minilm, tokenizer)


def test_a_text_is_read_once_also_where_many_ask_at_the_same_time() -> None:
    encoder = Counting()
    encoder.may_answer.clear()
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(encoder.encode, ["a fox", "a hen", f"only {number}"]) for number in range(6)]
        encoder.may_answer.set()
        answers = [future.result() for future in asked]
    assert all(answer.shape == (3, WIDTH) for answer in answers)
    assert all((answer[0] == answers[0][0]).all() for answer in answers)
    encoder.encode(["a hen", "a fox"])
    assert encoder.read == Counter(["a fox", "a hen", *(f"only {number}" for number in range(6))])


def test_a_failure_is_told_to_all_who_asked_and_not_remembered() -> None:
    encoder = Counting()
    encoder.broken.add("a fox")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            encoder.encode(["a hen", "a fox"])
    assert encoder.read["a fox"] == 2
    assert encoder.read["a hen"] == 1
    encoder.broken.clear()
    assert encoder.encode(["a fox"])[0, 0] == len("a fox")


@pytest.mark.parametrize("cached", [0, 2])
def test_it_keeps_as_many_texts_as_it_was_told(cached: int) -> None:
    encoder = Counting(cached=cached)
    for text in ("one", "two", "three", "two", "three", "one"):
        assert encoder.encode([text, text])[1, 0] == len(text)
    assert encoder.read == Counter({"one": 2, "two": 1 if cached else 2, "three": 1 if cached else 2})
    assert encoder.encode([]).shape == (0, WIDTH)


def test_numbers_of_the_wrong_shape_are_no_embedding() -> None:
    encoder = Counting()
    encoder._models = (SimpleNamespace(query=lambda texts: np.zeros((1, 3), np.float32)), *(encoder._models or ())[1:])
    with pytest.raises(ConfigError, match="something other than embeddings"):
        encoder.encode(["a fox"])


def test_the_real_numbers_of_a_text_do_not_depend_on_its_neighbors() -> None:
    texts = ["A cat on a window sill", "\0nul and \ud800 half a pair", "x" * 3000]
    fresh = Encoder()
    fresh._models = shared_encoder()._loaded()
    together = fresh.encode(texts)
    for text, row in zip(reversed(texts), together[::-1], strict=True):
        np.testing.assert_array_equal(shared_encoder().encode([text])[0], row)


def test_what_is_remembered_is_not_read_anew() -> None:
    encoder = Encoder()
    numbers = np.arange(2 * WIDTH, dtype=np.float32).reshape(2, WIDTH)
    encoder.remember(["a", "b"], numbers)
    assert np.array_equal(encoder.encode(["b", "a", "b"]), numbers[[1, 0, 1]])
    assert encoder._models is None, "nothing had to be loaded"
