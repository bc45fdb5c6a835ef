"""What alembic runs: the migrations, on the connection that it was handed."""

from alembic import context

# Alembic runs this file by itself, outside its package: what it needs is handed to it, not imported.
handed = context.config.attributes
context.configure(
    connection=handed["connection"], target_metadata=handed["metadata"], version_table=handed["version_table"]
)
with context.begin_transaction():
    context.run_migrations()
