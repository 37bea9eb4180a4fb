"""Recorded sessions: finding one's records in the audit log, and which there are."""

from shared.migrations.tables import execute, tenant_policy

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute(
        [
            "create index audit_session on audit (session_id, position) where session_id is not null",
            # Staff who look through clients' eyes have one session at several of them.
            """create table recordings (
                client_id uuid not null,
                session_id uuid not null,
                position bigint not null,
                actor_id uuid,
                actor_kind text not null,
                began_at timestamptz not null,
                last_at timestamptz not null,
                ended_at timestamptz,
                visits bigint not null,
                primary key (client_id, session_id)
            )""",
            "create index recordings_position on recordings (client_id, position)",
            "create index recordings_session on recordings (session_id)",
            *tenant_policy("recordings", verbs="select, insert, update"),
        ]
    )
