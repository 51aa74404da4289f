"""Alembic's entry: runs the migrations on the connection of ``vidwiz.postgres.migrate``."""

from alembic import context

from vidwiz.projections.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
