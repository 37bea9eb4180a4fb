"""Staff may see the portal as one of a client's people."""

from shared.migrations.tables import execute

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    execute(
        [
            # No foreign key: it would look into other tenants for whoever may write here.
            "alter table sessions add column viewing_person_id uuid",
            "create index sessions_viewing_person_id_idx on sessions (viewing_person_id) where viewing_person_id is not null",
        ]
    )
