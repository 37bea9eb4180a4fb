"""Projects, and the copy of identity's clients they belong to."""

from shared.migrations.tables import delivery_tables, execute, tenant_policy

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(
        [
            *delivery_tables(),
            """create table known_clients (
                id uuid primary key,
                name text not null,
                active boolean not null
            )""",
            *tenant_policy("known_clients", column="id", verbs="select, insert, update"),
            """create table projects (
                id uuid primary key,
                client_id uuid not null references known_clients,
                name text not null,
                description text not null,
                scope text not null,
                status text not null check (status in ('on_track', 'at_risk', 'delayed', 'completed')),
                starts_on date,
                ends_on date,
                completion integer check (completion between 0 and 100),
                team jsonb not null,
                version integer not null,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                unique (client_id, id),
                check (ends_on >= starts_on)
            )""",
            *tenant_policy("projects", verbs="select, insert, update"),
        ]
    )
