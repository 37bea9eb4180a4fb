"""Staff may see the portal as one of a client's people."""

from shared.migrations.tables import execute

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    execute(
        [
            "alter table sessions add column viewing_person_id uuid references people (id)",
            "create index sessions_viewing_person_id_idx on sessions (viewing_person_id) where viewing_person_id is not null",
        ]
    )
