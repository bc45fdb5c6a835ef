"""Stripped images find their manifests again."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from safelight.errors import BadInput
from safelight.provenance.manifest import FINGERPRINT_ALGORITHM, WATERMARK_ALGORITHM, WATERMARK_ALGORITHMS
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.resolution import Resolver
from safelight.provenance.stamper import ImageStamper

from .conftest import FACTS, decoded, encoded, photo


async def test_every_way_leads_to_the_manifest(new_stamper: Callable[..., ImageStamper]) -> None:
    registry = MemoryRegistry()
    stamper = new_stamper(registry=registry)
    data, stamp = await stamper.stamp(encoded(photo((320, 320))), "image/png", FACTS)
    resolver = Resolver(registry, stamper)
    assert stamp.watermark is not None
    mark = base64.b64encode(bytes.fromhex(stamp.watermark)).decode()
    looks = base64.b64encode(bytes.fromhex(stamp.fingerprint.removeprefix("pdq:"))).decode()
    for matches in (
        await resolver.by_binding(WATERMARK_ALGORITHM, mark),
        await resolver.by_binding(FINGERPRINT_ALGORITHM, looks),
        await resolver.by_content(encoded(decoded(data), "JPEG", quality=70)),
    ):
        assert [each.public() for each in matches] == [{"manifestId": stamp.image_id, "similarityScore": 100}]
    store = await resolver.manifest(stamp.image_id)
    assert store is not None
    assert b"jumb" in store
    assert {each["alg"] for group in resolver.supported_algorithms().values() for each in group} == {
        *WATERMARK_ALGORITHMS,
        FINGERPRINT_ALGORITHM,
    }


async def test_what_is_guessed_or_unknown_leads_nowhere(new_stamper: Callable[..., ImageStamper]) -> None:
    registry = MemoryRegistry()
    stamper = new_stamper(registry=registry)
    _, stamp = await stamper.stamp(encoded(photo((320, 320))), "image/png", FACTS)
    resolver = Resolver(registry, stamper)
    assert stamp.watermark is not None
    guessed = bytes.fromhex(stamp.watermark)[:-1] + bytes([bytes.fromhex(stamp.watermark)[-1] ^ 1])
    assert await resolver.by_binding(WATERMARK_ALGORITHM, base64.b64encode(guessed).decode()) == []
    assert await resolver.by_content(encoded(photo((300, 300), 33))) == []
    assert await resolver.manifest("img_00000000000") is None
    for alg, value in ((WATERMARK_ALGORITHM, "?"), ("com.example.other", "AAAA"), (FINGERPRINT_ALGORITHM, "AAAA")):
        with pytest.raises(BadInput):
            await resolver.by_binding(alg, value)
