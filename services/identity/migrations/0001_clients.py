"""Clients, and the delivery tables every service has."""

from shared.migrations.tables import delivery_tables, execute, tenant_policy

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(
        [
            *delivery_tables(),
            """create table clients (
                id uuid primary key,
                name text not null,
                variant text not null check (variant in ('services', 'delivery', 'account', 'regulated')),
                active boolean not null,
                portal_enabled boolean not null,
                created_at timestamptz not null,
                updated_at timestamptz not null
            )""",
            "create index clients_name_idx on clients (lower(name), id)",
            *tenant_policy("clients", column="id", verbs="select, insert, update"),
        ]
    )
