"""What a logo is seen on. Those from before lie on a light ground where pages are dark, as they did."""

from shared.migrations.tables import execute

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    execute(
        [
            """alter table brand_images
                add column ground text not null default 'light' check (ground in ('light', 'dark', 'own'))"""
        ]
    )
