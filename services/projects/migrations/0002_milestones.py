"""Milestones and what they depend on."""

from shared.migrations.tables import execute, tenant_policy

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(
        [
            """create table milestones (
                id uuid primary key,
                client_id uuid not null,
                project_id uuid not null,
                name text not null,
                description text not null,
                phase text,
                starts_on date,
                target_on date not null,
                completed_on date,
                version integer not null,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                unique (client_id, project_id, id),
                foreign key (client_id, project_id) references projects (client_id, id),
                check (target_on >= starts_on)
            )""",
            "create index milestones_in_order on milestones (client_id, project_id, target_on, id)",
            *tenant_policy("milestones", verbs="select, insert, update"),
            """create table milestone_dependencies (
                client_id uuid not null,
                project_id uuid not null,
                milestone_id uuid not null,
                depends_on_id uuid not null,
                primary key (client_id, project_id, milestone_id, depends_on_id),
                foreign key (client_id, project_id, milestone_id) references milestones (client_id, project_id, id),
                foreign key (client_id, project_id, depends_on_id) references milestones (client_id, project_id, id),
                check (milestone_id <> depends_on_id)
            )""",
            "create index milestone_dependents on milestone_dependencies (client_id, project_id, depends_on_id)",
            *tenant_policy("milestone_dependencies", verbs="select, insert, delete"),
        ]
    )
