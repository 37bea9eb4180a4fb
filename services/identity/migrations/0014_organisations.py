"""One person in several client organisations: rows of `people` that are the same human as another one."""

from shared.migrations.tables import execute

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    execute(
        [
            """alter table people
                add column account_id uuid,
                add column joined_at timestamptz,
                add column is_shared boolean not null default false,
                add constraint people_account_check check (account_id is null or (kind = 'client' and not is_shared)),
                add constraint people_joined_check check (account_id is not null or joined_at is null)
            """,
            # No foreign key: it would look into other tenants for whoever may write here. This looks with the writer's
            # own eyes, and at the end, as two rows may swap their parts.
            """create function people_accounts() returns trigger language plpgsql as $$
                begin
                    if exists (select from people m join people a on a.id = m.account_id
                               where m.id = new.id and (a.account_id is not null or a.kind <> 'client'))
                       or exists (select from people a join people m on m.account_id = a.id
                                  where a.id = new.id and (a.account_id is not null or a.kind <> 'client')) then
                        raise exception 'people_account: an account is a client''s person, and no membership';
                    end if;
                    return null;
                end $$
            """,
            """create constraint trigger people_accounts after insert or update of account_id, kind on people
               deferrable initially deferred for each row execute function people_accounts()""",
            "create index people_account_id_idx on people (account_id) where account_id is not null",
            "drop index people_email_key",
            # An address is one account: that of who may sign in, or whose memberships may.
            """create unique index people_email_key on people (lower(email))
               where account_id is null and (portal_access or is_shared)""",
            """alter table sessions
                add column account_id uuid,
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
