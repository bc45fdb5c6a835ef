"""Clearances: unforgeable receipts that exactly this content passed exactly this stage.

A clearance is a keyed MAC (HMAC-SHA256, RFC 2104) over the content's digest, the stage, the run, the policy version,
the strict stacks it was judged under, an expiry and a nonce. It is the form in which a verdict travels: graph state
may be edited, edges may be jumped, but an effect that demands a clearance for its actual input cannot be talked into
running.
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

from ..errors import ConfigError, Uncleared
from .content import Content, Stage
from .verdict import Decision, Verdict

__all__ = ["Clearance", "ClearanceOffice"]

_SEAL = object()
_DOMAIN = b"safelight.clearance.v1"
_VERSION = "c1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_WORD = re.compile(r"[!-\-/-~]{1,200}")  # printable ASCII, no space, no dot
_STACK = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Clearance:
    """A receipt. It has no public constructor: `ClearanceOffice` issues it, or reads it back from a token.

    It holds no secret and proves nothing by existing: whoever relies on it has it verified against the actual content.
    It is immutable, equal to another with the same token, and travels as its token only (pickling is refused).
    """

    __slots__ = ("digest", "expires_at", "key_id", "mac", "nonce", "policy_version", "run_id", "stacks", "stage")

    digest: bytes
    stage: Stage
    run_id: str
    policy_version: str
    stacks: frozenset[str]
    expires_at: float
    nonce: bytes
    key_id: str
    mac: bytes

    def __init__(self, seal: object, **fields: Any) -> None:
        if seal is not _SEAL:
            raise TypeError("A Clearance cannot be constructed: ask a ClearanceOffice to issue one.")
        for name in self.__slots__:
            object.__setattr__(self, name, fields[name])

    def __init_subclass__(cls) -> None:
        raise TypeError("Clearance cannot be subclassed: a subclass could answer differently each time it is asked.")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Clearance is immutable.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("A Clearance is immutable.")

    def __copy__(self) -> Clearance:
        return self

    def __deepcopy__(self, memo: object) -> Clearance:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Clearance is not pickled: store its `token`, and have a ClearanceOffice read it.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clearance) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return f"Clearance({self.stage}, run={self.run_id}, content={self.digest.hex()[:12]}…)"

    @property
    def token(self) -> str:
        """The receipt as plain text, fit for graph state and the ledger."""
        return ".".join(
            (
                _VERSION,
                self.key_id,
                self.stage,
                self.run_id,
                self.policy_version,
                "+".join(sorted(self.stacks)),
                struct.pack(">d", self.expires_at).hex(),
                self.digest.hex(),
                self.nonce.hex(),
                self.mac.hex(),
            )
        )


@dataclass(frozen=True)
class ClearanceOffice:
    """Issues and verifies clearances.

    `keys` maps key ids to secrets of at least 32 bytes; `current` signs, all verify, so that keys rotate without
    voiding what is under way. `lifetime` is in seconds. Clock and entropy are injected for tests. Run ids, key ids,
    stack names and the policy version stand in tokens between dots, and may consist of printable ASCII without any.

    Raises:
        ConfigError: the keys, the lifetime or the policy version cannot work.
    """

    keys: Mapping[str, bytes] = field(repr=False)
    current: str
    policy_version: str
    lifetime: float = 3600.0
    clock: Callable[[], float] = time.time
    entropy: Callable[[int], bytes] = secrets.token_bytes

    def __post_init__(self) -> None:
        # A copy: a key that someone adds to the caller's mapping later must not verify.
        object.__setattr__(self, "keys", MappingProxyType({key_id: bytes(key) for key_id, key in self.keys.items()}))
        if self.current not in self.keys:
            raise ConfigError(f"Clearance key {self.current!r} is not among the configured keys {sorted(self.keys)}.")
        for key_id, key in self.keys.items():
            if len(key) < _KEY_BYTES:
                raise ConfigError(f"Clearance key {key_id!r} has {len(key)} bytes; at least {_KEY_BYTES} are needed.")
            if not (key_id.isascii() and key_id.isalnum()):
                raise ConfigError(f"Clearance key id {key_id!r} must consist of letters and digits.")
        if not _WORD.fullmatch(self.policy_version):
            raise ConfigError(f"The policy version {self.policy_version!r} must be printable ASCII without dots.")
        if not (math.isfinite(self.lifetime) and self.lifetime > 0):
            raise ConfigError(f"A clearance's lifetime must be a positive number of seconds, not {self.lifetime!r}.")

    def issue(self, content: Content, verdict: Verdict, *, run_id: str) -> Clearance:
        """A clearance for content that a verdict allowed.

        Raises:
            Uncleared: the verdict does not allow, or was given under another policy version, or the run id cannot
                stand in a token.
        """
        fault = next(self._refusals(content, verdict, run_id), None)
        if fault is not None:
            raise Uncleared(f"No clearance: {fault}.", run_id=run_id, stage=getattr(content, "stage", None))
        nonce = self.entropy(_NONCE_BYTES)
        if len(nonce) != _NONCE_BYTES:
            raise Uncleared(f"No clearance: the entropy source gave {len(nonce)} bytes, not {_NONCE_BYTES}.")
        clearance = Clearance(
            _SEAL,
            digest=content.digest,
            stage=content.stage,
            run_id=run_id,
            policy_version=self.policy_version,
            stacks=content.stacks,
            expires_at=float(self.clock() + self.lifetime),
            nonce=nonce,
            key_id=self.current,
            mac=b"",
        )
        object.__setattr__(clearance, "mac", _mac(self.keys[self.current], clearance))
        return clearance

    def read(self, token: str) -> Clearance:
        """A clearance from its token. Says nothing about validity: `verify` does.

        Raises:
            Uncleared: the token is malformed.
        """
        try:
            version, key_id, stage, run_id, policy_version, stacks, expires_at, digest, nonce, mac = token.split(".")
            if version != _VERSION:
                raise ValueError(f"unknown version {version[:20]!r}")
            clearance = Clearance(
                _SEAL,
                digest=_unhex(digest, 32),
                stage=Stage(stage),
                run_id=run_id,
                policy_version=policy_version,
                stacks=frozenset(stacks.split("+")) if stacks else frozenset(),
                expires_at=struct.unpack(">d", _unhex(expires_at, 8))[0],
                nonce=_unhex(nonce, _NONCE_BYTES),
                key_id=key_id,
                mac=_unhex(mac, 32),
            )
            if clearance.token != token:
                raise ValueError("it is not written in the canonical form")
            return clearance
        except (ValueError, TypeError, AttributeError) as error:
            raise Uncleared(f"Not a clearance token: {error}.") from error

    def verify(self, clearance: Clearance | None, content: Content, *, run_id: str) -> None:
        """Return only if `clearance` is genuine, unexpired, and for exactly this content, stage and run.

        Raises:
            Uncleared: it is not; the message says which of these failed.
        """
        fault = next(self._faults(clearance, content, run_id), None)
        if fault is not None:
            stage = getattr(content, "stage", None)
            raise Uncleared(f"Uncleared at {stage}: {fault}.", run_id=run_id, stage=stage)

    def _refusals(self, content: Content, verdict: Verdict, run_id: str) -> Iterator[str]:
        """Why no clearance may be issued, most basic first; taken one at a time, since each presumes those before."""
        if type(content) is not Content or type(verdict) is not Verdict:
            yield "it takes a Content and a Verdict, and no subclass of either"
        if not isinstance(run_id, str) or not _WORD.fullmatch(run_id):
            yield f"the run id {run_id!r} is not printable ASCII without dots and spaces (1 to 200 characters)"
        if not all(isinstance(stack, str) and _STACK.fullmatch(stack) for stack in content.stacks):
            yield f"the stacks {set(content.stacks)} are not plain names"
        if not verdict.allowed or verdict.failed:
            yield f"the verdict is {verdict.decision}{' (failed)' if verdict.failed else ''}, not allow"
        if any(finding.decision is not Decision.ALLOW for finding in verdict.findings):
            yield "the verdict allows what its own findings do not"
        if verdict.policy_version != self.policy_version:
            given = verdict.policy_version or "unknown"
            yield f"the verdict was given under policies {given}, in force are {self.policy_version}"

    def _faults(self, clearance: Clearance | None, content: Content, run_id: str) -> Iterator[str]:
        """Why a clearance is none for this content, here and now; taken one at a time, as above."""
        if type(clearance) is not Clearance:
            yield "there is no clearance"
        elif type(content) is not Content:
            yield f"{type(content).__name__} is not content"
        elif (key := self.keys.get(clearance.key_id)) is None:
            yield f"the clearance was signed with key {clearance.key_id!r}, which is not in use"
        elif not hmac.compare_digest(_mac(key, clearance), clearance.mac):
            yield "the clearance is forged or damaged"
        else:
            yield from self._mismatches(clearance, content, run_id)

    def _mismatches(self, clearance: Clearance, content: Content, run_id: str) -> Iterator[str]:
        """Where a genuine clearance is one for something else."""
        if clearance.policy_version != self.policy_version:
            yield f"it was cleared under policies {clearance.policy_version}, in force are {self.policy_version}"
        if clearance.run_id != run_id:
            yield f"it was cleared in run {clearance.run_id}, not in {run_id}"
        if clearance.stage is not content.stage:
            yield f"it was cleared at {clearance.stage}"
        if not hmac.compare_digest(clearance.digest, content.digest):
            yield "the content differs from what was checked"
        if not content.stacks <= clearance.stacks:
            yield f"it was not cleared under the strict stacks {set(content.stacks - clearance.stacks)}"
        if not self.clock() < clearance.expires_at:  # so that a clock that answers NaN expires everything
            yield "the clearance has expired"


def _unhex(text: str, size: int) -> bytes:
    data = bytes.fromhex(text)
    if len(data) != size:
        raise ValueError(f"{text[:20]!r} is not {size} bytes in hexadecimal")
    return data


def _mac(key: bytes, clearance: Clearance) -> bytes:
    """HMAC over length-prefixed fields, so that no two field lists share an encoding."""
    fields = (
        clearance.digest,
        clearance.stage.encode(),
        _encoded(clearance.run_id),
        _encoded(clearance.policy_version),
        _encoded("+".join(sorted(clearance.stacks))),
        struct.pack(">d", clearance.expires_at),
        clearance.nonce,
        _encoded(clearance.key_id),
    )
    lengths = struct.pack(f">{len(fields)}I", *map(len, fields))
    return hmac.digest(key, b"".join((_DOMAIN, lengths, *fields)), "sha256")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
