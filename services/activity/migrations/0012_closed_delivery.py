"""The tables of delivery are the relay role's; the runtime adds to the outbox and reads none of them."""

from shared.migrations.tables import closed_delivery, execute

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute(closed_delivery())
