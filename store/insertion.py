"""Inserting a row unless it is there, in both databases' dialects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from .tables import Table

__all__ = ["insert_new"]


def insert_new(connection: sa.Connection, table: type[Table], values: Mapping[str, Any]) -> bool:
    """Insert a row; False where one with the same key was there first, in this or another process."""
    return connection.execute(_insertion(connection.dialect.name, table), dict(values)).rowcount > 0


@cache
def _insertion(dialect: str, table: type[Table]) -> sa.Insert:
    """Made once: building a statement costs more than running it."""
    into = cast(sa.Table, table.__table__)
    statement: sa.Insert
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # a tenth of a second, and most have no PostgreSQL

        statement = postgresql.insert(into).on_conflict_do_nothing()
    else:
        statement = sqlite.insert(into).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)
