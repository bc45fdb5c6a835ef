"""Writes what guards do into the ledger: digests, decisions and numbers, never a word of what was judged.

A plain digest of a short text can be guessed. So digests enter the ledger behind a *veil*: HMAC-SHA256 under a secret
of the run. While the run's content is kept, so is the secret, and a text or image can be matched with its entries
(`Recorder.veiled`); when it is erased, the secret goes with it and the entries say nothing about it any more.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import sqlalchemy as sa

from .chain import Entry
from .database import Database
from .insertion import insert_new
from .ledger import Ledger, Record
from .tables import VeilRow, VerdictRow

__all__ = ["LedgerRecorder"]

_REMEMBERED = 4096
_VEIL_BYTES = 32
_KEEP_VERDICT = sa.insert(cast(sa.Table, VerdictRow.__table__))
_SECRET = sa.select(VeilRow.secret).where(VeilRow.run_id == sa.bindparam("of_run"))


class _Digested(Protocol):
    @property
    def digest(self) -> bytes: ...
    @property
    def stage(self) -> str: ...


class _Cleared(Protocol):
    """What a clearance shows (the floor above defines it)."""

    digest: bytes
    run_id: str
    policy_version: str
    expires_at: float
    key_id: str
    nonce: bytes

    @property
    def stage(self) -> str: ...


class _Finding(Protocol):
    @property
    def policy(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def decision(self) -> str: ...
    @property
    def moderator(self) -> str: ...


class _Verdict(Protocol):
    @property
    def decision(self) -> str: ...
    @property
    def findings(self) -> Sequence[_Finding]: ...
    @property
    def policies(self) -> tuple[str, ...]: ...
    @property
    def failed(self) -> bool: ...
    @property
    def not_checked(self) -> tuple[str, ...]: ...
    @property
    def policy_version(self) -> str: ...
    @property
    def seconds(self) -> float: ...


class LedgerRecorder:
    """Enters verdicts, clearances and effects; each call returns once its entry is durable. Calls that come together
    are committed together."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._entropy = entropy
        self._veils: OrderedDict[str, bytes] = OrderedDict()

    async def verdict(
        self, *, run_id: str, content: _Digested, verdict: _Verdict, clearance: _Cleared | None = None
    ) -> None:
        """A verdict was given on `content`, and a clearance issued upon it.

        The verdict is also kept as a row, with its findings but without their evidence. The clearance's signature stays
        out: the ledger is no place to take a valid one from.
        """
        payload = {
            "stage": str(content.stage),
            "decision": str(verdict.decision),
            "policies": list(verdict.policies),
            "failed": verdict.failed,
            "policy_version": verdict.policy_version,
        }
        row = {
            **payload,
            "run_id": run_id,
            "at": datetime.fromtimestamp(self._clock(), UTC),
            "findings": [
                {
                    "policy": finding.policy,
                    "category": finding.category,
                    "score": finding.score,
                    "decision": str(finding.decision),
                    "moderator": finding.moderator,
                }
                for finding in verdict.findings
            ],
            "not_checked": list(verdict.not_checked),
            "seconds": verdict.seconds,
        }
        del row["policies"]

        def keep(connection: sa.Connection, veiled: str) -> None:
            connection.execute(_KEEP_VERDICT, {**row, "content": veiled})

        matters = [("verdict", content.digest, payload)]
        if clearance is not None:
            matters.append(("clearance", clearance.digest, _shown(clearance)))
        await self._enter(run_id, matters, keep)

    async def effect(self, *, run_id: str, name: str, digest: bytes | str) -> None:
        """An effect is about to run on the input with this digest."""
        raw = bytes.fromhex(digest) if isinstance(digest, str) else digest
        await self._enter(run_id, [("effect", raw, {"name": name})])

    async def note(self, kind: str, *, run_id: str, payload: Mapping[str, Any] | None = None) -> Entry:
        """Anything else worth proving later (`delivered`, `refused`, `suspended` …). No content of a person's."""
        return await self._ledger.append(kind, run_id=run_id, payload=payload)

    async def veiled(self, run_id: str, digest: bytes) -> str | None:
        """How content with this digest appears in the run's entries (field `content`); None once the run was erased."""
        query = sa.select(VeilRow.secret).where(VeilRow.run_id == run_id)
        secret = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if secret is None else _veil(bytes(secret), digest)

    def forget(self, run_id: str) -> None:
        """Drop the run's secret from memory, once it is erased from the database."""
        self._veils.pop(run_id, None)

    async def _enter(
        self,
        run_id: str,
        matters: Sequence[tuple[str, bytes, dict[str, Any]]],
        keep: Callable[[sa.Connection, str], None] | None = None,
    ) -> None:
        """Enter (kind, digest, payload) of each matter next to each other; `keep` gets the first veiled digest."""
        known = self._veils.get(run_id)

        def work(connection: sa.Connection) -> tuple[bytes, list[Entry]]:
            secret = known or self._secret(connection, run_id)
            veiled = [_veil(secret, digest) for _, digest, _ in matters]
            if keep is not None:
                keep(connection, veiled[0])
            records = [
                Record(kind, run_id, {**payload, "content": content})
                for (kind, _, payload), content in zip(matters, veiled, strict=True)
            ]
            return secret, self._ledger.link(connection, records)

        secret, entries = await self._database.write(work, last=True)
        self._veils[run_id] = secret  # only now: before, the transaction that made it might have been undone
        self._veils.move_to_end(run_id)
        while len(self._veils) > _REMEMBERED:
            self._veils.popitem(last=False)
        await self._ledger.anchor(entries)

    def _secret(self, connection: sa.Connection, run_id: str) -> bytes:
        found = connection.execute(_SECRET, {"of_run": run_id}).scalar_one_or_none()
        if found is None:
            insert_new(connection, VeilRow, {"run_id": run_id, "secret": self._entropy(_VEIL_BYTES)})
            found = connection.execute(_SECRET, {"of_run": run_id}).scalar_one()
        return bytes(found)


def _shown(clearance: _Cleared) -> dict[str, Any]:
    return {
        "stage": str(clearance.stage),
        "policy_version": clearance.policy_version,
        "expires_at": float(clearance.expires_at),
        "key_id": clearance.key_id,
        "nonce": clearance.nonce.hex(),
    }


def _veil(secret: bytes, digest: bytes) -> str:
    return hmac.digest(secret, digest, "sha256").hex()
