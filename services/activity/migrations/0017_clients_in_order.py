"""Clients that need attention alike stand in the order of their letters, as in every list of clients."""

from shared.migrations.tables import execute, fold_functions, sort_key

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    execute([*fold_functions(), f"alter table known_clients add column {sort_key('name')}"])
