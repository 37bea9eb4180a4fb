"""The feed and the ends of access, written only by the fold and never changed."""

from shared.migrations.tables import delivery_tables, execute, tenant_policy

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(
        [
            *delivery_tables(),
            """create table feed (
                position bigint primary key,
                client_id uuid not null,
                id uuid not null,
                type text not null,
                title text not null,
                description text not null,
                actor_id uuid,
                actor_name text not null,
                project_id uuid,
                target_type text not null,
                target_id uuid not null,
                at timestamptz not null
            )""",
            "create index feed_client on feed (client_id, position desc)",
            "create index feed_project on feed (client_id, project_id, position desc)",
            "create index feed_client_level on feed (client_id, position desc) where project_id is null",
            *tenant_policy("feed", verbs="select, insert"),
            """create table ended (
                position bigint primary key,
                client_id uuid not null,
                subject uuid not null,
                reason text not null,
                final boolean not null,
                at timestamptz not null
            )""",
            "create index ended_at on ended (at)",
            *tenant_policy("ended", verbs="select, insert"),
        ]
    )
