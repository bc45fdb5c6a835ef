"""The schema and its history. Migrations run inside the caller's transaction, under a lock: all of them or none."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ...errors import StoreError
from ..tables import Table

__all__ = ["HEAD", "VERSION_TABLE", "migrate"]

HEAD = "0003"
VERSION_TABLE = "safelight_schema"

_LOCK = 0x5AFE_11_67


def migrate(connection: sa.Connection, place: str) -> None:
    """Bring the database behind `connection` to `HEAD`. The connection must be in a writing transaction.

    Raises:
        StoreError: the database was made by a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    current = _current(connection)
    if current == HEAD:
        return
    # Imported only where there is something to do: alembic is slow to load.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"The database {place} was made by a newer version (schema {current}, known up to {HEAD}): "
            "upgrade Safelight, or use another database."
        )
    config.attributes.update(connection=connection, metadata=Table.metadata, version_table=VERSION_TABLE)
    command.upgrade(config, "head")


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 - a constant
