"""Pictures of people."""

from shared.migrations.tables import execute, tenant_policy

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    execute(
        [
            """create table pictures (
                id uuid primary key,
                person_id uuid not null unique,
                client_id uuid,
                image bytea not null check (length(image) <= 65536),
                created_at timestamptz not null,
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            # Compressed already; kept outside the row, so that who has a picture is found without reading any.
            "alter table pictures alter image set storage external",
            *tenant_policy("pictures", verbs="select, insert, delete"),
        ]
    )
