"""What clients are not told: entries about what is private, and entries for the team alone."""

from shared.migrations.tables import execute, narrow_tenant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute(
        [
            """alter table feed
                add private boolean not null default false,
                add team_only boolean not null default false""",
            "alter table feed alter private drop default, alter team_only drop default",
            "grant update (private) on feed to {app}",
            narrow_tenant("feed", "not private and not team_only"),
            "alter table known_projects add private boolean not null default false",
            "alter table known_projects alter private drop default",
            narrow_tenant("known_projects", "not private"),
            "alter table known_milestones add private boolean not null default false",
            "alter table known_milestones alter private drop default",
            narrow_tenant("known_milestones", "not private"),
        ]
    )
