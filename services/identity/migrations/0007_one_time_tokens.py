"""Secrets that work once, and the mails that carry them."""

from shared.migrations.tables import execute, tenant_policy

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute(
        [
            """create table one_time_tokens (
                id uuid primary key,
                purpose text not null,
                client_id uuid,
                person_id uuid,
                token_hash text unique,
                flow_hash text,
                facts jsonb not null default '{}',
                tries integer not null default 0,
                created_at timestamptz not null,
                expires_at timestamptz not null,
                used_at timestamptz,
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            "create index one_time_tokens_person_idx on one_time_tokens (person_id, purpose)",
            "create index one_time_tokens_expires_idx on one_time_tokens (expires_at)",
            *tenant_policy("one_time_tokens"),
            """create table mails (
                id uuid primary key,
                kind text not null,
                client_id uuid,
                person_id uuid,
                address text not null,
                language text not null,
                token_id uuid references one_time_tokens (id) on delete set null,
                facts jsonb not null default '{}',
                tries integer not null default 0,
                due_at timestamptz,
                expires_at timestamptz not null,
                sent_at timestamptz,
                failed_at timestamptz,
                failure text not null default '',
                created_at timestamptz not null
            )""",
            "create index mails_due_idx on mails (due_at) where due_at is not null",
            "create index mails_person_idx on mails (person_id, kind)",
            *tenant_policy("mails"),
        ]
    )
