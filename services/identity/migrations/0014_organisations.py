"""One person in several client organisations: rows of `people` that are the same human as another one."""

from shared.migrations.tables import execute

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    execute(
        [
            # The generated columns exist for the foreign key: an account is a client's person and no membership itself,
            # which a check cannot say of another row. Deferred, as two rows may swap their parts.
            """alter table people
                add column account_id uuid,
                add column joined_at timestamptz,
                add column is_shared boolean not null default false,
                add column account_offers text generated always as
                    (case when account_id is null then kind end) stored,
                add column account_wants text generated always as
                    (case when account_id is not null then 'client' end) stored,
                add constraint people_account_check check (account_id is null or (kind = 'client' and not is_shared)),
                add constraint people_joined_check check (account_id is not null or joined_at is null),
                add constraint people_account_offers_key unique (id, account_offers),
                add constraint people_account_id_fkey foreign key (account_id, account_wants)
                    references people (id, account_offers) deferrable initially deferred
            """,
            "create index people_account_id_idx on people (account_id) where account_id is not null",
            "drop index people_email_key",
            # An address is one account: that of who may sign in, or whose memberships may.
            """create unique index people_email_key on people (lower(email))
               where account_id is null and (portal_access or is_shared)""",
            """alter table sessions
                add column account_id uuid references people (id),
                add column second_factor text not null default ''
            """,
            # Whoever owns a table sees no rows of it either, unless it says so.
            "alter table sessions no force row level security",
            "update sessions set account_id = person_id",
            "alter table sessions force row level security",
            "alter table sessions alter column account_id set not null",
            "create index sessions_account_id_idx on sessions (account_id)",
        ]
    )
