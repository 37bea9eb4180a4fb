"""How somebody signed in can prove once more who they are."""

from uuid import UUID

import asyncpg
import msgspec

from services.identity.people.models import AccountElsewhere
from shared.errors import NotFound

# What a client does not admit at its door is no proof inside either.
_MEANS = """
    select p.account_id, p.email, a.confirmed_at is not null as app,
           (c.id is null or 'passkey' = any(c.sign_in_methods))
           and exists(select 1 from passkeys k where k.person_id = p.id) as passkey,
           case when c.id is null or 'password' = any(c.sign_in_methods) then p.password_hash end as password_hash
    from people p left join clients c on c.id = p.client_id left join authenticators a on a.person_id = p.id
    where p.id = $1
"""


class Means(msgspec.Struct, frozen=True):
    """What a person has to show. Nothing weaker counts beside a second factor, and a mailed code only where
    there is nothing else.
    """

    email: str | None
    app: bool
    passkey: bool
    password_hash: str | None

    @property
    def methods(self) -> list[str]:
        """The ways open to this person, the usual one first."""
        passkey = ["passkey"] if self.passkey else []
        if self.app:
            return ["totp", "recovery_code", *passkey]
        return [*passkey, *(["password"] if self.password_hash else [])] or ["mail_code"]


async def get_means(connection: asyncpg.Connection, person_id: UUID) -> Means:
    """What this person has to show. Raises `NotFound`, and `AccountElsewhere` for a membership."""
    row = await connection.fetchrow(_MEANS, person_id)
    if row is None:
        raise NotFound
    shown = dict(row)
    if shown.pop("account_id"):
        raise AccountElsewhere
    return Means(**shown)
