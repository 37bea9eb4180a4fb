"""Since when a webhook is on that held deliveries: they are made due in portions, however many there are."""

from shared.migrations.tables import execute

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute(["alter table webhooks add column resumed_at timestamptz"])
