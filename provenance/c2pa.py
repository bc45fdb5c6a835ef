"""Signs manifests into images and reads them back (C2PA 2.x, through c2pa-python).

No remote manifest is ever fetched, no thumbnail is made, and every signature is verified before it is let out. The
library's contexts and signers die in a forked child, so they are built per process, on first use.
"""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import c2pa  # type: ignore[import-untyped]

from ..errors import BadImage, ConfigError, SafelightError
from ..media import sniff
from .inputs import ARCHIVE_TYPE, is_archive
from .keys import ACCEPTED_EKU, SigningIdentity
from .manifest import CREATED_ASSERTIONS, Bindings, definition, ingredient
from .report import ManifestReport, summarize
from .stamp import StampFacts

__all__ = ["ContentCredentials", "Signed"]

_log = logging.getLogger(__name__)

_TSA_TRIES = 2
_EMPTY: ManifestReport = ManifestReport("absent")


@dataclass(frozen=True)
class Signed:
    """A signed file, its manifest store, the label of its manifest, and what the operator should know."""

    data: bytes = field(repr=False)
    store: bytes = field(repr=False)
    label: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Machinery:
    """What belongs to one process. `signers` maps "with a timestamp?" to a signer."""

    ours: c2pa.Context
    listed: c2pa.Context
    signers: Mapping[bool, c2pa.Signer]


class ContentCredentials:
    """Signs as `identity`; reads what anyone signed. All methods block, and may be called from any thread.

    `trust_list` holds the roots (PEM) whose signatures count as trusted, beside our own.
    """

    def __init__(
        self,
        identity: SigningIdentity,
        *,
        version: str,
        trust_list: bytes = b"",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._identity = identity
        self._version = version
        self._trust_list = trust_list
        self._clock = clock
        self._lock = threading.Lock()
        self._process = -1
        self._built: _Machinery | None = None

    def sign(self, data: bytes, media_type: str, facts: StampFacts, bindings: Bindings) -> Signed:
        """The image with its manifest, which must not be touched again.

        Raises:
            ConfigError: the identity cannot sign.
            BadImage: the file, or one that it edits, cannot carry or be referred to by a manifest.
            SafelightError: signing failed otherwise.
        """
        machinery = self._machinery()
        manifest = definition(
            facts,
            bindings,
            media_type=media_type,
            version=self._version,
            now=self._clock(),
            is_development=self._identity.is_development,
        )
        notes: tuple[str, ...] = ()
        for stamped in [True] * _TSA_TRIES + [False] if self._identity.tsa_url else [False]:
            try:
                signed, store = _sign(machinery, machinery.signers[stamped], manifest, data, media_type, facts)
                break
            except c2pa.C2paError as error:
                if not stamped:
                    raise _signing_error(error, media_type) from error
                notes = (f"not timestamped: the authority did not answer ({error})",)
        with c2pa.Reader(media_type, io.BytesIO(signed), context=machinery.ours) as reader:
            label = json.loads(reader.json())["active_manifest"]
        return Signed(signed, store, label, notes)

    def read(self, data: bytes, media_type: str, *, store: bytes | None = None) -> ManifestReport:
        """What the manifest says, and whether that holds. `store` is a manifest found elsewhere (a registry) instead
        of the embedded one: its signature can be checked, its binding to these bytes cannot hold. Never raises."""
        machinery = self._machinery()
        try:
            report = _read(machinery.ours, data, media_type, store)
        except _Unreadable as error:
            return ManifestReport("unreadable", problems=(str(error),))
        if report is None:
            return _EMPTY
        if report.is_signer_trusted and report.serial in self._identity.serials:
            return replace(report, origin="ours")
        if self._trust_list:
            listed = _read(machinery.listed, data, media_type, store)
            if listed is not None and listed.is_signer_trusted:
                return replace(listed, origin="listed")
        return report

    def _machinery(self) -> _Machinery:
        with self._lock:
            if self._built is None or self._process != os.getpid():
                self._built, self._process = self._build(), os.getpid()
            return self._built

    def _build(self) -> _Machinery:
        identity = self._identity
        try:
            signers = {False: self._signer(None)}
            if identity.tsa_url:
                signers[True] = self._signer(identity.tsa_url)
            return _Machinery(
                ours=_context(identity.issuers),
                listed=_context((self._trust_list,)),
                signers=signers,
            )
        except c2pa.C2paError as error:
            raise ConfigError(f"The signing identity cannot be used: {error}") from error

    def _signer(self, tsa_url: str | None) -> c2pa.Signer:
        identity = self._identity
        if identity.signer is None:
            url = tsa_url.encode() if tsa_url else None
            info = c2pa.C2paSignerInfo(identity.algorithm.encode(), identity.chain, identity.key, url)
            return c2pa.Signer.from_info(info)
        algorithm = c2pa.C2paSigningAlg[identity.algorithm.upper()]
        remote = identity.signer

        def callback(data: bytes) -> bytes:
            try:
                return remote.sign(data)
            except Exception:  # the library swallows it, so it must be told here
                _log.exception("the remote signer failed")
                raise

        return c2pa.Signer.from_callback(callback, algorithm, identity.chain.decode(), tsa_url)


class _Unreadable(Exception):
    """The manifest cannot be parsed."""


def _context(anchors: tuple[bytes, ...]) -> c2pa.Context:
    trust: dict[str, Any] = {"trust_config": "\n".join(ACCEPTED_EKU) + "\n"}
    if any(anchors):
        trust["user_anchors"] = b"\n".join(anchors).decode()
    return c2pa.Context.from_dict(
        {
            "verify": {"verify_after_sign": True, "verify_trust": True, "remote_manifest_fetch": False},
            "trust": trust,
            "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": CREATED_ASSERTIONS},
        }
    )


