"""Stamps an image, and tells later whether an image is ours.

Watermark, then encoding, then a look at what was encoded (`preparing`, which may be another process's work), then the
manifest, then the registry; the bytes are final once they are signed. The signing key stays in this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from cryptography import x509
from PIL import Image

from .. import media
from ..errors import BadImage, ConfigError, StoreError
from ..processes import Processes
from ..store.keys import KeyRing
from .c2pa import ContentCredentials, Signed
from .content import Content, compare
from .fingerprint import distance, unpack_thumbnail
from .keys import SigningIdentity
from .manifest import Bindings
from .pixels import Region, changed_regions, tile_digest
from .preparing import FORMATS, Prepared, prepare
from .registry import Registered, Registry, StoreRegistry
from .report import ManifestReport
from .stamp import Assessment, Stamp, StampFacts
from .vectors import VECTOR_TYPES, judge_vector, prepare_vector, vector_type
from .verdict import Candidate, Evidence, judge
from .watermark.choice import open_watermark
from .watermark.engine import Reading, WatermarkEngine

if TYPE_CHECKING:
    from ..config import Settings
    from ..store import Store

__all__ = ["ImageStamper", "open_stamper"]

_log = structlog.get_logger(__name__)
_NUMBER_BITS = 44
_NEAR = 60
_DRAWS = 5


class ImageStamper:
    """Stamps as `identity`, with `watermark` (None: without one), into `registry`; pictures are prepared in `processes`
    (in threads, unless given)."""

    def __init__(
        self,
        identity: SigningIdentity,
        watermark: WatermarkEngine | None,
        registry: Registry,
        *,
        version: str = "0",
        trust_list: bytes = b"",
        entropy: Callable[[int], int] = secrets.randbits,
        quality: int = 92,
        processes: Processes | None = None,
    ) -> None:
        self.identity = identity
        self.watermark_name = None if watermark is None else watermark.name
        self._watermark = watermark
        self.registry = registry
        self._credentials = ContentCredentials(identity, version=version, trust_list=trust_list)
        self._entropy = entropy
        self._quality = quality
        self._processes = processes or Processes()

    async def stamp(self, data: bytes, media_type: str, facts: StampFacts) -> tuple[bytes, Stamp]:
        """The image, marked, signed and registered, and what was put on it. The bytes must not be touched again.

        Raises:
            BadImage: the image does not decode within bounds, or is of a kind that cannot be stamped.
            ConfigError: the identity cannot sign.
            StoreError: it could not be registered.
        """
        if media_type not in FORMATS:
            raise BadImage(f"{media_type} images cannot be stamped: choose PNG, JPEG, WebP or AVIF.")
        number = await self._new_number()
        prepared = await self._processes.run(prepare, self._watermark, data, media_type, number, self._quality)
        signed, stamp, registered = await asyncio.to_thread(
            self._sign, prepared, media_type, facts, image_id_of(number)
        )
        await self.registry.add(registered)
        return signed.data, stamp

    async def stamp_vector(self, data: bytes, media_type: str, shown: bytes, facts: StampFacts) -> tuple[bytes, Stamp]:
        """The SVG or PDF file, signed and registered. `shown` is an image of how it looks, for its fingerprint.

        Raises:
            BadImage: it is neither, or `shown` does not decode.
            ConfigError: the identity cannot sign.
            StoreError: it could not be registered.
        """
        if media_type not in VECTOR_TYPES:
            raise BadImage(f"{media_type} is no vector file that can be signed: choose SVG or PDF.")
        image_id = image_id_of(await self._new_number())
        prepared = await asyncio.to_thread(prepare_vector, data, shown)
        signed, stamp, registered = await asyncio.to_thread(self._sign, prepared, media_type, facts, image_id)
        await self.registry.add(registered)
        return signed.data, stamp

    async def assess(self, data: bytes) -> Assessment:
        """Whose image is this? Raises BadImage where it does not decode within bounds.

        A vector file is never drawn for this: its bytes and its manifest are all that is looked at."""
        exact = await self.registry.by_sha256(hashlib.sha256(data).hexdigest())
        if kind := vector_type(data):
            return judge_vector(await asyncio.to_thread(self._credentials.read, data, kind), exact)
        picture, report = await asyncio.to_thread(self._open, data)
        image = picture.image
        reading, content = await asyncio.to_thread(self._look, image)
        reading = await self._recognized(image, reading)
        candidates: list[Candidate] = []
        if exact is not None:
            candidates.append(_candidate(exact, "bytes", content))
        if report.origin == "ours" and report.run is not None:
            named = await self.registry.by_image_id(str(report.run.get("image_id")))
            if named is not None:
                candidates.append(_candidate(named, "manifest", content))
        if reading is not None and reading.payload is not None:
            marked = await self.registry.by_image_id(image_id_of(reading.payload.image))
            if marked is not None:
                candidates.append(await asyncio.to_thread(_candidate, marked, "watermark", content, reading))
        if not any(each.comparison.agrees for each in candidates):
            for found in await self.registry.near(content.forms, _NEAR):
                look_alike = await self.registry.by_image_id(found.image_id)
                if look_alike is not None:
                    candidates.append(_candidate(look_alike, "fingerprint", content))
        regions, fits = await asyncio.to_thread(_compare_pixels, image, report, content, candidates)
        note = "" if self._watermark is not None else "no watermark engine is set up"
        return judge(Evidence(report, reading, tuple(candidates), regions, note, fits, picture.notes))

    async def _recognized(self, image: Image.Image, reading: Reading | None) -> Reading | None:
        """The reading, or what is known from the registry of a mark that cannot be read."""
        if self._watermark is None or reading is None or not reading.traces:
            return reading
        match = await self.registry.match(np.stack([each.soft for each in reading.traces]))
        if match is None:
            return reading
        trace = reading.traces[match.trace]
        return await asyncio.to_thread(self._watermark.recognize, image, trace, match.mark, match.p_value) or reading

    async def _new_number(self) -> int:
        for _ in range(_DRAWS):
            number = self._entropy(_NUMBER_BITS)
            if await self.registry.by_image_id(image_id_of(number)) is None:
                return number
        raise StoreError("No free image id was found: the source of randomness is broken.", stage="stamp")

    def _sign(
        self, prepared: Prepared, media_type: str, facts: StampFacts, image_id: str
    ) -> tuple[Signed, Stamp, Registered]:
        bindings = Bindings(
            image_id=image_id,
            fingerprint=prepared.fingerprint,
            width=prepared.width,
            height=prepared.height,
            pixels=prepared.pixels,
            mark=prepared.mark,
            algorithm=self.watermark_name,
        )
        signed = self._credentials.sign(prepared.encoded, media_type, facts, bindings)
        stamp = Stamp(
            image_id=image_id,
            sha256=hashlib.sha256(signed.data).hexdigest(),
            manifest_id=signed.label,
            watermark=prepared.mark,
            fingerprint=f"pdq:{prepared.fingerprint.hex()}",
            signer=self.identity.subject,
            development=self.identity.is_development,
            notes=(*prepared.notes, *signed.notes),
        )
        registered = Registered(
            image_id=image_id,
            run_id=facts.run_id,
            image=facts.image,
            sha256=stamp.sha256,
            fingerprint=prepared.fingerprint,
            thumbnail=prepared.thumbnail,
            manifest=signed.store,
            facts={
                **stamp.model_dump(mode="json"), "pixels": prepared.pixels, "size": [prepared.width, prepared.height]
            },
        )  # fmt: skip
        return signed, stamp, registered

    def _open(self, data: bytes) -> tuple[media.Picture, ManifestReport]:
        picture = media.decode(data)
        return picture, self._credentials.read(data, picture.media_type)

    def _look(self, image: Image.Image) -> tuple[Reading | None, Content]:
        reading = self._watermark.read(image) if self._watermark is not None else None
        return reading, Content.of(image)


async def open_stamper(
    settings: Settings,
    store: Store,
    processes: Processes | None = None,
    identity: SigningIdentity | None = None,
) -> ImageStamper:
    """The stamper that the settings ask for: with a production certificate, or else with the development chain; or
    with that `identity`, whose key may be anywhere.

    Raises:
        ConfigError: the certificate and key cannot be used.
    """
    return await asyncio.to_thread(_open_stamper, settings, StoreRegistry(store.images), processes, identity)


def _open_stamper(
    settings: Settings, registry: Registry, processes: Processes | None, identity: SigningIdentity | None
) -> ImageStamper:
    identity = (identity or _identity(settings)).with_retired(_read_pem(path) for path in settings.retired_certificates)
    if settings.tsa_url:
        identity = identity.with_tsa(settings.tsa_url)
    for warning in () if identity.is_development else identity.warnings():
        _log.warning(warning)
    # Whoever has this secret can make marks that read as ours, so that it lies where the other keys lie.
    current, known = KeyRing.open(settings.keys_dir).get("watermark")
    retired = [secret for name, secret in known.items() if name != current]
    engine = open_watermark(settings.watermark_engine, settings.watermark_networks, known[current], retired)
    return ImageStamper(
        identity,
        engine,
        registry,
        version=metadata.version("safelight"),
        trust_list=b"" if settings.trust_list is None else _read_pem(settings.trust_list),
        processes=processes,
    )


def _identity(settings: Settings) -> SigningIdentity:
    if (settings.certificate is None) != (settings.private_key is None):
        raise ConfigError("certificate and private_key must be set together: a PEM chain (leaf first) and its key.")
    if settings.certificate is not None and settings.private_key is not None:
        return SigningIdentity.from_files(settings.certificate, settings.private_key)
    return SigningIdentity.from_environment(os.environ) or SigningIdentity.development(settings.keys_dir)


def _read_pem(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        x509.load_pem_x509_certificates(data)
    except OSError as error:
        raise ConfigError(f"The certificates in {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"The certificates in {path} cannot be read: {error}. They must be PEM.") from error
    return data


def image_id_of(number: int) -> str:
    """The image id that a watermark's number stands for."""
    return f"img_{number:011x}"


