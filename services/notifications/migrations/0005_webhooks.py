"""Webhooks, which were activity's: their sealed secrets, and what is to be delivered, the queue and the log in one table.

Beside them what each delivery tells, and what of its things a client may see. `ops.moving` fills them once from
activity's tables. Clients have their names here, by which lists of webhooks name and sort them.
"""

from shared.migrations.tables import execute, fold_functions, sort_key

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute(
        [
            *fold_functions(),
            f"alter table clients add column name text not null default '', add column {sort_key('name')}",
            """create table webhooks (
                id uuid primary key,
                client_id uuid,
                name text not null,
                url text not null,
                types text[] not null,
                active boolean not null,
                disabled_reason text not null check (disabled_reason in ('', 'gone', 'failing')),
                disabled_at timestamptz,
                failing_since timestamptz,
                created_by uuid not null,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                created_by_name text not null
            )""",
            *_staff_only("webhooks"),
            """create table webhook_secrets (
                id uuid primary key,
                client_id uuid,
                webhook_id uuid not null references webhooks (id) on delete cascade,
                sealed bytea not null,
                created_at timestamptz not null,
                expires_at timestamptz
            )""",
            "create index webhook_secrets_of_idx on webhook_secrets (webhook_id)",
            *_staff_only("webhook_secrets"),
            """create table webhook_deliveries (
                id uuid primary key,
                client_id uuid,
                webhook_id uuid not null references webhooks (id) on delete cascade,
                type text not null,
                event_id uuid,
                position bigint,
                tries integer not null,
                due_at timestamptz,
                last_tried_at timestamptz,
                last_status integer,
                last_error text not null,
                delivered_at timestamptz,
                failed_at timestamptz,
                created_at timestamptz not null,
                unique (event_id, webhook_id),
                check ((event_id is null) = (position is null))
            )""",
            "create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where due_at is not null",
            "create index webhook_deliveries_of on webhook_deliveries (webhook_id, id desc)",
            "create index webhook_deliveries_old on webhook_deliveries (created_at) where due_at is null",
            *_staff_only("webhook_deliveries"),
            """create table webhook_entries (
                position bigint primary key,
                client_id uuid not null,
                id uuid not null,
                type text not null,
                facts json,
                title text,
                description text,
                actor_id uuid,
                actor_name text not null,
                project_id uuid,
                target_type text not null,
                target_id uuid not null,
                at timestamptz not null,
                private boolean not null,
                team_only boolean not null,
                tells text[] not null,
                turns boolean
            )""",
            "create index webhook_entries_at on webhook_entries (at)",
            *_staff_only("webhook_entries"),
            """create table webhook_things (
                client_id uuid not null,
                id uuid not null,
                private boolean not null,
                hides text[] not null,
                version integer not null,
                primary key (client_id, id)
            )""",
            *_staff_only("webhook_things"),
        ]
    )


def _staff_only(table: str) -> list[str]:
    """No tenant has rows here, not even those about itself: its people never see webhooks."""
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant select on {table} to {{app}}",
        f"grant insert, update, delete on {table} to {{staff}}",
    ]
