"""Of a project one is notified once: an index to find earlier rows by. Rows about shared projects become rows of new ones."""

from shared.migrations.tables import execute

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute(
        [
            "create index told_target on told (target_id)",
            *(f"alter table {table} no force row level security" for table in ("told", "bell")),
            "update told set type = 'project_created' where type = 'project_shared'",
            """delete from bell using told t, told earlier, bell before
               where t.position = bell.position and t.type = 'project_created' and earlier.type = t.type
                 and earlier.target_id = t.target_id and earlier.position < t.position
                 and before.position = earlier.position and before.person_id = bell.person_id""",
            *(f"alter table {table} force row level security" for table in ("told", "bell")),
        ]
    )
