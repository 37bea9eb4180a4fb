"""What is due, as events tell it, and the moments at which people are reminded. No tenant reads what is due."""

from shared.migrations.tables import due_table, execute

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute(
        [
            *due_table(),
            """create table deadlines (
                client_id uuid not null,
                id uuid not null,
                project_id uuid,
                title text not null,
                due_on date,
                closed boolean not null,
                version integer not null,
                team uuid[] not null,
                primary key (client_id, id)
            )""",
            "alter table clients add column active boolean not null default true",
            "alter table deadlines enable row level security",
            "alter table deadlines force row level security",
            "create policy staff on deadlines to {staff} using (true) with check (true)",
            "grant select, insert, update on deadlines to {staff}",
        ]
    )
