"""Project roles that wait for somebody to accept their invitation."""

from shared.migrations.tables import execute, tenant_policy

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    execute(
        [
            """create table offered_roles (
                client_id uuid not null,
                person_id uuid not null,
                project_id uuid not null,
                role text not null check (role in ('approver', 'viewer', 'feedback_only')),
                offered_by uuid not null,
                created_at timestamptz not null,
                primary key (person_id, project_id),
                foreign key (client_id, person_id) references people (client_id, id),
                foreign key (client_id, project_id) references known_projects (client_id, id)
            )""",
            *tenant_policy("offered_roles", verbs="select, insert, delete"),
            "alter table bulk_invitations add column project_roles jsonb not null default '{}'",
        ]
    )
