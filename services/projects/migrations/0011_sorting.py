"""Projects and their clients in the order of their names."""

from shared.migrations.tables import execute, sort_key

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    execute(
        [
            f"alter table projects add column {sort_key('name')}",
            f"alter table known_clients add column {sort_key('name')}",
        ]
    )
