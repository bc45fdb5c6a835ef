"""Columns in memory: what was put is there, what was emptied leaves nothing, and searchers see one or the other."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safelight.provenance.slots import Slots

numbers = st.lists(st.integers(0, 3000), max_size=8, unique=True)


@given(st.lists(st.tuples(st.sampled_from(["put", "empty", "reserve"]), numbers), max_size=12))
@example([("put", [0]), ("reserve", [3000]), ("empty", [0])])
def test_it_is_a_dictionary(steps: list[tuple[str, list[int]]]) -> None:
    slots, model = Slots(2, np.uint16), dict[int, tuple[int, int]]()
    for turn, (step, which) in enumerate(steps):
        places = np.array(which, np.int64)
        if step == "put":
            slots.put(places, np.array([[turn + 1] * len(which), which]))
            model |= {number: (turn + 1, number) for number in which}
        elif step == "empty":
            slots.empty(places)
            model = {number: value for number, value in model.items() if number not in which}
        elif which:
            slots.reserve(which[0])
    columns, filled = slots.view()
    assert {int(number): tuple(columns[:, number]) for number in np.flatnonzero(filled)} == model
    assert not columns[:, ~filled].any()
    assert len(slots) == len(model)
    assert slots.size > max(model, default=-1)


def test_growing_is_amortized() -> None:
    slots, rooms = Slots(1, np.uint8), set[int]()
    for number in range(100_000):
        slots.put(np.array([number]), np.array([[1]]))
        rooms.add(len(slots._filled))
    assert len(rooms) < 30
    assert max(rooms) < 1.25 * 100_000 + 1
    assert slots.nbytes == 200_000


def test_room_that_is_reserved_is_not_grown_again() -> None:
    slots = Slots(4, np.uint64)
    slots.reserve(5000)
    room = slots._columns
    slots.put(np.arange(5000), np.ones((4, 5000)))
    slots.reserve(10)
    assert slots._columns is room
    assert len(slots) == 5000


@pytest.mark.parametrize("rows", [1, 3])
def test_a_searcher_sees_a_column_whole_or_not_at_all(rows: int) -> None:
    """While one thread puts, empties and grows, another never sees as filled what was never put."""
    slots, faults, done = Slots(rows, np.uint32), list[Any](), threading.Event()

    def search() -> None:
        while not done.is_set():
            columns, filled = slots.view()
            seen = columns.copy()
            wrong = filled & (seen != np.arange(1, len(filled) + 1)).any(axis=0) & seen.any(axis=0)
            faults.extend(np.flatnonzero(wrong))

    searcher = threading.Thread(target=search)
    searcher.start()
    for start in range(0, 60_000, 50):
        places = np.arange(start, start + 50)
        slots.put(places, np.broadcast_to(places + 1, (rows, 50)))
        slots.empty(places[::7])
    done.set()
    searcher.join()
    assert not faults