def _candidate(registered: Registered, by: Any, content: Content, reading: Reading | None = None) -> Candidate:
    small = None if registered.thumbnail is None else unpack_thumbnail(registered.thumbnail)
    if reading is None:
        return Candidate(registered, by, compare(content, registered.fingerprint, small, None))
    # Only what demonstrably came from elsewhere is left out: an area without any mark may as well be a forger's.
    without = reading.unmarked if reading.others else ()
    compared = compare(content, registered.fingerprint, small, reading.geometry, without, reading.tag_agreement)
    return Candidate(registered, by, compared)


def _compare_pixels(
    image: Image.Image, report: ManifestReport, content: Content, candidates: list[Candidate]
) -> tuple[tuple[Region, ...] | None, bool | None]:
    """Which tiles differ from what was signed or registered; whether the manifest's fingerprint is this picture's."""
    fits = (
        None
        if report.fingerprint is None
        else min(distance(form, report.fingerprint) for form in content.forms) <= _NEAR
    )
    said = report.run if report.origin == "ours" and fits else None
    for candidate in candidates:
        if said is None and not candidate.contradicts:
            facts = candidate.registered.facts or {}
            width, height = facts.get("size") or (0, 0)
            said = {"width": width, "height": height, "pixels": facts.get("pixels")}
    if said is None or (said.get("width"), said.get("height")) != image.size:
        return None, fits
    return changed_regions(str(said.get("pixels")), tile_digest(image)), fits
