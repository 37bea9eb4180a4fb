"""A client's contacts: people who may or may not sign in."""

from shared.migrations.tables import execute

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute(
        [
            """alter table people
                alter column email drop not null,
                add column phone text not null default '',
                add column title text not null default '',
                add column language text not null default 'en',
                add column portal_access boolean not null default true,
                add column email_verified_at timestamptz,
                add column last_sign_in_at timestamptz,
                add column limited boolean not null default false,
                add constraint people_language_check check (language in ('en', 'de')),
                add constraint people_limited_check check (kind = 'staff' or not limited),
                add constraint people_access_check check (email is not null or not portal_access)
            """,
            "drop index people_email_key",
            # A contact without access may stand in the books of two clients; an address signs in one person only.
            "create unique index people_email_key on people (lower(email)) where portal_access",
            "create index people_email_idx on people (lower(email))",
            # Within one client's book each address stands once.
            "create unique index people_client_email_key on people (client_id, lower(email))",
        ]
    )
