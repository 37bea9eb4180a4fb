"""Figures that staff read count what staff read: a view like `told`, with what is private and what is hidden."""

from shared.migrations.tables import execute

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    execute(
        [
            """create view told_to_staff with (security_invoker) as
                select t.client_id, t.id, t.kind, t.title, t.project_id, p.title as project_title, t.unit, t.made_on,
                    t.marks, t.turn_side, t.number, t.status, t.amount, t.starts_on, t.due_on, t.done_on,
                    t.done_on is not null as over, coalesce(p.done_on is not null, false) as project_over
                from overview t left join overview p on p.client_id = t.client_id and p.id = t.project_id
                where not t.deleted and t.reader_roles is null""",
            "grant select on told_to_staff to {app}",
        ]
    )
