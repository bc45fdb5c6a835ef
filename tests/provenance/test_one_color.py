"""A picture of one color shows nothing that a mark could be compared with: what is told of it, and what is not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from safelight.provenance.stamper import ImageStamper

from .conftest import FACTS, decoded, encoded

SIZE = (512, 512)


async def stamped(stamper: ImageStamper, color: str) -> tuple[Image.Image, str]:
    """The pixels of a stamped picture of one color, and its id."""
    data, stamp = await stamper.stamp(encoded(Image.new("RGB", SIZE, color)), "image/png", FACTS)
    return decoded(data), stamp.image_id


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("color", "side", "format_"), [("red", 358, "WEBP"), ("white", 512, "JPEG"), ("#103050", 358, "WEBP")]
)
async def test_scaled_and_encoded_anew_it_is_still_probably_ours(
    stamper: ImageStamper, color: str, side: int, format_: str
) -> None:
    picture, image_id = await stamped(stamper, color)
    found = await stamper.assess(saved(picture.resize((side, side)), format_))
    assert (found.verdict, found.image_id) == ("probably_ours", image_id)
    assert found.legs["watermark"].state == "match"
    assert "of one color and shows nothing else" in found.legs["watermark"].limits
    assert not [change for change in found.changes if "was moved" in change or "rotated" in change]


async def test_a_part_of_it_is_probably_ours(stamper: ImageStamper) -> None:
    picture, image_id = await stamped(stamper, "#808080")
    found = await stamper.assess(encoded(picture.crop((20, 20, 482, 462))))
    assert (found.verdict, found.image_id) == ("probably_ours", image_id)
    assert not [change for change in found.changes if "was moved" in change]


async def test_the_very_pixels_are_ours_without_a_manifest(stamper: ImageStamper) -> None:
    picture, image_id = await stamped(stamper, "red")
    found = await stamper.assess(encoded(picture))
    assert (found.verdict, found.image_id) == ("ours", image_id)
    assert found.changes == ("the manifest was removed",)


def lifted(picture: Image.Image, color: str, onto: Image.Image) -> bytes:
    """The mark of a picture of one color, which anyone can tell from it, laid on another picture."""
    mark = np.asarray(picture, np.int16) - np.asarray(Image.new("RGB", SIZE, color), np.int16)
    return encoded(Image.fromarray(np.clip(np.asarray(onto, np.int16) + mark, 0, 255).astype(np.uint8)))


async def test_its_mark_on_another_color_is_told(stamper: ImageStamper) -> None:
    picture, image_id = await stamped(stamper, "#a0a0a0")
    found = await stamper.assess(lifted(picture, "#a0a0a0", Image.new("RGB", SIZE, "#404040")))
    assert found.verdict == "no_evidence"
    assert f"the watermark was moved here from {image_id}: the picture is another" in found.changes


async def test_its_mark_under_a_line_of_text_is_told(stamper: ImageStamper) -> None:
    picture, image_id = await stamped(stamper, "#e0e0e0")
    page = Image.new("RGB", SIZE, "#e0e0e0")
    ImageDraw.Draw(page).text((40, 250), "What was never said", "black")
    found = await stamper.assess(lifted(picture, "#e0e0e0", page))
    assert found.verdict == "no_evidence"
    assert f"the watermark was moved here from {image_id}: the picture is another" in found.changes
