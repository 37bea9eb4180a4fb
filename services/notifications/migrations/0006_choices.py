"""How people want to be notified, where that is not as the rules have it: one row for who ever chose."""

from shared.migrations.tables import execute, tenant_policy

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute(
        [
            """create table choices (
                client_id uuid not null,
                person_id uuid not null,
                channels jsonb not null,
                version integer not null,
                primary key (client_id, person_id)
            )""",
            *tenant_policy("choices", verbs="select, insert, update"),
        ]
    )
