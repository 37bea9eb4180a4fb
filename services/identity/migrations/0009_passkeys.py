"""Passkeys, and sign-in at a client's own identity provider."""

from shared.migrations.tables import execute, tenant_policy

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute(
        [
            """create table passkeys (
                id uuid primary key,
                person_id uuid not null,
                client_id uuid,
                credential_id bytea not null unique,
                public_key bytea not null,
                sign_count bigint not null,
                transports text[] not null,
                name text not null,
                created_at timestamptz not null,
                last_used_at timestamptz,
                foreign key (client_id, person_id) references people (client_id, id) on update cascade
            )""",
            "create index passkeys_person_idx on passkeys (person_id)",
            *tenant_policy("passkeys"),
            """create table identity_providers (
                client_id uuid primary key references clients (id),
                issuer text not null,
                oauth_client_id text not null,
                secret bytea not null,
                domains text[] not null,
                created_at timestamptz not null,
                updated_at timestamptz not null
            )""",
            *tenant_policy("identity_providers"),
            """create table federated_identities (
                id uuid primary key,
                client_id uuid not null,
                person_id uuid not null,
                issuer text not null,
                subject text not null,
                created_at timestamptz not null,
                unique (issuer, subject),
                foreign key (client_id, person_id) references people (client_id, id) on update cascade
            )""",
            "create index federated_identities_person_idx on federated_identities (person_id)",
            *tenant_policy("federated_identities"),
        ]
    )
