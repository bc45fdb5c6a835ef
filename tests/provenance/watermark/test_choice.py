"""Which engine marks, and that the other one's marks are read: by setting, by stamp, by what is found again."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from safelight.config import Settings
from safelight.errors import ConfigError
from safelight.provenance.manifest import WATERMARK_ALGORITHMS
from safelight.provenance.stamper import ImageStamper, open_stamper
from safelight.provenance.watermark import SpreadSpectrum
from safelight.provenance.watermark.choice import NETWORKS, ClassicalAndNeural, open_watermark
from safelight.provenance.watermark.neural import NeuralWatermark
from safelight.store import Store

from ..conftest import FACTS, SECRET, decoded, encoded, graphic, photo
from .linear import networks

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("nets")
    networks(found)
    return found


def test_each_engine_reads_what_the_other_marked(folder: Path) -> None:
    classical, neural = (open_watermark(name, folder, SECRET) for name in ("classical", "neural"))  # type: ignore[arg-type]
    assert isinstance(neural, NeuralWatermark)
    assert isinstance(classical, ClassicalAndNeural)
    assert (classical.name, neural.name) == WATERMARK_ALGORITHMS
    for marks in (classical, neural):
        made = pickle.loads(pickle.dumps(marks)).embed(photo((400, 300)), 9)  # noqa: S301 (as to a process)
        assert classical.read(made.image).payload == neural.read(made.image).payload == made.payload
        assert classical.pack(made.payload) == neural.pack(made.payload)
    assert classical.read(photo((400, 300))).state == "absent"


def test_without_a_runtime_there_is_one_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert isinstance(open_watermark("classical", None, SECRET), SpreadSpectrum)
    with pytest.raises(ConfigError, match="cannot be read"):
        open_watermark("neural", tmp_path, SECRET)


def test_our_own_networks_mark_what_survives() -> None:
    assert max(path.stat().st_size for path in NETWORKS.glob("*.onnx")) < 1_000_000
    neural, classical = open_watermark("neural", None, SECRET), open_watermark("classical", None, SECRET)
    for picture in (photo((768, 768)), graphic((768, 768))):
        made = neural.embed(picture, 2**40 + 3)
        assert made.psnr > 42
        small = made.image.crop((90, 60, 740, 700)).resize((455, 448), Image.Resampling.LANCZOS)
        for seen in (decoded(encoded(made.image, "JPEG", quality=50)), made.image.rotate(-4), small):
            assert classical.read(seen).payload == made.payload


def test_networks_are_opened_only_for_a_mark_that_nothing_else_reads(tmp_path: Path, folder: Path) -> None:
    engine = open_watermark("classical", tmp_path, SECRET)
    made = engine.embed(photo((400, 300)), 9)
    assert engine.read(made.image).payload == made.payload
    foreign = open_watermark("neural", folder, SECRET).embed(photo((400, 300)), 9)
    with pytest.raises(ConfigError, match="cannot be read"):
        engine.read(foreign.image)


async def test_a_neural_stamp_names_its_engine_and_finds_its_image(
    new_stamper: Callable[..., ImageStamper], folder: Path
) -> None:
    stamper = new_stamper(engine=open_watermark("neural", folder, SECRET))
    data, stamp = await stamper.stamp(encoded(photo((400, 300))), "image/png", FACTS)
    assert stamper.watermark_name == "org.safelight.neural.1"
    assert b"org.safelight.neural.1" in data
    assert b"org.safelight.spread.1" not in data
    assert stamp.watermark is not None
    found = await stamper.assess(data)
    assert {leg: evidence.state for leg, evidence in found.legs.items()} == dict.fromkeys(found.legs, "match")
    stripped = await stamper.assess(encoded(decoded(data).crop((20, 10, 390, 280))))
    assert stripped.image_id == stamp.image_id
    assert stripped.legs["watermark"].state == "match"


async def test_the_settings_choose(settings: Settings, folder: Path) -> None:
    settings.home.mkdir(parents=True)
    names = []
    async with Store.open(settings.database_url, settings.blobs_url, b"a ledger key of thirty-two bytes") as store:
        for engine in ("classical", "neural"):
            chosen = settings.model_copy(update={"watermark_engine": engine, "watermark_networks": folder})
            names.append((await open_stamper(chosen, store)).watermark_name)
    assert tuple(names) == WATERMARK_ALGORITHMS
