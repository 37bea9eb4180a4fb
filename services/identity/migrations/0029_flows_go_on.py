"""One browser may wait for links to several addresses: a flow is no longer one link's."""

from shared.migrations.tables import execute

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    execute(
        [
            "alter table sign_in_links drop constraint sign_in_links_flow_hash_key",
            "create index sign_in_links_flow_idx on sign_in_links (flow_hash)",
        ]
    )
