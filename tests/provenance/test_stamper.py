"""The whole of it: what is stamped is ours, what is another's is not (for what was tampered with see
`test_tampering.py`)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safelight.config import Settings
from safelight.errors import BadImage, ConfigError, SafelightError, StoreError
from safelight.provenance import assess
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry, Registered
from safelight.provenance.stamp import Stamper
from safelight.provenance.stamper import ImageStamper, open_stamper
from safelight.provenance.watermark import SpreadSpectrum
from safelight.store import Store
from safelight.store.opening import open_store

from .conftest import FACTS, decoded, encoded, photo
from .test_keys import production

PICTURE = photo((640, 640), 11)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stamper with an image of ours, stamped once for all tests of this module."""
    identity = SigningIdentity.development(tmp_path_factory.mktemp("keys"))
    made = ImageStamper(identity, SpreadSpectrum(bytes(range(32))), MemoryRegistry(), version="1")

    async def fill() -> dict[str, Any]:
        return {"stamper": made, "one": (await made.stamp(encoded(PICTURE), "image/png", FACTS))[0]}

    return asyncio.run(fill())


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp", "avif"])
async def test_what_is_stamped_is_ours_in_every_leg(stamper: ImageStamper, format_: str) -> None:
    data, stamp = await stamper.stamp(encoded(photo((400, 300)), format_), f"image/{format_}", FACTS)
    found = await stamper.assess(data)
    assert found.verdict == "ours"
    assert {leg: evidence.state for leg, evidence in found.legs.items()} == {
        "manifest": "match",
        "watermark": "match",
        "fingerprint": "match",
    }
    assert (found.run_id, found.image_id, found.changes) == ("run_1", stamp.image_id, ())
    assert stamp.development
    assert stamp.watermark is not None


def test_it_is_a_stamper(stamper: ImageStamper) -> None:
    assert isinstance(stamper, Stamper)


async def test_the_untouched_file_needs_no_registry(
    scene: dict[str, Any], new_stamper: Callable[..., ImageStamper]
) -> None:
    amnesiac = new_stamper(identity=scene["stamper"].identity, engine=SpreadSpectrum(bytes(range(32))))
    found = await amnesiac.assess(scene["one"])
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    stripped = await amnesiac.assess(encoded(decoded(scene["one"])))
    assert stripped.verdict == "probably_ours"
    assert "No registered image" in stripped.legs["watermark"].limits


async def test_another_generator_that_says_so(scene: dict[str, Any], new_stamper: Callable[..., ImageStamper]) -> None:
    theirs = new_stamper(engine=SpreadSpectrum(b"their secret is of thirty-two by"))
    data, _ = await theirs.stamp(
        encoded(photo((400, 300), 60)), "image/png", FACTS.model_copy(update={"algorithmic": False})
    )
    found = await scene["stamper"].assess(data)
    assert found.verdict == "other_generator"
    assert found.legs["manifest"].state == "foreign"
    assert found.legs["watermark"].state == "absent"


async def test_our_pixels_under_someone_elses_manifest(
    scene: dict[str, Any], new_stamper: Callable[..., ImageStamper]
) -> None:
    launderer = new_stamper(engine=None)
    data, _ = await launderer.stamp(
        encoded(decoded(scene["one"])), "image/png", FACTS.model_copy(update={"run_id": "theirs"})
    )
    found = await scene["stamper"].assess(data)
    assert (found.verdict, found.run_id) == ("ours", "run_1")
    assert any("the pixels carry our mark" in change for change in found.changes)


async def test_nothing_is_not_evidence(scene: dict[str, Any]) -> None:
    found = await scene["stamper"].assess(encoded(photo((300, 300), 70)))
    assert found.verdict == "no_evidence"
    assert "proves nothing" in found.legs["manifest"].limits


async def test_an_edit_names_its_chain(scene: dict[str, Any]) -> None:
    edit, _ = await scene["stamper"].stamp(
        encoded(photo((640, 640), 80)),
        "image/png",
        FACTS.model_copy(update={"parents": (scene["one"],), "run_id": "run_3"}),
    )
    edits = (await scene["stamper"].assess(edit)).legs["manifest"].detail["edits"]
    assert [each["action"] for each in edits][:2] == ["c2pa.opened", "c2pa.edited"]
    assert "c2pa.created" in [each["action"] for each in edits]


async def test_too_small_for_a_mark_is_said(stamper: ImageStamper) -> None:
    data, stamp = await stamper.stamp(encoded(photo((100, 80))), "image/png", FACTS)
    assert stamp.watermark is None
    assert any("too few" in note for note in stamp.notes)
    assert (await stamper.assess(data)).verdict == "ours"


async def test_kinds_that_cannot_be_stamped_are_refused(stamper: ImageStamper) -> None:
    with pytest.raises(BadImage, match="cannot be stamped"):
        await stamper.stamp(encoded(PICTURE, "GIF"), "image/gif", FACTS)


async def test_without_randomness_no_two_images_share_a_number(new_stamper: Callable[..., ImageStamper]) -> None:
    broken = new_stamper(entropy=lambda bits: 7)
    await broken.stamp(encoded(photo((256, 256))), "image/png", FACTS)
    with pytest.raises(StoreError, match="randomness"):
        await broken.stamp(encoded(photo((256, 256))), "image/png", FACTS)


