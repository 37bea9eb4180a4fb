"""What figures are computed from. `changed` of a client is the position of its last fact."""

from shared.migrations.tables import execute, tenant_policy

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute(
        [
            """create table known_clients (
                client_id uuid primary key,
                name text not null,
                created_at timestamptz not null,
                changed bigint not null
            )""",
            *tenant_policy("known_clients", verbs="select, insert, update"),
            """create table known_projects (
                client_id uuid not null,
                id uuid not null unique,
                version integer not null,
                name text not null,
                since date not null,
                completed_on date,
                primary key (client_id, id)
            )""",
            *tenant_policy("known_projects", verbs="select, insert, update"),
            """create table known_milestones (
                client_id uuid not null,
                id uuid not null,
                version integer not null,
                project_id uuid not null,
                name text not null,
                target_on date not null,
                completed_on date,
                primary key (client_id, id)
            )""",
            *tenant_policy("known_milestones", verbs="select, insert, update"),
        ]
    )
