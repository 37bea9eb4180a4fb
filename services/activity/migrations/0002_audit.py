"""The audit log: the runtime may add to it and never change it. People's data lies beside it."""

from shared.migrations.tables import execute, tenant_policy

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(
        [
            """create table audit (
                client_id uuid not null,
                seq bigint not null,
                position bigint not null unique,
                event_id uuid not null,
                type text not null,
                subject uuid not null,
                actor_id uuid,
                actor_kind text not null,
                session_id uuid,
                trace_id text not null,
                at timestamptz not null,
                detail json not null,
                security boolean not null,
                financial boolean not null,
                hash bytea not null,
                primary key (client_id, seq)
            )""",
            "create index audit_security on audit (position) where security",
            *tenant_policy("audit", verbs="select, insert"),
            """create table known_sessions (
                session_id uuid primary key,
                client_id uuid not null,
                ip text not null,
                user_agent text not null,
                device_type text not null,
                browser text not null,
                platform text not null
            )""",
            *tenant_policy("known_sessions", verbs="select, insert"),
            """create table known_actors (
                id uuid primary key,
                client_id uuid not null,
                name text not null
            )""",
            *tenant_policy("known_actors", verbs="select, insert, update"),
        ]
    )
