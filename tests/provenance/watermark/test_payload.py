"""Payloads: what goes in comes out, under the right key only, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.watermark.engine import Payload
from safelight.provenance.watermark.payload import PAYLOAD_BITS, open_bits, seal_bits, subkey

payloads = st.builds(Payload, st.integers(0, 15), st.integers(0, 2**44 - 1), st.integers(0, 2**16 - 1))
secrets = st.binary(min_size=32, max_size=32)


@settings(deadline=None, max_examples=40)
@given(payloads, secrets)
def test_a_payload_survives_its_seal(payload: Payload, secret: bytes) -> None:
    bits = seal_bits(payload, secret)
    assert bits.shape == (PAYLOAD_BITS,)
    assert open_bits(bits, secret) == payload


@settings(deadline=None, max_examples=40)
@given(payloads, secrets, st.sets(st.integers(0, PAYLOAD_BITS - 1), min_size=1))
def test_any_changed_bit_breaks_the_seal(payload: Payload, secret: bytes, places: set[int]) -> None:
    bits = seal_bits(payload, secret)
    bits[list(places)] ^= 1
    assert open_bits(bits, secret) is None


@settings(deadline=None, max_examples=40)
@given(payloads, secrets, secrets)
def test_another_key_opens_nothing(payload: Payload, one: bytes, other: bytes) -> None:
    if one != other:
        assert open_bits(seal_bits(payload, one), other) is None


def test_made_up_bits_are_not_authentic() -> None:
    rng = np.random.default_rng(0)
    assert all(open_bits(rng.integers(0, 2, PAYLOAD_BITS), bytes(32)) is None for _ in range(20_000))


def test_equal_tags_do_not_show() -> None:
    bits = [seal_bits(Payload(1, number, 0), bytes(32))[48:64] for number in range(20)]
    assert len({each.tobytes() for each in bits}) > 15


@pytest.mark.parametrize(
    "payload", [Payload(16, 0, 0), Payload(0, 1 << 44, 0), Payload(0, 0, 1 << 16), Payload(0, -1, 0)]
)
def test_fields_out_of_range_are_refused(payload: Payload) -> None:
    with pytest.raises(ValueError, match="a payload holds"):
        seal_bits(payload, bytes(32))


def test_each_purpose_has_its_own_key() -> None:
    assert len({subkey(bytes(32), purpose) for purpose in ("pattern", "code", "veil", "tag")}) == 4
    assert open_bits(np.zeros(95, np.uint8), bytes(32)) is None
