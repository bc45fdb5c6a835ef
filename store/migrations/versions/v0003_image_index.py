"""What indexes of images in memory follow. Filled from the images that there are: some 40 µs of CPU each, once.

Processes of an older version must have ended: what they register would be found by id and bytes alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_PAGE = 2000


def upgrade() -> None:
    index = op.create_table(
        "image_index",
        sa.Column("changed", _SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("number", _SEQUENCE, nullable=False),
        sa.Column("image_id", sa.String(128), nullable=False),
        sa.Column("bits", sa.LargeBinary),
        sa.Column("mark", sa.LargeBinary),
        sa.PrimaryKeyConstraint("changed", name="pk_image_index"),
    )
    op.create_index("ix_image_index_number", "image_index", ["number"], unique=True)
    op.create_index("ix_image_index_image_id", "image_index", ["image_id"], unique=True)
    head = op.create_table(
        "image_index_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("changed", _SEQUENCE, nullable=False),
        sa.Column("slots", _SEQUENCE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_image_index_head"),
    )
    connection, count = op.get_bind(), 0
    for rows in _images(connection):
        numbered = [{"changed": count + place + 1, "number": count + place, **row} for place, row in enumerate(rows)]
        connection.execute(index.insert(), numbered)
        count += len(rows)
    connection.execute(head.insert(), {"id": 1, "changed": count, "slots": count})


def _images(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    names = ("image_id", "algorithm", "bits", "stamp")
    images = sa.table("images", *(sa.column(name) for name in names))
    after = ""
    while True:
        page = sa.select(images).where(images.c.image_id > after).order_by(images.c.image_id).limit(_PAGE)
        rows = connection.execute(page).all()
        if not rows:
            return
        yield [
            {"image_id": row.image_id, "bits": _bits(row.algorithm, bytes(row.bits)), "mark": _mark(row.stamp)}
            for row in rows
        ]
        after = rows[-1].image_id


def _bits(algorithm: str, bits: bytes) -> bytes | None:
    return bits if algorithm == "pdq" and len(bits) == 32 else None


def _mark(stamp: str | None) -> bytes | None:
    facts = None if stamp is None else json.loads(stamp)
    mark = facts.get("watermark") if isinstance(facts, dict) else None
    return bytes.fromhex(mark) if isinstance(mark, str) and re.fullmatch("[0-9a-fA-F]{24}", mark) else None