def _sign(
    machinery: _Machinery,
    signer: c2pa.Signer,
    manifest: dict[str, Any],
    data: bytes,
    media_type: str,
    facts: StampFacts,
) -> tuple[bytes, bytes]:
    out = io.BytesIO()
    with c2pa.Builder(manifest, machinery.ours) as builder:
        for role, images in (("parent", facts.parents), ("component", facts.components)):
            for index, image in enumerate(images):
                kind = _media_type(image)
                builder.add_ingredient(
                    ingredient(role, index, None if kind == ARCHIVE_TYPE else kind), kind, io.BytesIO(image)
                )
        store = builder.sign(signer, media_type, io.BytesIO(data), out)
    return out.getvalue(), bytes(store)


def _media_type(image: bytes) -> str:
    kind = ARCHIVE_TYPE if is_archive(image) else sniff(image)
    if kind is None:
        raise BadImage("An image that this one edits or refers to is of a kind that cannot be recorded.")
    return kind


def _read(context: c2pa.Context, data: bytes, media_type: str, store: bytes | None) -> ManifestReport | None:
    try:
        with c2pa.Reader(media_type, io.BytesIO(data), manifest_data=store, context=context) as reader:
            return summarize(json.loads(reader.json()))
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error) or "type is unsupported" in str(error):  # a BMP can carry none
            return None
        raise _Unreadable(str(error)) from error
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise _Unreadable(f"the manifest is not well-formed ({error})") from error


def _signing_error(error: Exception, media_type: str) -> SafelightError:
    text = str(error)
    if "certificate" in text.lower() or "signature" in text.lower() or "cose" in text.lower():
        return ConfigError(
            f"The image could not be signed: {text}. Check the signing identity (`safelight keys show`)."
        )
    if "Unsupported" in text or "NotSupported" in text:
        return BadImage(f"{media_type} cannot carry Content Credentials: choose PNG, JPEG, WebP or AVIF.")
    return SafelightError(f"The image could not be signed: {text}", stage="stamp")
