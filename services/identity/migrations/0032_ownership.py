"""Whether somebody has an account is kept apart from when they last signed in, which stays known without access."""

from shared.migrations.tables import execute

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    execute(
        [
            "alter table people add column owned_since timestamptz",
            # Whoever owns a table sees no rows of it either, unless it says so.
            "alter table people no force row level security",
            "update people set owned_since = last_sign_in_at where last_sign_in_at is not null",
            "alter table people force row level security",
        ]
    )
