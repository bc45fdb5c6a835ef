"""A mark too damaged to be read still makes a picture ours, where the registry knows it and the picture agrees."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

from .conftest import FACTS, decoded, encoded, photo

ENGINE = SpreadSpectrum(bytes(range(32)))


@pytest.fixture(scope="module")
def small(identity: SigningIdentity) -> dict[str, Any]:
    """An image of ours that is small, so that what little its mark can bear is soon too much."""
    draws = random.Random(4).getrandbits  # how much a mark bears depends a little on what it says
    made = ImageStamper(identity, ENGINE, MemoryRegistry(), version="1", entropy=draws)
    picture = photo((360, 300), 3)
    data, stamp = asyncio.run(made.stamp(encoded(picture), "image/png", FACTS))
    return {"stamper": made, "picture": picture, "data": data, "stamp": stamp}


def squeezed(image: Image.Image) -> bytes:
    return encoded(ImageOps.mirror(image), "JPEG", quality=16)


async def test_a_mark_that_cannot_be_read_is_recognized(small: dict[str, Any]) -> None:
    data = squeezed(decoded(small["data"]))
    assert ENGINE.read(decoded(data)).payload is None
    found = await small["stamper"].assess(data)
    assert (found.verdict, found.image_id) == ("ours", small["stamp"].image_id)
    assert found.legs["watermark"].state == "match"
    assert found.legs["watermark"].detail["false_alarm"] < 1e-6
    assert "too damaged to be read" in found.legs["watermark"].limits
    assert "it was mirrored" in found.changes


async def test_what_looks_like_ours_without_our_mark_is_not_ours(small: dict[str, Any]) -> None:
    for data in (encoded(small["picture"]), squeezed(small["picture"])):
        found = await small["stamper"].assess(data)
        assert found.verdict == "probably_ours"
        assert found.legs["watermark"].state == "absent"
        assert found.legs["fingerprint"].state == "match"


async def test_a_mark_that_cannot_be_read_does_not_make_another_picture_ours(small: dict[str, Any]) -> None:
    residual = np.asarray(decoded(small["data"]), np.float32) - np.asarray(small["picture"], np.float32)
    target = np.asarray(photo((360, 300), 53), np.float32)
    forged = squeezed(Image.fromarray(np.clip(target + residual, 0, 255).astype(np.uint8)))
    assert ENGINE.read(decoded(forged)).payload is None
    found = await small["stamper"].assess(forged)
    assert found.verdict == "no_evidence"
    assert f"the watermark was moved here from {small['stamp'].image_id}: the picture is another" in found.changes
