"""Partner systems and their secrets."""

from shared.migrations.tables import execute

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute(
        [
            """create table api_clients (
                id uuid primary key,
                client_id uuid references clients (id),
                name text not null,
                scopes text[] not null,
                auth_method text not null check (auth_method in ('client_secret', 'private_key_jwt')),
                jwks jsonb,
                version integer not null,
                created_by uuid not null,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                last_used_at timestamptz,
                revoked_at timestamptz,
                check ((auth_method = 'private_key_jwt') = (jwks is not null))
            )""",
            *_staff_only("api_clients"),
            """create table api_client_secrets (
                id uuid primary key,
                api_client_id uuid not null references api_clients (id),
                secret_hash text not null,
                created_at timestamptz not null,
                expires_at timestamptz
            )""",
            "create index api_client_secrets_of_idx on api_client_secrets (api_client_id)",
            *_staff_only("api_client_secrets"),
        ]
    )


def _staff_only(table: str) -> list[str]:
    """No tenant has rows here, not even those about itself: its people never see api clients."""
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant select on {table} to {{app}}",
        f"grant insert, update, delete on {table} to {{staff}}",
    ]
