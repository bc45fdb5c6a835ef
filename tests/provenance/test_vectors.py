"""Vector files: each leg says what it saw and what that does not prove, as it does for a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamper import ImageStamper

from .conftest import FACTS, encoded, photo

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>'
PICTURE = encoded(photo((64, 64)))


@pytest.fixture
def elsewhere(new_stamper: Callable[..., ImageStamper], tmp_path: Path) -> ImageStamper:
    return new_stamper(identity=SigningIdentity.development(tmp_path / "elsewhere"), registry=MemoryRegistry())


async def test_a_strangers_manifest_is_told_as_that_of_a_picture(
    stamper: ImageStamper, elsewhere: ImageStamper
) -> None:
    facts = FACTS.model_copy(update={"algorithmic": False})
    data, _ = await elsewhere.stamp_vector(SVG, "image/svg+xml", PICTURE, facts)
    found = await stamper.assess(data)
    leg = found.legs["manifest"]
    assert (found.verdict, leg.state) == ("other_generator", "foreign")
    assert leg.detail["source_types"] == ["trainedAlgorithmicMedia"]
    assert [each["action"] for each in leg.detail["edits"]] == ["c2pa.created"]
    assert "whom no trust list vouches for" in leg.limits
    changed = await stamper.assess(data.replace(b"<rect", b"<rect ", 1))
    assert (changed.verdict, changed.legs["manifest"].state) == ("no_evidence", "tampered")


async def test_a_vector_file_of_an_edit_says_what_it_was_made_from(stamper: ImageStamper) -> None:
    before, _ = await stamper.stamp(PICTURE, "image/png", FACTS)
    facts = FACTS.model_copy(update={"parents": (before,)})
    data, _ = await stamper.stamp_vector(SVG, "image/svg+xml", PICTURE, facts)
    found = await stamper.assess(data)
    assert (found.verdict, found.changes) == ("ours", ())
    edits = [each["action"] for each in found.legs["manifest"].detail["edits"]]
    assert edits == ["c2pa.opened", "c2pa.edited", "c2pa.created"]


async def test_a_damaged_manifest_is_named(stamper: ImageStamper) -> None:
    data, _ = await stamper.stamp_vector(SVG, "image/svg+xml", PICTURE, FACTS)
    start = data.index(b"<c2pa:manifest>") + len(b"<c2pa:manifest>")
    found = await stamper.assess(data[:start] + b"AAAA" + data[start + 4 :])
    assert (found.verdict, found.legs["manifest"].state) == ("no_evidence", "tampered")
    assert found.changes == ("the manifest is damaged or cut off",)
    assert found.legs["manifest"].limits == "A damaged manifest says nothing about the image."
