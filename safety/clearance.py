"""Clearances: unforgeable receipts that exactly this content passed exactly this stage.

A clearance is a keyed MAC (HMAC-SHA256, RFC 2104) over the content's digest, the stage, the run, the policy version,
an expiry and a nonce. It is the form in which a verdict travels: graph state may be edited, edges may be jumped,
but an effect that demands a clearance for its actual input cannot be talked into running.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, Uncleared
from .content import Content, Stage
from .verdict import Verdict

__all__ = ["Clearance", "ClearanceOffice"]

_SEAL = object()
_NONCE_BYTES = 12


class Clearance:
    """A receipt. It has no public constructor: `ClearanceOffice` issues it, or reads it back from a token."""

    __slots__ = ("digest", "expires_at", "key_id", "mac", "nonce", "policy_version", "run_id", "stage")

    digest: bytes
    stage: Stage
    run_id: str
    policy_version: str
    expires_at: float
    nonce: bytes
    key_id: str
    mac: bytes

    def __init__(self, seal: object, **fields: Any) -> None:
        if seal is not _SEAL:
            raise TypeError("A Clearance cannot be constructed: ask a ClearanceOffice to issue one.")
        for name in self.__slots__:
            object.__setattr__(self, name, fields[name])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Clearance is immutable.")

    def __repr__(self) -> str:
        return f"Clearance({self.stage}, run={self.run_id}, content={self.digest.hex()[:12]}…)"

    @property
    def token(self) -> str:
        """The receipt as plain text, fit for graph state and the ledger."""
        return ".".join(
            (
                "c1",
                self.key_id,
                self.stage,
                self.run_id,
                self.policy_version,
                repr(self.expires_at),
                self.digest.hex(),
                self.nonce.hex(),
                self.mac.hex(),
            )
        ).replace(" ", "")


@dataclass(frozen=True)
class ClearanceOffice:
    """Issues and verifies clearances.

    `keys` maps key ids to secrets of at least 32 bytes; `current` signs, all verify, so that keys rotate without
    voiding what is under way. `lifetime` is in seconds. Clock and entropy are injected for tests.
    """

    keys: Mapping[str, bytes]
    current: str
    policy_version: str
    lifetime: float = 3600.0
    clock: Callable[[], float] = time.time
    entropy: Callable[[int], bytes] = secrets.token_bytes

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ConfigError(f"Clearance key {self.current!r} is not among the configured keys {sorted(self.keys)}.")
        for key_id, key in self.keys.items():
            if len(key) < 32:
                raise ConfigError(f"Clearance key {key_id!r} has {len(key)} bytes; at least 32 are needed.")
            if not key_id.isalnum():
                raise ConfigError(f"Clearance key id {key_id!r} must consist of letters and digits.")

    def issue(self, content: Content, verdict: Verdict, *, run_id: str) -> Clearance:
        """A clearance for content that a verdict allowed.

        Raises:
            Uncleared: the verdict does not allow, or was given under another policy version.
        """
        if not verdict.allowed or verdict.failed:
            raise Uncleared(
                f"No clearance: the verdict is {verdict.decision}, not allow.", run_id=run_id, stage=content.stage
            )
        if verdict.policy_version != self.policy_version:
            raise Uncleared(
                f"No clearance: the verdict was given under policies {verdict.policy_version or 'unknown'}, "
                f"in force are {self.policy_version}.",
                run_id=run_id,
                stage=content.stage,
            )
        fields: dict[str, Any] = {
            "digest": content.digest,
            "stage": content.stage,
            "run_id": run_id,
            "policy_version": self.policy_version,
            "expires_at": self.clock() + self.lifetime,
            "nonce": self.entropy(_NONCE_BYTES),
            "key_id": self.current,
        }
        return Clearance(_SEAL, **fields, mac=_mac(self.keys[self.current], fields))

    def read(self, token: str) -> Clearance:
        """A clearance from its token. Says nothing about validity: `verify` does.

        Raises:
            Uncleared: the token is malformed.
        """
        try:
            # The expiry may hold one dot, so it is taken from the middle of a split from both ends.
            head, digest, nonce, mac = token.rsplit(".", 3)
            version, key_id, stage, run_id, policy_version, expires_at = head.split(".", 5)
            if version != "c1":
                raise ValueError(f"unknown version {version!r}")
            return Clearance(
                _SEAL,
                digest=bytes.fromhex(digest),
                stage=Stage(stage),
                run_id=run_id,
                policy_version=policy_version,
                expires_at=float(expires_at),
                nonce=bytes.fromhex(nonce),
                key_id=key_id,
                mac=bytes.fromhex(mac),
            )
        except ValueError as error:
            raise Uncleared(f"Not a clearance token: {error}.") from error

    def verify(self, clearance: Clearance | None, content: Content, *, run_id: str) -> None:
        """Return only if `clearance` is genuine, unexpired, and for exactly this content, stage and run.

        Raises:
            Uncleared: it is not; the message says which of these failed.
        """
        fault = self._fault(clearance, content, run_id)
        if fault is not None:
            raise Uncleared(f"Uncleared at {content.stage}: {fault}.", run_id=run_id, stage=content.stage)

    def _fault(self, clearance: Clearance | None, content: Content, run_id: str) -> str | None:
        if not isinstance(clearance, Clearance):
            return "there is no clearance"
        key = self.keys.get(clearance.key_id)
        if key is None:
            return f"the clearance was signed with key {clearance.key_id!r}, which is not in use"
        fields = {name: getattr(clearance, name) for name in Clearance.__slots__ if name != "mac"}
        if not hmac.compare_digest(_mac(key, fields), clearance.mac):
            return "the clearance is forged or damaged"
        if clearance.policy_version != self.policy_version:
            return f"it was cleared under policies {clearance.policy_version}, in force are {self.policy_version}"
        if clearance.run_id != run_id:
            return f"it was cleared in run {clearance.run_id}, not in {run_id}"
        if clearance.stage is not content.stage:
            return f"it was cleared at {clearance.stage}"
        if not hmac.compare_digest(clearance.digest, content.digest):
            return "the content differs from what was checked"
        if self.clock() >= clearance.expires_at:
            return "the clearance has expired"
        return None


def _mac(key: bytes, fields: Mapping[str, Any]) -> bytes:
    """HMAC over length-prefixed fields, so that no two field lists share an encoding."""
    message = bytearray(b"safelight.clearance.v1")
    for value in (
        fields["digest"],
        fields["stage"].encode(),
        fields["run_id"].encode("utf-8", "surrogatepass"),
        fields["policy_version"].encode(),
        struct.pack(">d", fields["expires_at"]),
        fields["nonce"],
        fields["key_id"].encode(),
    ):
        message += struct.pack(">I", len(value)) + value
    return hmac.new(key, bytes(message), hashlib.sha256).digest()
