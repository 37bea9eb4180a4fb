"""The tables of delivery are the relay role's; the runtime adds to the outbox and reads none of them."""

from shared.migrations.tables import closed_delivery, execute

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    execute(closed_delivery())
