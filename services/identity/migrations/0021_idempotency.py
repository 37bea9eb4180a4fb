"""Answers by `Idempotency-Key`, so that the same POST twice makes one thing."""

from shared.migrations.tables import execute, idempotency_table

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    execute(idempotency_table())
