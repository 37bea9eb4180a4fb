"""An entry stores what its words are made of instead of the words. `title` and `description` are those of older entries.

What an entry tells of are the fields that were open to the client when it happened: a field that was hidden then is no
reason to go on showing an entry that tells of nothing else. That something was shared or taken back is for the team
alone; 0009 meant to say so, and as its owner saw no row of a table with forced row-level security.
"""

from shared.migrations.tables import execute

revision = "0014"
down_revision = "0013"

TABLES = ("feed", "audit", "known_projects")


def upgrade() -> None:
    execute(
        [
            *(f"alter table {table} no force row level security" for table in TABLES),  # the owner is nobody's tenant
            """alter table feed
                add facts json,
                add turns boolean,
                alter title drop not null,
                alter description drop not null""",
            """update feed f set facts = d.facts, tells = coalesce(d.tells, f.tells),
                team_only = f.team_only or f.type ~ '_(shared|withdrawn)$'
            from (
                select a.client_id, a.position, json_strip_nulls(json_build_object(
                        'name', a.detail->'name',
                        'project_name', a.detail->'project_name',
                        'target_on', a.detail->'target_on',
                        'old', a.detail->'old',
                        'new', a.detail->'new',
                        'fields', to_json(told.fields)
                    )) as facts,
                    case a.type when 'project_updated' then told.fields end as tells
                from audit a
                join feed e on e.client_id = a.client_id and e.position = a.position
                cross join lateral (
                    select coalesce(
                            array_agg(field order by place) filter (where field <> all(hidden.names)),
                            array_agg(field order by place)
                        ) as fields
                    from json_array_elements_text(coalesce(a.detail->'fields', '[]')) with ordinality as each (field, place)
                    cross join (
                        select array(select json_array_elements_text(coalesce(a.detail->'hidden', '[]'))) as names
                    ) as hidden
                ) as told
                where a.type ~ '^(project|milestone)_'
            ) as d
            where d.client_id = f.client_id and d.position = f.position""",
            """update feed f set private = true from known_projects p
            where p.client_id = f.client_id and p.id = f.project_id
                and f.type = 'project_updated' and f.tells <> '{}' and f.tells <@ p.hidden_fields and not f.private""",
            *(f"alter table {table} force row level security" for table in TABLES),
        ]
    )
