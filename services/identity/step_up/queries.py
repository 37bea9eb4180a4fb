"""How somebody signed in can prove once more who they are."""

from uuid import UUID

import msgspec
from sqlalchemy import text

from services.identity.sign_in_methods.queries import find_own
from shared.actor import Actor
from shared.database import Db

# What a client does not admit at its door is no proof inside either.
_MEANS = text("""
    select p.id as account_id, p.email, a.confirmed_at is not null as app,
           (c.id is null or 'passkey' = any(c.sign_in_methods))
           and exists(select 1 from passkeys k where k.person_id = p.id) as passkey,
           case when c.id is null or 'password' = any(c.sign_in_methods) then p.password_hash end as password_hash
    from people p left join clients c on c.id = :here left join authenticators a on a.person_id = p.id
    where p.id = :account
""")


class Means(msgspec.Struct, frozen=True):
    """What a person has to show, of the account `account_id`. Nothing weaker counts beside a second factor, and a
    mailed code only where there is nothing else.
    """

    account_id: UUID
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


async def get_means(db: Db, actor: Actor, me: UUID) -> Means:
    """What who is signed in has to show where they are. `db` sees all clients. Raises what `require_managed` does."""
    own = (await find_own(db, actor, me)).require_managed()
    found = await db.execute(_MEANS, {"account": own.person.id, "here": own.client_id})
    return Means(**found.mappings().one())
