"""Entries go on where the name of who did it ends; that something was shared or taken back is the team's alone."""

from shared.migrations.tables import execute

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute(
        [
            """update feed f set
                title = case f.type
                    when 'project_created' then 'started ' || d.name
                    when 'project_updated' then 'changed ' || d.name
                    when 'project_status_changed' then case d.new
                        when 'completed' then 'completed ' || d.name
                        else 'marked ' || d.name || ' as ' || d.new end
                    when 'project_shared' then 'shared ' || d.name || ' with the client'
                    when 'project_withdrawn' then 'took ' || d.name || ' back from the client'
                    when 'milestone_created' then 'added ' || d.name
                    when 'milestone_updated' then case f.title
                        when 'Milestone rescheduled'
                            then 'moved ' || d.name || ' to ' || to_char(d.target_on, 'FMDD Mon YYYY')
                        else 'changed ' || d.name end
                    when 'milestone_completed' then 'finished ' || d.name
                    when 'milestone_reopened' then 'reopened ' || d.name
                    when 'milestone_shared' then 'shared ' || d.name || ' with the client'
                    when 'milestone_withdrawn' then 'took ' || d.name || ' back from the client'
                    else f.title end,
                description = case
                    when f.type like 'milestone%' then d.project_name
                    when f.type = 'project_status_changed' then 'Was ' || d.old
                    when f.type = 'project_updated' then upper(left(d.changed, 1)) || substr(d.changed, 2)
                    else '' end,
                team_only = f.team_only or f.type ~ '_(shared|withdrawn)$'
            from (
                select a.client_id, a.position, a.detail->>'name' as name, a.detail->>'project_name' as project_name,
                    (a.detail->>'target_on')::date as target_on, replace(a.detail->>'old', '_', ' ') as old,
                    replace(a.detail->>'new', '_', ' ') as new, split_part(e.description, ' · ', 2) as changed
                from audit a join feed e on e.position = a.position
                where a.type ~ '^(project|milestone)_'
            ) d
            where d.client_id = f.client_id and d.position = f.position""",
        ]
    )
