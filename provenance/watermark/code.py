"""The error-correcting code: tail-biting convolutional, rate 1/4, decoded with soft decisions.

The generators are those of largest free distance (Larsen, "Short convolutional codes with maximal free distance for
rates 1/2, 1/3, and 1/4", IEEE Trans. Inf. Theory 19(3), 1973). Tail-biting saves the bits that would end the trellis;
the circle is unrolled twice for Viterbi's algorithm and its middle is kept, which is all but the best decoding (Cox and
Sundberg, "An efficient adaptive circular Viterbi algorithm", IEEE Trans. Veh. Tech. 43(1), 1994).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

import numpy as np

__all__ = ["CONSTRAINT", "RATE", "candidates", "coded_length", "decode", "encode"]

Bits = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

CONSTRAINT: Final = 12
GENERATORS: Final = (0o4767, 0o5723, 0o6265, 0o7455)  # free distance 32
RATE: Final = len(GENERATORS)
_STATES = 1 << (CONSTRAINT - 1)
_BRANCHES: Final = 24  # of each path, at most


def coded_length(bits: int) -> int:
    """How many coded bits carry `bits`."""
    return RATE * bits


def encode(bits: Bits) -> Bits:
    """The coded bits of a message of at least `CONSTRAINT` bits; the register starts where it will end."""
    register = 0
    for bit in bits[-(CONSTRAINT - 1) :]:
        register = (register >> 1) | int(bit) << (CONSTRAINT - 2)
    coded = np.empty((len(bits), RATE), np.uint8)
    for step, bit in enumerate(bits):
        window = register | int(bit) << (CONSTRAINT - 1)
        coded[step] = [(window & generator).bit_count() & 1 for generator in GENERATORS]
        register = window >> 1
    return coded.ravel()


def decode(soft: Floats) -> Bits:
    """The most likely message. `soft` has a value a coded bit: positive for 0, the larger the surer."""
    return next(candidates(soft))


def candidates(soft: Floats) -> Iterator[Bits]:
    """Messages, the likelier first, for whoever can tell the right one: it is among the first hundreds long after it
    has ceased to be the very first (serial list decoding: Seshadri and Sundberg, "List Viterbi decoding algorithms
    with applications", IEEE Trans. Commun. 42(2/3/4), 1994)."""
    length = len(soft) // RATE
    lead = length // 2
    likelihoods = np.asarray(soft, np.float32).reshape(length, RATE)
    unrolled = np.concatenate([likelihoods[-lead:], likelihoods, likelihoods[:lead]])
    outputs, signs = _trellis()
    metric = np.zeros(_STATES, np.float32)
    choices = np.empty((len(unrolled), _STATES), np.bool_)
    losses = np.empty((len(unrolled), _STATES), np.float32)
    for step, branch in enumerate(unrolled @ signs.T):
        # State n is reached from 2n and 2n + 1 (modulo their number) by the bit that is its highest.
        paths = metric.reshape(1, _STATES // 2, 2) + branch[outputs]
        np.subtract(paths[..., 1], paths[..., 0], out=losses[step].reshape(2, -1))
        metric = np.maximum(paths[..., 0], paths[..., 1]).ravel()
    np.greater(losses, 0, out=choices)
    np.abs(losses, out=losses)
    # A path leaves a likelier one at one step, going backwards, and is the best from there on: it loses `losses` there.
    # What it changes lies CONSTRAINT - 1 steps before or earlier, so that no other steps need be tried.
    first, last = lead + CONSTRAINT - 1, min(len(unrolled), lead + length + 4 * CONSTRAINT)
    best = _traced(choices, len(unrolled) - 1, int(metric.argmax()), np.empty(len(unrolled), np.intp))
    queue: list[tuple[float, int, int, Any]] = []
    order = count()  # of two that lose as much, the earlier

    def push(states: Any, lost: float, end: int) -> None:
        each = losses[np.arange(first, end), states[first:end]]
        for place in np.argsort(each)[:_BRANCHES]:
            heappush(queue, (lost + float(each[place]), next(order), first + int(place), states))

    def message(states: Any) -> Bits:
        return np.asarray(states[lead : lead + length] >= _STATES // 2, np.uint8)

    known = {message(best).tobytes()}
    yield message(best)
    push(best, 0.0, last)
    while queue:
        lost, _, step, parent = heappop(queue)
        states = parent.copy()
        before = 2 * (int(states[step]) % (_STATES // 2)) + (not choices[step, states[step]])
        states = _traced(choices, step - 1, before, states)
        bits = message(states)
        if bits.tobytes() not in known:
            known.add(bits.tobytes())
            yield bits
        push(states, lost, step)


def _traced(choices: Any, step: int, state: int, states: Any) -> Any:
    """The states (after each step) of the best path that is in `state` after `step`, entered into `states`."""
    half = _STATES // 2
    for each in range(step, -1, -1):
        states[each] = state
        state = 2 * (state % half) + int(choices[each, state])
    return states


@cache
def _trellis() -> tuple[Any, Floats]:
    """What each transition sends, as an index (bit, state modulo half, choice), and the signs of each index."""
    bit, rest, choice = np.ogrid[:2, : _STATES // 2, :2]
    window = bit << (CONSTRAINT - 1) | rest << 1 | choice
    outputs = sum(
        (np.bitwise_count(window & generator) & 1).astype(np.intp) << place
        for place, generator in enumerate(GENERATORS)
    )
    signs = 1 - 2 * (np.arange(1 << RATE)[:, None] >> np.arange(RATE) & 1)
    return outputs, signs.astype(np.float32)
