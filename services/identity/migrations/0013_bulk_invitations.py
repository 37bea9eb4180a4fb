"""Invitations sent by the hundred."""

from shared.migrations.tables import execute, tenant_policy

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    execute(
        [
            """create table bulk_invitations (
                id uuid primary key,
                client_id uuid references clients (id),
                created_by uuid not null references people (id),
                created_at timestamptz not null,
                done_at timestamptz
            )""",
            # Of those pressed at once for the same clients, one runs.
            """create unique index bulk_invitations_running_key on bulk_invitations (client_id) nulls not distinct
               where done_at is null""",
            *tenant_policy("bulk_invitations", verbs="select"),
            "grant insert, update on bulk_invitations to {staff}",
            """create table bulk_invitation_items (
                bulk_invitation_id uuid not null references bulk_invitations (id),
                person_id uuid not null references people (id),
                client_id uuid not null references clients (id),
                status text not null check (status in ('waiting', 'sent', 'failed', 'skipped')),
                reason text not null default '',
                mail_id uuid,
                updated_at timestamptz not null,
                primary key (bulk_invitation_id, person_id)
            )""",
            "create index bulk_invitation_items_waiting_idx on bulk_invitation_items (mail_id) where status = 'waiting'",
            *tenant_policy("bulk_invitation_items", verbs="select"),
            "grant insert, update on bulk_invitation_items to {staff}",
        ]
    )
