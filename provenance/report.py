"""What a validated manifest store says, in our words.

A validation state is C2PA's (2.x section 15): `trusted` means well-formed, bound to these bytes, and signed by someone
we trust; `valid` the same by someone unknown, or beside a manifest of an input that does not hold; `invalid` that
something does not hold.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .manifest import FINGERPRINT_ALGORITHM, RUN_LABEL, WATERMARK_ALGORITHMS

__all__ = ["Edit", "ManifestReport", "summarize"]

State = Literal["trusted", "valid", "invalid", "absent", "unreadable"]

_BROKEN_BYTES = {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch", "assertion.boxesHash.mismatch"}
_BROKEN_MANIFEST = {"assertion.hashedURI.mismatch", "claimSignature.mismatch", "assertion.missing", "claim.missing"}
_BROKEN_SIGNATURE = {
    "signingCredential.untrusted",
    "signingCredential.invalid",
    "signingCredential.expired",
    "signingCredential.revoked",
    "claimSignature.mismatch",
    "claimSignature.missing",
    "claimSignature.outsideValidity",
}
_AI_TYPES = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "algorithmicMedia",
)
_MAX_EDITS = 50


@dataclass(frozen=True)
class Edit:
    """One step of how an image came about: which manifest says so, who signed it, what was done, with what."""

    manifest: str
    signer: str
    action: str
    agent: str = ""
    source_type: str = ""


@dataclass(frozen=True)
class ManifestReport:
    """One manifest store. `origin` says who signed the active manifest: `ours` only where this installation's own
    certificate did, `listed` where the trust list vouches for the signer. Whether it still holds is in `state`."""

    state: State
    origin: Literal["ours", "listed", "unknown"] = "unknown"
    label: str | None = None
    signer: str = ""
    serial: str = ""
    signed_at: str | None = None
    generator: str = ""
    problems: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    run: dict[str, Any] | None = None
    fingerprint: bytes | None = None
    mark: str | None = None

    @property
    def is_signer_trusted(self) -> bool:
        """The claim is unbroken, and signed by someone whom the reader was told to trust."""
        return not _BROKEN_SIGNATURE & set(self.problems)

    @property
    def are_bytes_changed(self) -> bool:
        """The manifest is intact and says that these are not the bytes that were signed."""
        return bool(_BROKEN_BYTES & set(self.problems))

    @property
    def is_manifest_changed(self) -> bool:
        """The manifest itself was edited after it was signed."""
        return bool(_BROKEN_MANIFEST & set(self.problems))

    @property
    def says_generated(self) -> bool:
        """It declares that a generator made the image, or a part of it."""
        return any(kind in _AI_TYPES for kind in self.source_types)


def summarize(store: dict[str, Any]) -> ManifestReport:
    """The report of a reader's JSON. Raises KeyError, TypeError or ValueError where that is not one."""
    label = store["active_manifest"]
    manifests: dict[str, Any] = store["manifests"]
    active = manifests[label]
    signature = active.get("signature_info") or {}
    state: State = {"Trusted": "trusted", "Valid": "valid"}.get(store.get("validation_state", ""), "invalid")  # type: ignore[assignment]
    generators = active.get("claim_generator_info") or [{}]
    edits = tuple(_edits(manifests, label))
    fingerprint = _binding(active, FINGERPRINT_ALGORITHM)
    marks = (_binding(active, algorithm) for algorithm in WATERMARK_ALGORITHMS)
    mark = next((each for each in marks if each is not None), None)
    return ManifestReport(
        state=state,
        label=label,
        signer=str(signature.get("common_name") or ""),
        serial=str(signature.get("cert_serial_number") or ""),
        signed_at=signature.get("time"),
        generator=" ".join(str(generators[0].get(key, "")) for key in ("name", "version")).strip(),
        problems=tuple(_problems(store)),
        source_types=tuple(dict.fromkeys(edit.source_type for edit in edits if edit.source_type)),
        edits=edits,
        run=_data(active, RUN_LABEL),
        fingerprint=fingerprint,
        mark=mark.hex() if mark is not None else None,
    )


def _problems(store: dict[str, Any]) -> Iterator[str]:
    """The failure codes of the active manifest (C2PA 2.x section 15.2), each once."""
    failures = ((store.get("validation_results") or {}).get("activeManifest") or {}).get("failure") or []
    yield from dict.fromkeys(str(each.get("code", "")) for each in failures)


def _edits(manifests: dict[str, Any], label: str) -> Iterator[Edit]:
    """The chain of edits, newest first, along the ingredients that have manifests of their own."""
    waiting, seen = [label], set[str]()
    while waiting and len(seen) < _MAX_EDITS:
        current = waiting.pop(0)
        if current in seen or current not in manifests:
            continue
        seen.add(current)
        manifest = manifests[current]
        signer = str((manifest.get("signature_info") or {}).get("common_name") or "")
        for action in _actions(manifest):
            agent = action.get("softwareAgent")
            name = agent.get("name", "") if isinstance(agent, dict) else agent or ""
            source_type = str(action.get("digitalSourceType") or "").rsplit("/", 1)[-1]
            yield Edit(current, signer, str(action.get("action", "")), str(name), source_type)
        waiting += [
            each["active_manifest"] for each in manifest.get("ingredients") or [] if each.get("active_manifest")
        ]


def _actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    data = _data(manifest, "c2pa.actions.v2") or _data(manifest, "c2pa.actions") or {}
    actions = data.get("actions")
    return [each for each in actions if isinstance(each, dict)] if isinstance(actions, list) else []


def _data(manifest: dict[str, Any], label: str) -> dict[str, Any] | None:
    for assertion in manifest.get("assertions") or []:
        if assertion.get("label") == label and isinstance(assertion.get("data"), dict):
            data: dict[str, Any] = assertion["data"]
            return data
    return None


def _binding(manifest: dict[str, Any], algorithm: str) -> bytes | None:
    for assertion in manifest.get("assertions") or []:
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith("c2pa.soft-binding") and isinstance(data, dict):
            blocks = data.get("blocks") or [{}]
            if data.get("alg") == algorithm and isinstance(blocks[0], dict):
                try:
                    return base64.b64decode(str(blocks[0].get("value", "")), validate=True)
                except binascii.Error:
                    return None
    return None
