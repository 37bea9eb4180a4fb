"""Whether somebody chose their language themselves: then they take it along to another organisation (decision 0048)."""

from shared.migrations.tables import execute

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    execute(["alter table people add column language_chosen boolean not null default false"])
