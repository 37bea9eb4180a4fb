"""Alembic runs this once per service, on the connection `shared.migrations.runner` prepared for it."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["service"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
