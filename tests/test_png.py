"""PNG files of our own writing are what others read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from safelight.media import decode
from safelight.png import encode_png

from .provenance.conftest import photo


@given(st.integers(1, 70), st.integers(1, 50), st.sampled_from(["RGB", "RGBA"]), st.booleans())
def test_every_pixel_comes_back(width: int, height: int, mode: str, is_flat: bool) -> None:
    rng = np.random.default_rng(width * height)
    pixels = rng.integers(0, 2 if is_flat else 256, (height, width, len(mode)), np.uint8)
    data = encode_png(Image.fromarray(pixels, mode))
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.mode, image.info) == ("PNG", mode, {})
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_modes_are_converted(mode: str) -> None:
    image = photo((64, 64)).convert(mode)
    assert np.array_equal(np.asarray(decode(encode_png(image)).image), np.asarray(image.convert("RGB")))


def test_flat_areas_cost_nothing() -> None:
    assert len(encode_png(Image.new("RGB", (1000, 1000), "white"))) < 20_000
