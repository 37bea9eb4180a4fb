"""The outbox knows which stream of the broker it was published to, and is published again to another one."""

from shared.migrations.tables import execute, stream_table

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute(stream_table())
