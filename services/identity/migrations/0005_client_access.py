"""How a client's people can sign in, and the person its portal is linked to."""

from shared.migrations.tables import execute

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute(
        [
            """alter table clients
                add column portal_user_id uuid unique,
                add column sign_in_methods text[] not null default '{magic_link}',
                add column second_factor text not null default 'optional',
                add column allowed_networks text[] not null default '{}',
                add column allowed_domains text[] not null default '{}',
                add column team_invites boolean not null default true,
                add column language text not null default 'en',
                add column settings jsonb not null default '{}',
                add constraint clients_methods_check check (
                    sign_in_methods <@ '{magic_link,password,passkey,sso}' and sign_in_methods <> '{}'
                ),
                add constraint clients_second_factor_check check (second_factor in ('optional', 'required')),
                add constraint clients_language_check check (language in ('en', 'de')),
                add foreign key (id, portal_user_id) references people (client_id, id) on delete set null (portal_user_id)
            """,
            # Until now everybody could sign in with a password.
            "update clients set sign_in_methods = '{magic_link,password}'",
        ]
    )
