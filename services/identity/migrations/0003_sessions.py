"""Sessions."""

from shared.migrations.tables import execute, tenant_policy

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute(
        [
            """create table sessions (
                id uuid primary key,
                client_id uuid,
                person_id uuid not null,
                hash text not null unique check (hash ~ '^[0-9a-f]{64}$'),
                ip text not null,
                user_agent text not null,
                created_at timestamptz not null,
                last_seen_at timestamptz not null,
                expires_at timestamptz not null,
                revoked_at timestamptz,
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            "create index sessions_person_id_idx on sessions (person_id)",
            "create index sessions_client_id_idx on sessions (client_id) where revoked_at is null",
            *tenant_policy("sessions"),
        ]
    )
