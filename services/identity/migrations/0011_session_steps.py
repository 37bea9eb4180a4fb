"""What a session went through: proof, rotation, its own lifetime, and whose eyes it looks through."""

from shared.migrations.tables import execute

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    execute(
        [
            """alter table sessions
                add column method text not null default '',
                add column idle interval not null default '7 days',
                add column proven_at timestamptz not null default now(),
                add column rotate_due boolean not null default false,
                add column previous_hash text,
                add column rotated_at timestamptz,
                add column viewing_client_id uuid references clients (id)
            """,
            "alter table sessions alter column proven_at drop default, alter column idle drop default",
            "create index sessions_previous_hash_idx on sessions (previous_hash) where previous_hash is not null",
            "create index sessions_viewing_client_id_idx on sessions (viewing_client_id) where viewing_client_id is not null",
        ]
    )
