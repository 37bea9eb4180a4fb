"""Which parts of the portal a client's people do not have, and what they may not do."""

from shared.migrations.tables import execute

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    execute(
        [
            # What is closed and not what is open: a module that comes later is everybody's until somebody closes it.
            """alter table clients
                add column closed_modules text[] not null default '{}',
                add column closed_actions text[] not null default '{}'
            """,
        ]
    )
