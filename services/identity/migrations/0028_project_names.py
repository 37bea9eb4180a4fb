"""What known projects are called, which an invitation says. Those heard of before are named with their next event."""

from shared.migrations.tables import execute

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    execute(
        [
            "alter table known_projects add name text not null default ''",
            "alter table known_projects alter name drop default",
            "grant update (name) on known_projects to {app}",
        ]
    )
