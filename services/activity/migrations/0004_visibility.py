"""What clients are not told: entries about what is private, and entries for the team alone."""

from shared.migrations.tables import execute

revision = "0004"
down_revision = "0003"

_OWN = "client_id = (select nullif(current_setting('app.client_id', true), '')::uuid)"
_TENANT = "alter policy tenant on {table} using ({own} and {shared}) with check ({own} and {shared})"


def upgrade() -> None:
    execute(
        [
            """alter table feed
                add private boolean not null default false,
                add team_only boolean not null default false""",
            "alter table feed alter private drop default, alter team_only drop default",
            "grant update (private) on feed to {app}",
            _TENANT.format(table="feed", own=_OWN, shared="not private and not team_only"),
            "alter table known_projects add private boolean not null default false",
            "alter table known_projects alter private drop default",
            _TENANT.format(table="known_projects", own=_OWN, shared="not private"),
            "alter table known_milestones add private boolean not null default false",
            "alter table known_milestones alter private drop default",
            _TENANT.format(table="known_milestones", own=_OWN, shared="not private"),
        ]
    )
