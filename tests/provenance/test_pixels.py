"""Tile digests: where did it change?"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safelight.provenance.pixels import TILES, Region, changed_regions, tile_digest

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


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.integers(0, 6), st.data())
def test_a_changed_area_is_one_rectangle(left: int, top: int, data: st.DataObject) -> None:
    right, bottom = data.draw(st.integers(left + 1, TILES)), data.draw(st.integers(top + 1, TILES))
    image = photo((256, 256))
    pixels = np.array(image)
    pixels[top * 32 : bottom * 32, left * 32 : right * 32] ^= 1
    regions = changed_regions(tile_digest(image), tile_digest(Image.fromarray(pixels)))
    assert regions == (Region(left / TILES, top / TILES, right / TILES, bottom / TILES),)


@settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(0, TILES * TILES - 1)))
def test_the_rectangles_cover_what_changed_once_and_nothing_else(changed: set[int]) -> None:
    digest = tile_digest(photo((64, 64)))
    other = "".join(
        ("f" if digest[6 * tile] != "f" else "0") + digest[6 * tile + 1 : 6 * tile + 6]
        if tile in changed
        else digest[6 * tile : 6 * tile + 6]
        for tile in range(TILES * TILES)
    )
    regions = changed_regions(digest, other)
    assert regions is not None
    covered = [
        row * TILES + column
        for each in regions
        for row in range(round(each.top * TILES), round(each.bottom * TILES))
        for column in range(round(each.left * TILES), round(each.right * TILES))
    ]
    assert sorted(covered) == sorted(changed)


def test_the_same_pixels_have_the_same_digest_and_others_cannot_be_compared() -> None:
    digest = tile_digest(photo())
    assert changed_regions(digest, tile_digest(photo().copy())) == ()
    assert changed_regions(digest, "") is None
    assert changed_regions("None", digest) is None


def test_tiny_images_have_digests_too() -> None:
    assert len(tile_digest(Image.new("RGBA", (1, 1)))) == TILES * TILES * 6
