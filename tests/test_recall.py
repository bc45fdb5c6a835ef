"""An image of ours is known again, and its plan with it; for nobody but the account that it was made for."""

import io
from pathlib import Path

import pytest
from PIL import Image

from safelight import Brief, Safelight
from safelight.config import load_settings
from safelight.intake import keep_image
from safelight.recall import recall_from


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAFELIGHT_HOME", str(tmp_path / "home"))
    return load_settings(search=("none",), home=tmp_path / "home")


async def test_an_own_image_is_redrawn_from_its_spec(settings) -> None:
    async with Safelight(settings) as safelight:
        assembly = await safelight.assembly()
        first = await safelight.run(Brief(prompt="A poster that says “Bake sale”", n=1, size="512x512"))
        ref = first.images[0].ref
        assert ref is not None
        data = await safelight.image(ref)
        out = io.BytesIO()
        Image.open(io.BytesIO(data)).convert("RGB").save(out, "PNG")  # what is left of it elsewhere: pixels alone
        before = await keep_image(out.getvalue(), "before.png", assembly.store)
        assert before.ref != ref
        recall = recall_from(assembly.store, assembly.stamper)
        assert (await safelight.assess(data)).verdict == "ours"
        assert (await safelight.assess(out.getvalue())).verdict == "ours"
        known = await recall(before.ref, "")
        assert known is not None
        assert known.spec.title == "Bake sale"
        assert await recall(before.ref, "someone else") is None
        result = await safelight.run(Brief(prompt="Change the title to “Sold out”", attachments=(before,)))
        assert result.status == "delivered"
        assert result.images[0].title == "Sold out"
        assert not any("not served" in note for note in result.notes)


async def test_a_foreign_image_is_not_known(settings) -> None:
    async with Safelight(settings) as safelight:
        assembly = await safelight.assembly()
        out = io.BytesIO()
        Image.effect_noise((320, 320), 90).convert("RGB").save(out, "PNG")
        foreign = await keep_image(out.getvalue(), "noise.png", assembly.store)
        assert await recall_from(assembly.store, assembly.stamper)(foreign.ref, "") is None
