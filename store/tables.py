"""The tables, typed. `migrations/` makes them; a test holds the two together.

Everything that a person wrote, or that leads back to it, sits in columns that `Store.erase` clears; the ledger holds
none of it. JSON is kept as ASCII text, so that lone surrogates and NUL survive both databases.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

__all__ = [
    "AccountRow",
    "ApiKeyRow",
    "BelongingRow",
    "DeliveryRow",
    "EffectRow",
    "EntryRow",
    "EventRow",
    "HeadRow",
    "ImageRow",
    "IndexHeadRow",
    "IndexRow",
    "JobRow",
    "RunRow",
    "Table",
    "VeilRow",
    "VerdictRow",
]


# In SQLite only INTEGER is the table's own row number, and as wide as a BIGINT.
_Sequence = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time: aware and UTC in Python, `timestamptz` or naive UTC text in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value, kept as ASCII text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Table(DeclarativeBase):
    """What all tables share: names for constraints, so that both databases and every migration agree on them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class AccountRow(Table):
    """Who asks. The id is a keyed pseudonym: the table alone identifies nobody."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    suspended_at: Mapped[datetime | None] = mapped_column(Moment)
    suspended_for: Mapped[str] = mapped_column(Json, default="")


class ApiKeyRow(Table):
    """A key to the HTTP API: the hash of its secret, whose it is, what it may do, and how much of it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account: Mapped[str] = mapped_column(String(128))
    name: Mapped[str] = mapped_column(Json)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[Any] = mapped_column(Json)
    limits: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class JobRow(Table):
    """A run that a server drives: who drives it until when, how it was asked for, under which idempotency key."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "finished_at", "lease_until"), Index(None, "idempotency", unique=True))

    run_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    request: Mapped[Any] = mapped_column(Json)
    detached: Mapped[bool]
    owner: Mapped[str] = mapped_column(String(128))
    lease_until: Mapped[datetime] = mapped_column(Moment)
    idempotency: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


class DeliveryRow(Table):
    """A webhook that is owed: to whom, about which run, and how often it was tried."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "ended_at", "next_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(128), index=True)
    url: Mapped[str] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(32))
    attempts: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str] = mapped_column(Json, default="")


class RunRow(Table):
    """One trip through a graph."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "created_at", "id"), Index(None, "account", "created_at"))

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    mode: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(32))
    account: Mapped[str | None] = mapped_column(String(128))
    brief: Mapped[Any] = mapped_column(Json)
    result: Mapped[Any | None] = mapped_column(Json)
    cost: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    erased_at: Mapped[datetime | None] = mapped_column(Moment)


class EventRow(Table):
    """One event of a run, for replay."""

    __tablename__ = "events"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[Any] = mapped_column(Json)


class ImageRow(Table):
    """One stamped image: what recognizes it (`sha256`, `bits`), and what proves it (`manifest`, `stamp`)."""

    __tablename__ = "images"
    __table_args__ = (Index(None, "sha256"), Index(None, "run_id", "image"))

    image_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(128))
    image: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    algorithm: Mapped[str] = mapped_column(String(32))
    bits: Mapped[bytes] = mapped_column(LargeBinary)
    thumbnail: Mapped[bytes | None] = mapped_column(LargeBinary)
    manifest: Mapped[bytes | None] = mapped_column(LargeBinary)
    stamp: Mapped[Any | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)


class IndexRow(Table):
    """What an index in memory needs of one image; both None once the image was taken out. Numbers count from 0 and
    nearly without gaps, so that they are places in an array."""

    __tablename__ = "image_index"
    __table_args__ = (Index(None, "number", unique=True), Index(None, "image_id", unique=True))

    changed: Mapped[int] = mapped_column(_Sequence, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(_Sequence)
    image_id: Mapped[str] = mapped_column(String(128))
    bits: Mapped[bytes | None] = mapped_column(LargeBinary)
    mark: Mapped[bytes | None] = mapped_column(LargeBinary)


class IndexHeadRow(Table):
    """The last change of an image, and how many numbers were given out: its one row changes with every change."""

    __tablename__ = "image_index_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changed: Mapped[int] = mapped_column(_Sequence)
    slots: Mapped[int] = mapped_column(_Sequence)


class VerdictRow(Table):
    """One verdict, without the text or image that it is about and without quoted evidence."""

    __tablename__ = "verdicts"
    __table_args__ = (Index(None, "run_id", "id"),)

    id: Mapped[int] = mapped_column(_Sequence, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(Moment)
    stage: Mapped[str] = mapped_column(String(32))
    decision: Mapped[str] = mapped_column(String(16))
    failed: Mapped[bool]
    findings: Mapped[Any] = mapped_column(Json)
    not_checked: Mapped[Any] = mapped_column(Json)
    policy_version: Mapped[str] = mapped_column(String(128))
    seconds: Mapped[float]
    content: Mapped[str] = mapped_column(String(64))


class EffectRow(Table):
    """One paid or otherwise unrepeatable call: what is known of its end."""

    __tablename__ = "effects"

    run_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    effect: Mapped[str] = mapped_column(String(128), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int]
    result: Mapped[Any | None] = mapped_column(Json)
    error: Mapped[str] = mapped_column(Json, default="")
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class BelongingRow(Table):
    """A blob that belongs to a run, and goes with it when the run is erased."""

    __tablename__ = "belongings"
    __table_args__ = (Index(None, "ref"),)

    run_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    ref: Mapped[str] = mapped_column(String(80), primary_key=True)


class VeilRow(Table):
    """The secret through which a run's content digests are seen in the ledger; destroyed with the run's content."""

    __tablename__ = "veils"

    run_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)


class EntryRow(Table):
    """One entry of the audit ledger. Written once; nothing updates or deletes it."""

    __tablename__ = "ledger"

    seq: Mapped[int] = mapped_column(_Sequence, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(128), index=True)
    payload: Mapped[str] = mapped_column(Text)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary)


class HeadRow(Table):
    """Where the ledger ends: its one row changes in the same transaction as the entries."""

    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(_Sequence)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary)
