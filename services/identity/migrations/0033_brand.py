"""How the company looks: the staff's to change, and nobody's rows; what is public of it is read past the tenant."""

from shared.migrations.tables import execute

revision = "0033"
down_revision = "0032"

_EVERY = "{manageClients,managePeople,managePortalAccess,manageProjects,viewAudit,viewAsClient,manageApiClients}"


def upgrade() -> None:
    execute(
        [
            """create table brands (
                state text primary key check (state in ('live', 'draft')),
                name text not null,
                accent text not null,
                accent_dark text,
                texts jsonb not null,
                logo_id uuid,
                icon_id uuid,
                version integer not null,
                updated_at timestamptz not null
            )""",
            """create table brand_images (
                id uuid primary key,
                image bytea not null check (length(image) <= 262144),
                created_at timestamptz not null
            )""",
            "alter table brand_images alter image set storage external",
            *_staffs("brands", "select, insert, update"),
            *_staffs("brand_images", "select, insert, delete"),
            # Nobody grants what they do not hold: who had every policy until now has the new one as well.
            "alter table people no force row level security",
            f"""update people set policies = policies || '{{manageBrand}}', version = version + 1
                where kind = 'staff' and policies @> '{_EVERY}'""",
            "alter table people force row level security",
        ]
    )


def _staffs(table: str, verbs: str) -> list[str]:
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant {verbs} on {table} to {{staff}}",
    ]
