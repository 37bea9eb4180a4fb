"""One row per thing, instead of a table for each noun.

Figures read `told`: what every reader of its project sees of a thing. Lists read `things`, which says of each
whether it is `kept` from its client, and which of its fields are `hidden`. What belongs to a project is as private as
the project, and is kept while the project is not known.

What was known of projects and milestones moves here, without what it never had: the status of what is open, and a
project's dates. `portal republish projects` completes it. The tables it comes from stay for the processes of the release
before, which fold into them until the update is through.
"""

from shared.migrations.tables import execute, narrow_tenant, tenant_policy

revision = "0015"
down_revision = "0014"

_HIDEABLE = ("number", "status", "amount", "starts_on", "due_on", "done_on")
_TOLD = ",\n".join(
    f"case when t.hidden_by ->> '{name}' = any(p.hides) then null else t.{name} end as {name}" for name in _HIDEABLE
)


def upgrade() -> None:
    execute(
        [
            """create table overview (
                client_id uuid not null,
                id uuid not null unique,
                publisher text not null,
                kind text not null,
                title text not null,
                number text,
                status text not null,
                project_id uuid,
                amount numeric,
                unit text,
                starts_on date,
                due_on date,
                done_on date,
                made_on date not null,
                marks text[] not null,
                private boolean not null,
                reader_roles text[],
                reader_people uuid[],
                turn_side text check (turn_side in ('client', 'company')),
                turn_since timestamptz,
                turn_roles text[],
                turn_people uuid[],
                hides text[] not null,
                hidden_by jsonb not null,
                deleted boolean not null,
                version integer not null,
                at timestamptz not null,
                primary key (client_id, id)
            )""",
            "create index overview_kind on overview (client_id, kind)",
            "create index overview_due on overview (client_id, due_on, id) where done_on is null and not deleted",
            "create index overview_turn on overview (client_id, turn_since, id) where turn_side is not null and not deleted",
            # Whoever owns a table sees no rows of it either, unless it says so.
            *(f"alter table {each} no force row level security" for each in ("known_projects", "known_milestones")),
            """insert into overview (client_id, id, publisher, kind, title, status, project_id, done_on, made_on, marks,
                    private, hides, hidden_by, deleted, version, at)
                select client_id, id, 'projects', 'project', name,
                    case when completed_on is null then '' else 'completed' end, id, completed_on, since, '{}',
                    private, hidden_fields, '{"starts_on": "starts_on", "due_on": "ends_on"}', false, version, since
                from known_projects""",
            """insert into overview (client_id, id, publisher, kind, title, status, project_id, due_on, done_on, made_on,
                    marks, private, hides, hidden_by, deleted, version, at)
                select m.client_id, m.id, 'projects', 'milestone', m.name,
                    case when m.completed_on is null then 'open' else 'completed' end, m.project_id, m.target_on,
                    m.completed_on, p.made_on, '{}', m.private, '{}',
                    '{"status": "completion", "done_on": "completion", "starts_on": "milestone_starts_on"}', false,
                    m.version, p.made_on
                from known_milestones m join overview p on p.client_id = m.client_id and p.id = m.project_id""",
            *(f"alter table {each} force row level security" for each in ("known_projects", "known_milestones")),
            *tenant_policy("overview", verbs="select, insert, update"),
            narrow_tenant("overview", "not private"),
            """create view things with (security_invoker) as
                select t.*, p.title as project_title, p.done_on is not null as project_over,
                    t.private or (t.project_id is not null and coalesce(p.private, true)) as kept,
                    array(select each.key from jsonb_each_text(t.hidden_by) each
                          where each.value = any(p.hides)) as hidden
                from overview t left join overview p on p.client_id = t.client_id and p.id = t.project_id
                where not t.deleted""",
            f"""create view told with (security_invoker) as
                select t.client_id, t.id, t.kind, t.title, t.project_id, p.title as project_title, t.unit, t.made_on,
                    t.marks, t.turn_side, {_TOLD}, t.done_on is not null as over,
                    coalesce(p.done_on is not null, false) as project_over
                from overview t left join overview p on p.client_id = t.client_id and p.id = t.project_id
                where not t.deleted and not t.private and (t.project_id is null or not p.private)
                    and t.reader_roles is null""",
            "grant select on things, told to {app}",
        ]
    )
