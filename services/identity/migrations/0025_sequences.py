"""The outbox stores the sequence of each event in the stream, so that events the broker loses are published again."""

from shared.migrations.tables import execute, sequence_columns

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    execute(sequence_columns())
