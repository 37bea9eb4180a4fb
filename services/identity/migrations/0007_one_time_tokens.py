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
                unique (client_id, id),
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            # What goes out by mail replaces what went before; what a browser holds, each browser holds for itself.
            """create unique index one_time_tokens_person_key on one_time_tokens (person_id, purpose)
                where flow_hash is null""",
            "create index one_time_tokens_expires_idx on one_time_tokens (expires_at)",
            *tenant_policy("one_time_tokens"),
            """create table mails (
                id uuid primary key,
                kind text not null,
                client_id uuid,
                person_id uuid,
                address text not null,
                token_id uuid,
                facts jsonb not null default '{}',
                urgent boolean not null,
                tries integer not null default 0,
                due_at timestamptz,
                handed_over_at timestamptz,
                sent_at timestamptz,
                failed_at timestamptz,
                failure text not null default '',
                created_at timestamptz not null,
                expires_at timestamptz not null,
                constraint mails_outcome_check check (sent_at is null or failed_at is null),
                constraint mails_due_check check ((due_at is null) = (sent_at is not null or failed_at is not null)),
                foreign key (client_id, token_id) references one_time_tokens (client_id, id)
                    on update cascade on delete set null (token_id)
            )""",
            "create index mails_due_idx on mails (urgent desc, due_at) where due_at is not null",
            "create index mails_person_idx on mails (person_id, kind)",
            "create index mails_token_idx on mails (token_id)",
            "create index mails_created_at_idx on mails (created_at)",
            *tenant_policy("mails"),
            # Sign-in links had a queue of their own.
            "alter table sign_in_links drop column mail_tries, drop column mail_due_at",
        ]
    )
