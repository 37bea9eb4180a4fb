"""Events that could not be folded or published."""

from shared.migrations.tables import dead_letter_table, execute

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    execute(dead_letter_table())
