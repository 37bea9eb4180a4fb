"""When somebody's reading of a project was last told, so that reading it again soon is no news."""

from shared.migrations.tables import execute, tenant_policy

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute(
        [
            """create table viewings (
                client_id uuid not null,
                project_id uuid not null,
                person_id uuid not null,
                viewing boolean not null,
                session_id uuid,
                told_at timestamptz not null,
                primary key (client_id, project_id, person_id, viewing),
                foreign key (client_id, project_id) references projects (client_id, id) on delete cascade
            )""",
            *tenant_policy("viewings", verbs="select, insert, update"),
        ]
    )
