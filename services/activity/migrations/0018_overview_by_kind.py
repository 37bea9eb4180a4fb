"""Things of one kind are found by kind first.

While PostgreSQL knows nothing of a table that grows fast, an index that begins with the client looks as good to it as
the primary key, and each event read all that its client has.
"""

from shared.migrations.tables import execute

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    execute(["drop index overview_kind", "create index overview_kind on overview (kind, client_id)"])
