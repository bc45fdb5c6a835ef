"""Tile digests: where did it change?"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safelight.provenance.pixels import TILES, changed_regions, tile_digest

from .conftest import photo


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 255), st.integers(0, 170), st.integers(0, 2))
def test_one_changed_sample_is_found_in_its_tile(x: int, y: int, channel: int) -> None:
    image = photo((256, 171))
    pixels = np.array(image)
    pixels[y, x, channel] ^= 1
    regions = changed_regions(tile_digest(image), tile_digest(Image.fromarray(pixels)))
    assert regions is not None
    assert len(regions) == 1
    region = regions[0]
    assert region.left - 1e-2 <= x / 256 <= region.right + 1e-2
    assert region.top - 1e-2 <= y / 171 <= region.bottom + 1e-2
    assert region.right - region.left == 1 / TILES


def test_the_same_pixels_have_the_same_digest_and_others_cannot_be_compared() -> None:
    digest = tile_digest(photo())
    assert changed_regions(digest, tile_digest(photo().copy())) == ()
    assert changed_regions(digest, "") is None
    assert changed_regions("None", digest) is None


def test_tiny_images_have_digests_too() -> None:
    assert len(tile_digest(Image.new("RGBA", (1, 1)))) == TILES * TILES * 6
