"""A client that is not active needs nobody's attention. Whether one is: null where nothing has been heard of it yet.

What was heard before stands in the audit log.
"""

from shared.migrations.tables import execute

revision = "0019"
down_revision = "0018"

TABLES = ("known_clients", "audit")


def upgrade() -> None:
    execute(
        [
            "alter table known_clients add column active boolean",
            *(f"alter table {table} no force row level security" for table in TABLES),  # the owner is nobody's tenant
            """update known_clients c set active = said.active
            from (
                select distinct on (client_id) client_id, (detail->>'active')::boolean as active
                from audit where type in ('client_created', 'client_updated') order by client_id, seq desc
            ) as said
            where said.client_id = c.client_id""",
            *(f"alter table {table} force row level security" for table in TABLES),
        ]
    )
