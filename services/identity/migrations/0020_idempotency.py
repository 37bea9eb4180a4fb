"""Answers by `Idempotency-Key`, so that the same POST twice makes one thing."""

from shared.migrations.tables import execute, idempotency_table

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    execute(idempotency_table())
