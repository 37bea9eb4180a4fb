"""People, the projects there are to have a role in, and the roles."""

from shared.migrations.tables import execute, tenant_policy

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute(
        [
            """create table people (
                id uuid primary key,
                client_id uuid references clients (id),
                kind text not null,
                email text not null,
                first_name text not null,
                last_name text not null,
                password_hash text,
                active boolean not null,
                is_primary_contact boolean not null,
                policies text[] not null,
                version integer not null,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                unique (client_id, id),
                constraint people_kind_check check (kind in ('staff', 'client')),
                constraint people_client_check check ((kind = 'client') = (client_id is not null)),
                constraint people_policies_check check (kind = 'staff' or policies = '{}'),
                constraint people_primary_check check (kind = 'client' or not is_primary_contact)
            )""",
            "create unique index people_email_key on people (lower(email))",
            "create index people_name_idx on people (client_id, lower(last_name), lower(first_name), id)",
            *tenant_policy("people", verbs="select, insert, update"),
            """create table known_projects (
                id uuid primary key,
                client_id uuid not null,
                unique (client_id, id)
            )""",
            *tenant_policy("known_projects", verbs="select, insert"),
            """create table project_roles (
                client_id uuid not null,
                person_id uuid not null,
                project_id uuid not null,
                role text not null check (role in ('approver', 'viewer', 'feedback_only')),
                primary key (person_id, project_id),
                foreign key (client_id, person_id) references people (client_id, id),
                foreign key (client_id, project_id) references known_projects (client_id, id)
            )""",
            *tenant_policy("project_roles", verbs="select, insert, delete"),
        ]
    )
