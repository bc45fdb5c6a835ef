"""Inserting a row unless it is there, in both databases' dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .tables import Table

__all__ = ["insert_new"]


def insert_new(connection: sa.Connection, table: type[Table], values: Mapping[str, Any]) -> bool:
    """Insert a row; False where one with the same key was there first, in this or another process."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    query = insert(table).values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(query).first() is not None
