"""Sizes: what is asked of a model is a size that it makes, and what comes of it has the size that was asked of us."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safelight.tools.images.fitting import fitted
from safelight.tools.images.openai.sizes import CLASSIC, askable
from safelight.tools.images.spec import Size

SIDES = st.integers(256, 3840)
SIZES = st.builds(Size, width=SIDES, height=SIDES).filter(lambda size: 1 / 3 <= size.aspect <= 3)


@settings(deadline=None)
@given(SIZES)
def test_any_size_becomes_one_that_a_model_makes(size: Size) -> None:
    width, height = askable(size, "gpt-image-2.6-sunburst")
    assert width % 16 == height % 16 == 0
    assert max(width, height) <= 3840
    assert min(width, height) <= 2160
    assert 1 / 3 <= width / height <= 3
    if size.width % 16 == size.height % 16 == 0 and min(size.width, size.height) <= 2160:
        assert (width, height) == (size.width, size.height)
    assert askable(size, "gpt-image-1.5") in CLASSIC


@pytest.mark.parametrize(
    ("asked", "given"), [((1000, 700), (1536, 1024)), ((512, 512), (1024, 1024)), ((700, 1200), (1024, 1536))]
)
def test_older_models_are_asked_for_the_nearest_of_their_three(asked: tuple[int, int], given: tuple[int, int]) -> None:
    assert askable(Size(width=asked[0], height=asked[1]), "gpt-image-1-mini") == given


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 300), st.integers(1, 300), st.builds(Size, width=st.integers(256, 400), height=st.integers(256, 400))
)
def test_a_picture_is_fitted_to_exactly_the_size(width: int, height: int, size: Size) -> None:
    picture, note = fitted(Image.new("RGB", (width, height)), size)
    assert picture.size == (size.width, size.height)
    assert bool(note) == ((width, height) != picture.size)


def test_fitting_crops_evenly_and_distorts_nothing() -> None:
    wide = Image.new("RGB", (600, 300), "white")
    wide.paste("black", (150, 0, 450, 300))
    square, note = fitted(wide, Size(width=300, height=300))
    assert square.getextrema() == ((0, 0),) * 3
    assert "cropped" in note
