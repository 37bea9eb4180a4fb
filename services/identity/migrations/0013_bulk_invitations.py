"""Invitations sent by the hundred."""

from shared.migrations.tables import execute, tenant_policy

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    execute(
        [
            """create table bulk_invitations (
                id uuid primary key,
                created_by uuid not null references people (id),
                created_at timestamptz not null,
                done_at timestamptz
            )""",
            "grant select, insert, update on bulk_invitations to {staff}",
            """create table bulk_invitation_items (
                bulk_invitation_id uuid not null references bulk_invitations (id),
                person_id uuid not null,
                client_id uuid not null,
                status text not null check (status in ('waiting', 'sent', 'failed', 'skipped')),
                reason text not null default '',
                mail_id uuid,
                updated_at timestamptz not null,
                primary key (bulk_invitation_id, person_id),
                foreign key (client_id, person_id) references people (client_id, id)
            )""",
            *tenant_policy("bulk_invitation_items"),
        ]
    )
