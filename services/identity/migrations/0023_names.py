"""The order of lists, and what is looked for in names: by their letters alone."""

from shared.migrations.tables import execute, fold_functions, sort_key

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    execute(
        [
            *fold_functions(),
            f"""alter table people
                add column {sort_key("trim(last_name || ' ' || first_name)")},
                add column found_by text not null
                    generated always as (found_by(first_name || ' ' || last_name || ' ' || coalesce(email, ''))) stored
            """,
            "drop index people_name_idx",
            "create index people_client_sort_idx on people (client_id, sort_key, id)",
            "create index people_sort_idx on people (sort_key, id)",
            f"""alter table clients
                add column {sort_key("name")},
                add column found_by text not null generated always as (found_by(name)) stored
            """,
            "drop index clients_name_idx",
            "create index clients_sort_idx on clients (sort_key, id)",
        ]
    )
