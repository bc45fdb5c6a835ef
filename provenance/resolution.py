"""Finds the manifest of a stripped image again: the read-only part of C2PA's Soft Binding Resolution API.

    GET  /matches/byBinding?alg=…&value=…      resolver.by_binding(alg, value)
    POST /matches/byContent                    resolver.by_content(data)
    GET  /manifests/{manifestId}               resolver.manifest(manifest_id)
    GET  /services/supportedAlgorithms         resolver.supported_algorithms()

Resolution by reference (an address to fetch) is left out on purpose: it would have the server ask for any address.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from ..errors import BadInput
from .fingerprint import FINGERPRINT_BYTES
from .manifest import FINGERPRINT_ALGORITHM, WATERMARK_ALGORITHMS
from .registry import Registry
from .stamper import ImageStamper, image_id_of

__all__ = ["Match", "Resolver"]

_NEAR = 31
_NUMBER = slice(4, 48)  # the bits of a sealed payload that hold the image's number


@dataclass(frozen=True)
class Match:
    """A manifest that a binding leads to. `similarity` is 0..100."""

    manifest_id: str
    similarity: int

    def public(self) -> dict[str, Any]:
        """As the API gives it."""
        return {"manifestId": self.manifest_id, "similarityScore": self.similarity}


class Resolver:
    """Answers from the registry; `manifestId` is the image id."""

    def __init__(self, registry: Registry, stamper: ImageStamper) -> None:
        self._registry = registry
        self._stamper = stamper

    def supported_algorithms(self) -> dict[str, Any]:
        """The soft bindings that are understood."""
        marks = [{"alg": algorithm} for algorithm in WATERMARK_ALGORITHMS]
        return {"watermarks": marks, "fingerprints": [{"alg": FINGERPRINT_ALGORITHM}]}

    async def by_binding(self, alg: str, value: str) -> list[Match]:
        """The manifests of a binding's value (base64). Raises BadInput where it is not one that is understood."""
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadInput(f"The value is not base64: {error}.") from error
        if alg == FINGERPRINT_ALGORITHM and len(raw) == FINGERPRINT_BYTES:
            found = await self._registry.near([raw], _NEAR)
            return [Match(each.image_id, round(100 * (1 - each.distance / 256))) for each in found]
        if alg in WATERMARK_ALGORITHMS and len(raw) == 12:
            bits = f"{int.from_bytes(raw):096b}"
            image_id = image_id_of(int(bits[_NUMBER], 2))
            known = await self._registry.by_image_id(image_id)
            stamped = None if known is None else (known.facts or {}).get("watermark")
            # The whole sealed payload must be the one that was stamped: a number alone could be guessed.
            return [Match(image_id, 100)] if known is not None and stamped == raw.hex() else []
        known_algorithms = f"{', '.join(WATERMARK_ALGORITHMS)} (12 bytes) and {FINGERPRINT_ALGORITHM} (32 bytes)"
        raise BadInput(f"No binding {alg} of {len(raw)} bytes is known here: only {known_algorithms}.")

    async def by_content(self, data: bytes) -> list[Match]:
        """The manifest of an image, by everything that can be found in it. Raises BadImage."""
        found = await self._stamper.assess(data)
        if found.image_id is None or found.verdict not in ("ours", "probably_ours"):
            return []
        return [Match(found.image_id, 100 if found.verdict == "ours" else 80)]

    async def manifest(self, manifest_id: str) -> bytes | None:
        """The manifest store (application/c2pa), None where there is none or it was erased."""
        known = await self._registry.by_image_id(manifest_id)
        return None if known is None else known.manifest
