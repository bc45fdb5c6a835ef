"""The error-correcting code: tail-biting convolutional, rate 1/4, decoded with soft decisions.

The generators are those of largest free distance (Larsen, "Short convolutional codes with maximal free distance for
rates 1/2, 1/3, and 1/4", IEEE Trans. Inf. Theory 19(3), 1973). Tail-biting saves the bits that would end the trellis;
the circle is unrolled twice for Viterbi's algorithm and its middle is kept, which is all but the best decoding (Cox and
Sundberg, "An efficient adaptive circular Viterbi algorithm", IEEE Trans. Veh. Tech. 43(1), 1994).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np

__all__ = ["CONSTRAINT", "RATE", "coded_length", "decode", "encode"]

Bits = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

CONSTRAINT: Final = 12
GENERATORS: Final = (0o4767, 0o5723, 0o6265, 0o7455)  # free distance 32
RATE: Final = len(GENERATORS)
_STATES = 1 << (CONSTRAINT - 1)


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
    length = len(soft) // RATE
    lead = length // 2
    likelihoods = np.asarray(soft, np.float32).reshape(length, RATE)
    unrolled = np.concatenate([likelihoods[-lead:], likelihoods, likelihoods[:lead]])
    outputs, signs = _trellis()
    metric = np.zeros(_STATES, np.float32)
    choices = np.empty((len(unrolled), 2, _STATES // 2), np.bool_)
    for step, branch in enumerate(unrolled @ signs.T):
        # State n is reached from 2n and 2n + 1 (modulo their number) by the bit that is its highest.
        paths = metric.reshape(1, _STATES // 2, 2) + branch[outputs]
        np.greater(paths[..., 1], paths[..., 0], out=choices[step])
        metric = np.maximum(paths[..., 0], paths[..., 1]).ravel()
    state = int(metric.argmax())
    bits = np.empty(len(unrolled), np.uint8)
    for step in range(len(unrolled) - 1, -1, -1):
        bit, rest = divmod(state, _STATES // 2)
        bits[step] = bit
        state = 2 * rest + int(choices[step, bit, rest])
    return bits[lead : lead + length]


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
