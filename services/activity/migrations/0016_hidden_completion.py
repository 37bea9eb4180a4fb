"""Whether a thing is over is not told where it is kept from the client that it is done."""

from shared.migrations.tables import execute

revision = "0016"
down_revision = "0015"

_HIDEABLE = ("number", "status", "amount", "starts_on", "due_on", "done_on")
_TOLD = ",\n".join(
    f"case when t.hidden_by ->> '{name}' = any(p.hides) then null else t.{name} end as {name}" for name in _HIDEABLE
)


def upgrade() -> None:
    execute(
        [
            f"""create or replace view told with (security_invoker) as
                select t.client_id, t.id, t.kind, t.title, t.project_id, p.title as project_title, t.unit, t.made_on,
                    t.marks, t.turn_side, {_TOLD},
                    case when t.hidden_by ->> 'done_on' = any(p.hides) then null else t.done_on is not null end as over,
                    coalesce(p.done_on is not null, false) as project_over
                from overview t left join overview p on p.client_id = t.client_id and p.id = t.project_id
                where not t.deleted and not t.private and (t.project_id is null or not p.private)
                    and t.reader_roles is null""",
        ]
    )
