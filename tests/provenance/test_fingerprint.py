"""PDQ, thumbnails, and what they tell apart."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from safelight.errors import BadImage
from safelight.provenance.content import Comparison
from safelight.provenance.fingerprint import (
    correlation,
    dihedral_forms,
    distance,
    pack_thumbnail,
    pdq,
    pdq_coefficients,
    thumbnail,
    unpack_thumbnail,
)

from .conftest import decoded, encoded, graphic, photo


@pytest.mark.parametrize("size", [(512, 512), (300, 171), (64, 64), (130, 77), (1024, 700)])
def test_it_is_pdq(size: tuple[int, int]) -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="the reference implementation is not installed")
    for seed in range(3):
        image = photo(size, seed)
        reference, _ = pdqhash.compute(np.asarray(image))
        ours = np.unpackbits(np.frombuffer(pdq(image), np.uint8))
        assert int((np.asarray(reference) != ours).sum()) <= 4  # luma is rounded to 8 bits here


@pytest.mark.parametrize(
    "change",
    [
        lambda image: decoded(encoded(image, "JPEG", quality=30)),
        lambda image: image.resize((256, 256), Image.Resampling.LANCZOS),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: image.convert("L").convert("RGB"),
    ],
)
def test_small_changes_change_few_bits(change: Callable[[Image.Image], Image.Image]) -> None:
    for image in (photo(), graphic()):
        assert distance(pdq(image), pdq(change(image))) <= 31


def test_other_pictures_are_far() -> None:
    hashes = [pdq(photo(seed=seed)) for seed in range(6)] + [pdq(graphic())]
    assert all(distance(one, other) >= 90 for i, one in enumerate(hashes) for other in hashes[:i])


def test_the_eight_forms_are_the_eight_turns() -> None:
    image = photo()
    turned = [image.rotate(90 * k) for k in range(4)]
    mirrored = [ImageOps.mirror(each) for each in turned]
    forms = dihedral_forms(pdq_coefficients(image))
    assert forms[0] == pdq(image)
    for each in turned + mirrored:
        assert min(distance(form, pdq(each)) for form in forms) <= 24  # even sizes are not sampled symmetrically


def test_distance_counts_bits() -> None:
    assert distance(bytes(32), b"\xff" * 32) == 256
    assert distance(b"\x01" + bytes(31), bytes(32)) == 1


def test_a_thumbnail_survives_its_packing() -> None:
    small = thumbnail(photo((400, 200)))
    assert small.shape == (32, 64)
    assert np.array_equal(unpack_thumbnail(pack_thumbnail(small)), small)
    for damaged in (b"", pack_thumbnail(small)[:50], encoded(Image.new("L", (500, 500)))):
        with pytest.raises(BadImage):
            unpack_thumbnail(damaged)


def test_correlation_sees_neither_brightness_nor_contrast() -> None:
    small = thumbnail(photo()).astype(float)
    assert correlation(small, small * 0.5 + 30) == pytest.approx(1)
    assert correlation(small, 255 - small) == pytest.approx(-1)
    assert correlation(small, np.full_like(small, 7)) == 0
    assert correlation(small, small, np.zeros_like(small)) == 0


def test_a_transparent_image_is_hashed_as_it_is_seen() -> None:
    clear = photo().convert("RGBA")
    clear.putalpha(0)
    assert pdq(clear) == pdq(Image.new("RGB", (512, 512), "white"))


def test_the_thumbnail_is_a_png_anyone_can_open() -> None:
    with Image.open(io.BytesIO(pack_thumbnail(thumbnail(photo())))) as image:
        assert image.size == (64, 64)


def test_smooth_pictures_that_look_alike_are_told_apart_by_the_tag() -> None:
    assert not Comparison(120, 0.81, is_rectified=True, tag=-0.8).agrees
    assert not Comparison(120, 0.81, is_rectified=True).agrees
    assert Comparison(120, 0.81, is_rectified=True, tag=0.9).agrees
    assert Comparison(120, 0.9, is_rectified=True).agrees
    assert Comparison(40, 0.2, is_rectified=True).agrees
    assert not Comparison(40, 0.95, is_rectified=False).agrees
