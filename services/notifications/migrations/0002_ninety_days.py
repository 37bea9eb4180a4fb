"""Notifications go after ninety days: the rights to delete them, and indexes to find them by."""

from shared.migrations.tables import execute

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(
        [
            "create index told_at on told (at)",
            "create index bell_position on bell (position)",
            "grant delete on told, bell to {app}",
        ]
    )
