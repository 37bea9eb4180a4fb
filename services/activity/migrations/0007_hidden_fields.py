"""Which fields of a project are hidden by now: an entry that tells of nothing else is not the client's to read."""

from shared.migrations.tables import execute

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute(
        [
            "alter table feed add tells text[] not null default '{}'",
            "alter table known_projects add hidden_fields text[] not null default '{}'",
        ]
    )
