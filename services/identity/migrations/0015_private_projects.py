"""Which projects are private: a client's own people cannot name them."""

from shared.migrations.tables import execute

revision = "0015"
down_revision = "0014"

_TENANT = "client_id = (select nullif(current_setting('app.client_id', true), '')::uuid) and not private"


def upgrade() -> None:
    execute(
        [
            "alter table known_projects add private boolean not null default false",
            "alter table known_projects alter private drop default",
            f"alter policy tenant on known_projects using ({_TENANT}) with check ({_TENANT})",
            "grant update (private) on known_projects to {app}",
        ]
    )
