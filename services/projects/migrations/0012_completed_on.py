"""The day on which a project was completed. Of those that are completed already, the day of their last change is taken."""

from shared.migrations.tables import execute

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute(
        [
            "alter table projects add completed_on date",
            # Whoever owns a table sees no rows of it either, unless it says so.
            "alter table projects no force row level security",
            "update projects set completed_on = updated_at::date where status = 'completed'",
            "alter table projects force row level security",
        ]
    )
