"""Which staff are in a project's team, and what it hides from its client: so a client reads how to reach them."""

from shared.migrations.tables import execute

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    execute(
        [
            # Version 0 is before every event that comes from now on, and no event before names staff.
            """alter table known_projects
                add team uuid[] not null default '{}',
                add hidden_fields text[] not null default '{}',
                add version integer not null default 0""",
            """alter table known_projects
                alter team drop default, alter hidden_fields drop default, alter version drop default""",
            "grant update (team, hidden_fields, version) on known_projects to {app}",
        ]
    )
