"""The projects a subcontractor is limited to."""

from shared.migrations.tables import execute, tenant_policy

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute(
        [
            """create table assignments (
                person_id uuid not null references people (id),
                project_id uuid not null,
                client_id uuid not null,
                created_at timestamptz not null,
                primary key (person_id, project_id),
                foreign key (client_id, project_id) references known_projects (client_id, id)
            )""",
            *tenant_policy("assignments", verbs="select"),
            # Staff alone are assigned, so the reference to people carries no tenant, and no tenant may write here.
            "grant insert, delete on assignments to {staff}",
        ]
    )
