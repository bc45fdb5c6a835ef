"""The convolutional code."""

from __future__ import annotations

import heapq
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.watermark.code import CONSTRAINT, GENERATORS, candidates, coded_length, decode, encode

messages = st.lists(st.integers(0, 1), min_size=96, max_size=96).map(lambda bits: np.array(bits, np.uint8))


def soft(coded: np.ndarray) -> np.ndarray:
    return (1 - 2.0 * coded).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(messages)
def test_what_is_sent_is_received(bits: np.ndarray) -> None:
    coded = encode(bits)
    assert len(coded) == coded_length(96)
    assert np.array_equal(decode(soft(coded)), bits)


@settings(deadline=None, max_examples=40)
@given(messages, st.integers(0, 2**32))
def test_any_fifteen_wrong_bits_are_mended(bits: np.ndarray, seed: int) -> None:
    coded = encode(bits)
    wrong = np.random.default_rng(seed).choice(len(coded), 15, replace=False)  # the free distance is 32
    coded[wrong] ^= 1
    assert np.array_equal(decode(soft(coded)), bits)


@settings(deadline=None, max_examples=40)
@given(messages, st.integers(0, 95))
def test_the_code_bites_its_tail(bits: np.ndarray, turn: int) -> None:
    assert np.array_equal(encode(np.roll(bits, turn)), np.roll(encode(bits), 4 * turn))


def test_its_free_distance_is_what_the_tables_say() -> None:
    def step(state: int, bit: int) -> tuple[int, int]:
        window = state | bit << (CONSTRAINT - 1)
        return window >> 1, sum((window & generator).bit_count() & 1 for generator in GENERATORS)

    state, weight = step(0, 1)
    waiting, least = [(weight, state)], {state: weight}
    while waiting:
        weight, state = heapq.heappop(waiting)
        if state == 0:
            assert weight == 32
            return
        for bit in (0, 1):
            after, added = step(state, bit)
            if weight + added < least.get(after, 1 << 30):
                least[after] = weight + added
                heapq.heappush(waiting, (weight + added, after))
    pytest.fail("the trellis never returns")


def test_it_reads_through_noise_that_hard_decisions_do_not() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, 96).astype(np.uint8)
    sent = soft(encode(bits))
    received = [sent + rng.normal(0, 1.2, len(sent)).astype(np.float32) for _ in range(40)]
    assert np.mean([np.mean((each < 0) != (sent < 0)) for each in received]) > 0.18
    assert sum(np.array_equal(decode(each), bits) for each in received) >= 37


def test_the_right_message_is_among_the_likeliest_after_it_is_no_longer_the_first() -> None:
    rng = np.random.default_rng(3)
    first = listed = 0
    for _ in range(40):
        bits = rng.integers(0, 2, 96).astype(np.uint8)
        soft = ((1 - 2.0 * encode(bits)) * 0.66 + rng.standard_normal(384)).astype(np.float32)
        likeliest = list(islice(candidates(soft), 100))
        assert len({message.tobytes() for message in likeliest}) == 100
        first += np.array_equal(likeliest[0], bits)
        listed += any(np.array_equal(message, bits) for message in likeliest)
    assert listed >= first + 3
