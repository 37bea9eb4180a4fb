"""Time-based codes, recovery codes, and sign-ins that wait for one."""

from shared.migrations.tables import execute, tenant_policy

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    execute(
        [
            """create table authenticators (
                person_id uuid primary key,
                client_id uuid,
                secret bytea,
                last_step bigint not null,
                confirmed_at timestamptz,
                pending bytea,
                pending_until timestamptz,
                constraint authenticators_confirmed_check check ((secret is null) = (confirmed_at is null)),
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            *tenant_policy("authenticators"),
            """create table recovery_codes (
                id uuid primary key,
                person_id uuid not null,
                client_id uuid,
                code_hash text not null,
                created_at timestamptz not null,
                expires_at timestamptz not null,
                used_at timestamptz,
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            "create index recovery_codes_person_idx on recovery_codes (person_id)",
            *tenant_policy("recovery_codes"),
        ]
    )
