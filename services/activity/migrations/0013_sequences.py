"""Each event knows its place in the stream, so that what the broker loses is told again."""

from shared.migrations.tables import execute, sequence_columns

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    execute(sequence_columns())
