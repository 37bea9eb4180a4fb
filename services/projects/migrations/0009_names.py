"""What is looked for in projects: by letters alone."""

from shared.migrations.tables import execute, fold_functions

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute(
        [
            *fold_functions(),
            """alter table projects
                add column found_by text not null generated always as (found_by(name)) stored,
                add column description_found_by text not null generated always as (found_by(description)) stored
            """,
        ]
    )
