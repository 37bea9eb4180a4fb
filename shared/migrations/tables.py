"""Statements that revisions share. `{app}` in a statement stands for the service's runtime role."""

from collections.abc import Sequence

from alembic import context, op


def execute(statements: Sequence[str]) -> None:
    """Run statements of a revision, with `{app}` replaced by the runtime role of the service being migrated."""
    role = f"{context.config.attributes['service']}_app"
    for statement in statements:
        op.execute(statement.replace("{app}", role))


def tenant_policy(table: str, *, column: str = "client_id", verbs: str = "select, insert, update, delete") -> list[str]:
    """Statements that close a tenant table: forced row-level security, one policy, and the runtime role's grants.

    The settings are read once per statement (sub-select), not per row. `nullif` because a setting that was local to
    an earlier transaction of the connection reads back as '' and not as NULL.
    """
    seen = (
        f"{column} = (select nullif(current_setting('app.client_id', true), '')::uuid)"
        " or (select current_setting('app.all_clients', true)) = 'on'"
    )
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy tenant on {table} using ({seen}) with check ({seen})",
        f"grant {verbs} on {table} to {{app}}",
    ]


def delivery_tables() -> list[str]:
    """Outbox and inbox, for a service's first revision.

    Exempt from row-level security: only relay and inbox read them, whole. The runtime role may add, mark and prune.
    """
    return [
        """create table outbox (
            seq bigint generated always as identity primary key,
            id uuid not null unique,
            client_id uuid,
            subject text not null,
            event json not null,
            created_at timestamptz not null default now(),
            published_at timestamptz
        )""",
        "create index outbox_unpublished on outbox (seq) where published_at is null",
        "create index outbox_published on outbox (published_at) where published_at is not null",
        "grant select, insert, delete, update (published_at) on outbox to {app}",
        """create table inbox (
            consumer text not null,
            event_id uuid not null,
            received_at timestamptz not null default now(),
            primary key (consumer, event_id)
        )""",
        "grant select, insert on inbox to {app}",
        """create table inbox_positions (
            consumer text primary key,
            position bigint not null
        )""",
        "grant select, insert, update on inbox_positions to {app}",
    ]
