"""Statements that revisions share.

`{app}` in a statement stands for both runtime roles of the service, as in `grant select on things to {app}`.
"""

from collections.abc import Sequence

from alembic import context, op


def execute(statements: Sequence[str]) -> None:
    """Run statements of a revision for the service being migrated, its roles filled in."""
    for statement in statements:
        op.execute(fill_in(statement, context.config.attributes["service"]))


def fill_in(statement: str, service: str) -> str:
    """Replace `{app}`, `{tenant}` and `{staff}` by the service's roles."""
    roles = {"{app}": f"{service}_app, {service}_staff", "{tenant}": f"{service}_app", "{staff}": f"{service}_staff"}
    for name, role in roles.items():
        statement = statement.replace(name, role)
    return statement


def tenant_policy(table: str, *, column: str = "client_id", verbs: str = "select, insert, update, delete") -> list[str]:
    """Statements that close a tenant table: forced row-level security, its policies, and the runtime roles' grants.

    The tenant's policy is one plain equality, read once per statement (sub-select): with an `or` for staff in it the
    planner loses the index order and every list of a large table becomes a sort (docs/decisions/0003). `nullif` because a
    setting that was local to an earlier transaction of the connection reads back as '' and not as NULL.
    """
    own = _own(column)
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy tenant on {table} to {{tenant}} using ({own}) with check ({own})",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant {verbs} on {table} to {{app}}",
    ]


def narrow_tenant(table: str, condition: str) -> str:
    """The statement that has a tenant see, of its own rows in `table`, those that meet `condition`."""
    shown = f"{_own('client_id')} and {condition}"
    return f"alter policy tenant on {table} using ({shown}) with check ({shown})"


def _own(column: str) -> str:
    return f"{column} = (select nullif(current_setting('app.client_id', true), '')::uuid)"


def stream_table() -> list[str]:
    """Which stream of the broker the outbox was published to, by its time of creation: at most one row."""
    return [
        "create table outbox_stream (one boolean primary key default true check (one), created timestamptz not null)",
        "grant select, insert, update on outbox_stream to {app}",
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
            position bigint not null,
            ahead bigint not null,
            stream_created timestamptz not null
        )""",
        "grant select, insert, update on inbox_positions to {app}",
    ]


def idempotency_table() -> list[str]:
    """Answers by the hash of caller, path and `Idempotency-Key`, for a day (`shared.idempotency`).

    Exempt from row-level security: a row is found by who has its key, and by nobody else.
    """
    return [
        """create table idempotency_keys (
            id bytea primary key,
            request bytea not null,
            answer bytea,
            created_at timestamptz not null default now()
        )""",
        "create index idempotency_keys_created on idempotency_keys (created_at)",
        "grant select, insert, delete, update (answer) on idempotency_keys to {app}",
    ]


def dead_letter_table() -> list[str]:
    """Where relay and consumers put what they cannot deliver. Only an administrator reads it or takes away from it."""
    return [
        """create table dead_letters (
            number bigint generated always as identity primary key,
            consumer text not null,
            subject text not null,
            event bytea not null,
            reason text not null,
            set_aside_at timestamptz not null default now()
        )""",
        "grant insert on dead_letters to {app}",
    ]
