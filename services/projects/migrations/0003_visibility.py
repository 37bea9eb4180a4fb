"""What clients do not see: private projects and milestones, and fields that a project keeps from them.

A milestone also says whether its project is private. The foreign key keeps it true: whoever shares or withdraws a project
does so for all of its plan, and row-level security needs no look at another table.
"""

from shared.migrations.tables import execute, narrow_tenant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute(
        [
            """alter table projects
                add private boolean not null default false,
                add hidden_fields text[] not null default '{}',
                add unique (client_id, id, private)""",
            "alter table projects alter private drop default, alter hidden_fields drop default",
            narrow_tenant("projects", "not private"),
            """alter table milestones
                add private boolean not null default false,
                add project_private boolean not null default false,
                drop constraint milestones_client_id_project_id_fkey,
                add foreign key (client_id, project_id, project_private) references projects (client_id, id, private)
                    on update cascade""",
            "alter table milestones alter private drop default, alter project_private drop default",
            narrow_tenant("milestones", "not private and not project_private"),
        ]
    )
