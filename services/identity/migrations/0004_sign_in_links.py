"""Sign-in links."""

from shared.migrations.tables import execute, tenant_policy

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute(
        [
            """create table sign_in_links (
                id uuid primary key,
                email text not null unique,
                client_id uuid,
                person_id uuid,
                flow_hash text not null unique,
                token_hash text unique,
                code_hash text,
                code_tries integer not null,
                ip text not null,
                user_agent text not null,
                mail_tries integer not null,
                mail_due_at timestamptz,
                expires_at timestamptz not null,
                used_at timestamptz,
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            "create index sign_in_links_due_idx on sign_in_links (mail_due_at) where mail_due_at is not null",
            *tenant_policy("sign_in_links"),
        ]
    )
