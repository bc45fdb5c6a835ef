"""What a database's errors mean, in one line that says what to do, without passwords and without values."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from ..errors import StoreError

__all__ = ["explained", "explained_sqlite", "passes"]

_PASSING = ("40P01", "40001")  # PostgreSQL's deadlock and serialization failures


def passes(error: DBAPIError) -> bool:
    """True for a deadlock and the like, where the same again may work."""
    return getattr(error.orig, "sqlstate", None) in _PASSING


def explained(error: Exception, place: str) -> StoreError:
    """What a failed statement, transaction or connection means."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return explained_sqlite(cause, place)
    text = " ".join(str(cause).split()) or type(cause).__name__
    state = getattr(cause, "sqlstate", None)
    if state == "53100":
        return StoreError(f"The disk of the database {place} is full: make room, then resume.")
    if isinstance(error, OperationalError) and (state is None or state.startswith(("08", "57P", "28", "3D"))):
        return StoreError(
            f"The database {place} does not answer: {text}. Check that it runs and that the URL is right."
        )
    return StoreError(f"The database {place} failed: {text}")


_SQLITE_FAULTS = (
    (("is full", "disk i/o error"), "its disk is full or fails: make room, then resume"),
    (
        ("malformed", "not a database", "file is encrypted"),
        "it is damaged, or is no database: put back a backup, or move it away to start anew",
    ),
    (
        ("readonly", "unable to open", "permission denied", "read-only"),
        "it cannot be written: check the folder and its permissions",
    ),
    (("locked", "busy"), "another process holds it for too long: try again, or stop the other"),
)


def explained_sqlite(error: Exception, place: str) -> StoreError:
    """What one of SQLite's own errors means; it has no codes that tell these apart."""
    text = str(error)
    for signs, advice in _SQLITE_FAULTS:
        if any(sign in text.lower() for sign in signs):
            return StoreError(f"The database {place} cannot be used ({text}): {advice}.")
    return StoreError(f"The database {place} failed: {text}.")
