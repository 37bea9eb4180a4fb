"""People and things as others tell of them, what people are notified of, and whom.

No tenant reads people, clients, or what of a client is private. A row of `bell` belongs to the client of the person who is notified;
staff have the company's, so that no client sees them.
"""

from shared.migrations.tables import (
    closed_delivery,
    dead_letter_table,
    delivery_tables,
    execute,
    idempotency_table,
    narrow_tenant,
    sequence_columns,
    stream_table,
    tenant_policy,
)

revision = "0001"
down_revision = None


def _of_the_company(table: str) -> list[str]:
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant select on {table} to {{app}}",
        f"grant insert, update on {table} to {{staff}}",
    ]


def upgrade() -> None:
    execute(
        [
            *delivery_tables(),
            *dead_letter_table(),
            *stream_table(),
            *idempotency_table(),
            *closed_delivery(),
            *sequence_columns(),
            """create table people (
                id uuid primary key,
                client_id uuid not null,
                may_enter boolean not null default false,
                is_primary_contact boolean not null default false,
                policies text[] not null default '{}',
                roles jsonb not null default '{}',
                limited boolean not null default false,
                projects uuid[] not null default '{}'
            )""",
            "create index people_client on people (client_id)",
            *_of_the_company("people"),
            "create table clients (id uuid primary key, open boolean not null)",
            *_of_the_company("clients"),
            """create table things (
                client_id uuid not null,
                id uuid not null,
                project_id uuid,
                private boolean not null,
                reader_roles text[],
                reader_people uuid[],
                hides text[] not null,
                deleted boolean not null,
                version integer not null,
                primary key (client_id, id)
            )""",
            *tenant_policy("things", verbs="select, insert, update"),
            narrow_tenant("things", "not private"),
            """create table told (
                position bigint primary key,
                client_id uuid not null,
                id uuid not null unique,
                publisher text not null,
                type text not null,
                facts json not null,
                actor_id uuid,
                actor_name text not null,
                project_id uuid,
                target_type text not null,
                target_id uuid not null,
                tells text[] not null,
                at timestamptz not null
            )""",
            *tenant_policy("told", verbs="select, insert"),
            """create table bell (
                person_id uuid not null,
                position bigint not null,
                client_id uuid not null,
                read_at timestamptz,
                primary key (person_id, position)
            )""",
            "create index bell_unread on bell (person_id, position) where read_at is null",
            *tenant_policy("bell", verbs="select, insert, update"),
        ]
    )
