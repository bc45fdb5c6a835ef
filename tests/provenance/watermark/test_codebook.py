"""Marks that cannot be read, told from all that were made: which one it is, how surely, and never by chance."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from safelight.provenance.watermark import Marked, SpreadSpectrum
from safelight.provenance.watermark import codebook as codebook_module
from safelight.provenance.watermark.code import encode
from safelight.provenance.watermark.codebook import FALSE_ALARM, Codebook, Match

from ..conftest import SECRET, decoded, encoded, graphic, photo

ENGINE = SpreadSpectrum(SECRET)


def marks(count: int, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [rng.bytes(12) for _ in range(count)]


def codebook_of(known: list[bytes]) -> Codebook:
    made = Codebook()
    for mark in known:
        made.add(mark)
    return made


def trace_of(mark: bytes) -> Any:
    """What the mark leaves where nothing is lost."""
    return 1 - 2.0 * encode(np.unpackbits(np.frombuffer(mark, np.uint8)))


def test_each_of_thousands_of_marks_is_told_from_the_others() -> None:
    known = marks(3000)
    made, noise = codebook_of(known), np.random.default_rng(1)
    assert len(made) == 3000
    for number in (0, 1, 1500, 2999):
        traces = noise.standard_normal((5, 384))
        traces[3] += 0.6 * trace_of(known[number])  # below what decoding takes
        found = made.match(traces)
        assert found is not None
        assert (found.mark, found.trace) == (known[number], 3)
        assert found.p_value < FALSE_ALARM


def test_marks_that_are_added_later_are_found_as_well() -> None:
    first, second = marks(20), marks(20, seed=1)
    made = codebook_of(first)
    assert made.match(trace_of(second[7])[None]) is None
    for mark in second:
        made.add(mark)
    found = made.match(trace_of(second[7])[None])
    assert found is not None
    assert found.mark == second[7]


def test_a_mark_that_is_removed_is_not_told_and_leaves_nothing() -> None:
    known = marks(3000)
    made = codebook_of(known)
    assert made.match(trace_of(known[7])[None]) is not None
    made.remove(np.arange(1, 2990))
    made.remove(np.array([5000]))  # which is not known
    assert len(made) == 11
    assert made.match(trace_of(known[7])[None]) is None
    for number in (0, 2990, 2999):  # those that are left are not crowded out by what was removed
        found = made.match(trace_of(known[number])[None])
        assert found is not None
        assert (found.mark, found.number) == (known[number], number)
    for slots in (made._marks, made._words):
        assert not slots.view()[0][:, 1:2990].any()
    made.put(np.array([7]), np.frombuffer(known[1], np.uint8)[None])
    found = made.match(trace_of(known[1])[None])
    assert found is not None
    assert (found.mark, found.number) == (known[1], 7)
    made.remove(np.arange(3000))
    assert made.match(trace_of(known[1])[None]) is None


def test_nothing_is_told_of_nothing() -> None:
    assert Codebook().match(np.ones((2, 384))) is None
    made = codebook_of(marks(10))
    assert made.match(np.zeros((2, 384))) is None
    assert made.match(np.empty((0, 384))) is None
    with pytest.raises(ValueError, match="12 bytes"):
        made.add(b"short")


def test_chance_tells_a_mark_no_oftener_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of traces of any sizes and random signs, at most the share p is told with a p-value of p."""
    monkeypatch.setattr(codebook_module, "FALSE_ALARM", 1.0)
    made, rng = codebook_of(marks(40)), np.random.default_rng(2)
    sizes = rng.standard_normal((1500, 1, 384)) ** 3  # some bits surer than others by far
    found = [made.match(each * rng.choice([-1, 1], (3, 384))) for each in np.broadcast_to(sizes, (1500, 3, 384))]
    p_values = np.array([1.0 if each is None else each.p_value for each in found])
    for level in (0.3, 0.1, 0.02):
        assert (p_values <= level).mean() <= level
    assert (p_values <= 0.3).any()  # and the bound is not idle


def test_it_may_be_searched_while_others_add() -> None:
    known = marks(4000)
    made = codebook_of(known[:100])
    found: list[Match | None] = []
    searches = [
        threading.Thread(target=lambda: found.extend(made.match(trace_of(known[5])[None]) for _ in range(40)))
        for _ in range(3)
    ]
    for each in searches:
        each.start()
    for mark in known[100:]:
        made.add(mark)
    for each in searches:
        each.join()
    assert {None if each is None else each.mark for each in found} == {known[5]}
    last = made.match(trace_of(known[-1])[None])
    assert last is not None
    assert last.mark == known[-1]


@cache
def marked(name: str) -> Marked:
    return ENGINE.embed(photo((360, 300), 3) if name == "photo" else graphic((420, 420)), 77)


def damaged(image: Image.Image, name: str) -> Image.Image:
    """The image, too far gone to be read: the whole, where the pilots need not find it; a part, where they must."""
    mirrored = ImageOps.mirror(image)
    if name == "photo":
        return decoded(encoded(mirrored, "JPEG", quality=15))
    return decoded(encoded(mirrored.crop((20, 16, 330, 280)), "JPEG", quality=45))


@pytest.mark.parametrize("name", ["photo", "graphic"])
def test_what_cannot_be_read_is_recognized(name: str) -> None:
    made = marked(name)
    image = damaged(made.image, name)
    reading = ENGINE.read(image)
    assert reading.state in ("present", "absent")
    own = ENGINE.pack(made.payload)
    found = codebook_of([*marks(2000), own]).match(np.stack([each.soft for each in reading.traces]))
    assert found is not None
    assert found.mark == own
    recognized = ENGINE.recognize(image, reading.traces[found.trace], found.mark, found.p_value)
    assert recognized is not None
    assert (recognized.state, recognized.payload, recognized.p_value) == ("recognized", made.payload, found.p_value)
    assert recognized.geometry is not None
    assert recognized.geometry.is_mirrored
    assert recognized.geometry.scale == pytest.approx(1 if name == "photo" else 310 / 420, abs=0.01)
    assert SpreadSpectrum(b"another secret of thirty-two byt").recognize(image, reading.traces[0], own, 0.0) is None


def test_a_picture_without_the_mark_is_not_recognized() -> None:
    known = codebook_of([*marks(2000), *(ENGINE.pack(marked(name).payload) for name in ("photo", "graphic"))])
    for image in (photo((360, 300), 3), graphic((420, 420)), photo((300, 300), 5), Image.new("RGB", (300, 300))):
        traces = ENGINE.read(image).traces
        assert len(traces) >= 8
        assert known.match(np.stack([each.soft for each in traces])) is None