async def test_two_stamps_are_under_way_at_once(
    new_stamper: Callable[..., ImageStamper], engine: SpreadSpectrum
) -> None:
    """Neither waits for the other to be done with the watermark, which takes longest: both must have begun."""
    meeting = threading.Barrier(2, timeout=30)

    class Meeting:
        name = engine.name

        def embed(self, *arguments: Any) -> Any:
            meeting.wait()
            return engine.embed(*arguments)

        def read(self, *arguments: Any) -> Any:
            return engine.read(*arguments)

        def pack(self, payload: Any) -> bytes:
            return engine.pack(payload)

    stamper = new_stamper(engine=Meeting())
    made = await asyncio.gather(
        *(stamper.stamp(encoded(photo((256, 256), seed)), "image/png", FACTS) for seed in range(2))
    )
    assert all(stamp.watermark for _, stamp in made)


async def test_stamps_may_run_at_once(stamper: ImageStamper) -> None:
    made = await asyncio.gather(
        *(stamper.stamp(encoded(photo((256, 256), seed)), "image/png", FACTS) for seed in range(4))
    )
    assert len({stamp.image_id for _, stamp in made}) == 4
    assert [(await stamper.assess(data)).image_id for data, _ in made] == [stamp.image_id for _, stamp in made]


async def test_the_event_loop_goes_on_while_images_are_stamped_and_assessed(stamper: ImageStamper) -> None:
    await stamper.stamp(encoded(photo((256, 256))), "image/png", FACTS)  # the keyed pattern and the signer are made
    threads: set[str] = set()
    engine = stamper._watermark
    assert engine is not None

    class Watching:
        """The engine, and where it was called."""

        name = engine.name

        def embed(self, *arguments: Any) -> Any:
            threads.add(threading.current_thread().name)
            return engine.embed(*arguments)

        def read(self, *arguments: Any) -> Any:
            threads.add(threading.current_thread().name)
            return engine.read(*arguments)

        def pack(self, payload: Any) -> bytes:
            return engine.pack(payload)

    stamper._watermark = Watching()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    data, _ = await stamper.stamp(encoded(photo((1024, 1024))), "image/png", FACTS)
    await stamper.assess(data)
    ticking.cancel()
    assert ticks >= 3
    assert threading.main_thread().name not in threads


def test_programs_ask_with_one_call(settings: Settings, tmp_path: Path) -> None:
    async def stamped() -> bytes:
        async with open_store(settings) as (store, _):
            stamper = await open_stamper(settings, store)
            return (await stamper.stamp(encoded(photo((256, 256))), "image/png", FACTS))[0]

    data = asyncio.run(stamped())
    path = tmp_path / "image.png"
    path.write_bytes(data)
    for image in (data, path, str(path), decoded(data)):
        assert assess(image, settings=settings).verdict == "ours"
    assert assess(photo((256, 256), 5), settings=settings).verdict == "no_evidence"
    with pytest.raises(BadImage, match="cannot be read"):
        assess(tmp_path / "none.png", settings=settings)


async def test_the_one_call_is_no_call_for_an_event_loop(settings: Settings) -> None:
    with pytest.raises(SafelightError, match="await"):
        assess(b"", settings=settings)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_thousand_stamps_leak_no_memory(new_stamper: Callable[..., ImageStamper]) -> None:
    class Nowhere(MemoryRegistry):
        """Registers nothing: what is kept on purpose is no leak."""

        async def add(self, registered: Registered) -> None:
            pass

    stamper, data = new_stamper(registry=Nowhere()), encoded(photo((256, 256)))

    async def resident_after(count: int) -> int:
        for _ in range(count):
            await stamper.stamp(data, "image/png", FACTS)
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = await resident_after(200)
    assert await resident_after(1000) - before < 8_000_000


async def test_the_factory_stamps_into_the_store(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    async with Store.open(settings.database_url, settings.blobs_url, b"a ledger key of thirty-two bytes") as store:
        data, stamp = await (await open_stamper(settings, store)).stamp(encoded(photo((300, 300))), "image/png", FACTS)
        again = await open_stamper(settings, store)
        found = await again.assess(encoded(decoded(data), "WEBP", quality=60))
        assert (found.verdict, found.image_id) == ("ours", stamp.image_id)
        assert again.identity.describe()["development"] is True


async def test_a_production_certificate_is_rotated_by_settings(settings: Settings, tmp_path: Path) -> None:
    settings.home.mkdir(parents=True)
    places = []
    for name in ("old", "new"):
        chain, key = production()
        places.append((tmp_path / f"{name}.pem", tmp_path / f"{name}.key"))
        places[-1][0].write_bytes(chain)
        places[-1][1].write_bytes(key)
    (old, old_key), (new, new_key) = places
    first = settings.model_copy(update={"certificate": old, "private_key": old_key})
    rotated = settings.model_copy(update={"certificate": new, "private_key": new_key})
    async with Store.open(settings.database_url, settings.blobs_url, b"a ledger key of thirty-two bytes") as store:
        data, _ = await (await open_stamper(first, store)).stamp(encoded(photo((300, 300))), "image/png", FACTS)
        stranger = await (await open_stamper(rotated, store)).assess(data)
        assert stranger.legs["manifest"].state == "foreign"
        known = await open_stamper(rotated.model_copy(update={"retired_certificates": (old,)}), store)
        assert (await known.assess(data)).legs["manifest"].state == "match"
        with pytest.raises(ConfigError, match="cannot be read"):
            await open_stamper(rotated.model_copy(update={"retired_certificates": (tmp_path / "gone",)}), store)


async def test_half_a_production_identity_is_refused(settings: Settings, tmp_path: Path) -> None:
    half = settings.model_copy(update={"certificate": tmp_path / "chain.pem"})
    settings.home.mkdir(parents=True)
    async with Store.open(settings.database_url, settings.blobs_url, b"a ledger key of thirty-two bytes") as store:
        with pytest.raises(ConfigError, match="together"):
            await open_stamper(half, store)
