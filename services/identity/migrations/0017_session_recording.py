"""Whether what a client's people open is written down, and since when it ever was."""

from shared.migrations.tables import execute

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    execute(
        [
            """alter table clients
                add column session_recording boolean not null default false,
                add column recorded_since timestamptz
            """
        ]
    )
