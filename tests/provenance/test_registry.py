"""The registry: exact search, and the same answers from memory and from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.errors import StoreError
from safelight.provenance.fingerprint import distance
from safelight.provenance.hamming import HammingIndex
from safelight.provenance.registry import MemoryRegistry, Registered, Registry, StoreRegistry
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark.code import encode
from safelight.store import Store

from .conftest import FACTS, decoded, encoded, photo

hashes = st.binary(min_size=32, max_size=32)


def put(index: HammingIndex, number: int, bits: bytes) -> None:
    index.put(np.array([number]), np.frombuffer(bits, np.uint8)[None])


@settings(deadline=None, max_examples=40)
@given(st.lists(hashes, min_size=1, max_size=40), st.lists(hashes, min_size=1, max_size=8), st.integers(0, 256))
def test_the_index_finds_what_counting_finds(stored: list[bytes], forms: list[bytes], limit: int) -> None:
    index = HammingIndex()
    for number, bits in enumerate(stored):
        put(index, number, bits)
    expected = {
        number: min(distance(form, bits) for form in forms)
        for number, bits in enumerate(stored)
        if min(distance(form, bits) for form in forms) <= limit
    }
    found = {each.number: each.distance for each in index.near(forms, limit, most=len(stored))}
    assert found == expected


def test_the_nearest_come_first_across_blocks() -> None:
    rng = np.random.default_rng(0)
    index = HammingIndex()
    wanted = rng.bytes(32)
    index.put(np.arange(40_000), np.frombuffer(rng.bytes(32 * 40_000), np.uint8).reshape(-1, 32))
    put(index, 40_000, bytes([wanted[0] ^ 3]) + wanted[1:])
    put(index, 40_001, wanted)
    assert [each.number for each in index.near([wanted], 60)] == [40_001, 40_000]
    assert len(index) == 40_002
    index.remove(np.array([40_001, 50_000]))  # of which one is unknown
    assert [each.number for each in index.near([wanted], 60)] == [40_000]
    assert len(index) == 40_001


def image(number: int, **changes: object) -> Registered:
    fields = {
        "image_id": f"img_{number:011x}",
        "run_id": "run_1",
        "image": number,
        "sha256": f"{number:064x}",
        "fingerprint": bytes([number]) * 32,
        "thumbnail": b"png",
        "manifest": b"jumbf",
        "facts": {"size": [1, 2]},
    }
    return Registered(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "store"])
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Registry]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    async with Store.open(url, tmp_path.as_uri(), b"a ledger key of thirty-two bytes") as store:
        yield StoreRegistry(store.images)


async def test_images_are_found_by_id_hash_and_looks(registry: Registry) -> None:
    for number in range(4):
        await registry.add(image(number))
    assert await registry.by_image_id("img_00000000002") == image(2)
    assert await registry.by_sha256(f"{3:064x}") == image(3)
    assert await registry.by_image_id("img_fffffffffff") is None
    assert await registry.by_sha256("0" * 63 + "9") is None
    assert [each.image_id for each in await registry.near([b"\x03" * 32], 0)] == ["img_00000000003"]
    await registry.add(image(9))  # the index is loaded by now
    assert [each.image_id for each in await registry.near([b"\x09" * 32], 0)] == ["img_00000000009"]


def marked(number: int) -> Registered:
    return image(number, facts={"watermark": bytes([number] * 12).hex()})


def traces_of(number: int) -> Any:
    """What the mark of that image leaves where nothing is lost."""
    return 1 - 2.0 * encode(np.unpackbits(np.full(12, number, np.uint8)))[None]


async def test_images_are_found_by_what_their_mark_left(registry: Registry) -> None:
    await registry.add(image(1))  # it has no mark
    assert await registry.match(traces_of(2)) is None
    for number in (2, 3, 3):
        await registry.add(marked(number))
    for number in (2, 3):
        found = await registry.match(traces_of(number))
        assert found is not None
        assert found.mark == marked(number).mark
    assert await registry.match(traces_of(4)) is None


async def test_an_id_stands_for_one_image_only(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    async with Store.open(url, tmp_path.as_uri(), b"a ledger key of thirty-two bytes") as store:
        registry = StoreRegistry(store.images)
        await registry.add(image(1))
        await registry.add(image(1))
        with pytest.raises(StoreError, match="taken"):
            await registry.add(image(1, sha256="f" * 64))


async def test_nothing_is_loaded_for_what_is_told_without(
    tmp_path: Path, new_stamper: Callable[..., ImageStamper]
) -> None:
    """A picture with its manifest or a readable mark is looked up by what these say, however many there are."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    async with Store.open(url, tmp_path.as_uri(), b"a ledger key of thirty-two bytes") as store:
        registry = StoreRegistry(store.images)
        stamper = new_stamper(registry=registry)
        data, stamp = await stamper.stamp(encoded(photo()), "image/png", FACTS)
        stripped = encoded(decoded(data), "JPEG", quality=85)
        for each in (data, stripped):
            found = await stamper.assess(each)
            assert (found.verdict, found.image_id) == ("ours", stamp.image_id)
        assert registry.nbytes == 0
        assert (await stamper.assess(encoded(photo()))).verdict == "probably_ours"
        assert registry.nbytes > 0
