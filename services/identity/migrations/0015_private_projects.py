"""Which projects are private: a client's own people cannot name them."""

from shared.migrations.tables import execute, narrow_tenant

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    execute(
        [
            "alter table known_projects add private boolean not null default false",
            "alter table known_projects alter private drop default",
            narrow_tenant("known_projects", "not private"),
            "grant update (private) on known_projects to {app}",
        ]
    )
