"""Sliding windows are what SciPy's filters are, only faster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from safelight.provenance.watermark import sliding
from safelight.provenance.watermark.sliding import Border, mean_filter, minimum_filter

MODES: dict[Border, str] = {"edge": "nearest", "symmetric": "reflect", "wrap": "wrap"}
SIDES = st.integers(1, 40)
BORDERS = st.sampled_from(list(MODES))


@given(SIDES, SIDES, st.integers(1, 5), BORDERS, BORDERS, st.integers(1, 2000))
def test_means(height: int, width: int, radius: int, down: Border, across: Border, strip: int) -> None:
    values = np.random.default_rng(height * width).random((height, width), np.float32)
    expected = values
    for axis, border in enumerate((down, across)):
        expected = uniform_filter1d(expected, 2 * radius + 1, axis, mode=MODES[border])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sliding, "_STRIP", strip)
        assert np.allclose(mean_filter(values, radius, (down, across)), expected, atol=1e-5)


@given(SIDES, SIDES, st.integers(1, 5))
def test_minima(height: int, width: int, radius: int) -> None:
    values = np.random.default_rng(height + width).random((height, width), np.float32)
    expected = values
    for axis in (0, 1):
        expected = minimum_filter1d(expected, 2 * radius + 1, axis, mode="nearest")
    assert np.array_equal(minimum_filter(values, radius), expected)
