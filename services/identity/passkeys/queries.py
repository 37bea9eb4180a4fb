"""Reading passkeys."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from services.identity.passkeys.models import Passkey
from services.identity.sessions.queries import lock_visitor
from shared.database import Db
from shared.errors import NotFound


class PasskeyView(msgspec.Struct, frozen=True):
    """One's own passkey. The key itself is of no use to anybody else, and yet nobody needs to see it."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


class PasskeyList(msgspec.Struct, frozen=True):
    items: list[PasskeyView]


async def passkeys_of(db: Db, person_id: UUID) -> list[Passkey]:
    """All of an account's passkeys, oldest first."""
    return list(await db.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)))


async def load_passkey(db: Db, person_id: UUID, passkey_id: UUID) -> Passkey:
    """One of an account's, locked for a change. Raises `NotFound` for every other."""
    mine = select(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person_id).with_for_update()
    passkey = await db.scalar(mine)
    if passkey is None:
        raise NotFound
    return passkey


async def lock_credential(db: Db, credential_id: bytes) -> Passkey | None:
    """The passkey behind a credential, read once its person is locked: of two signatures at once with the same counter,
    one is late.
    """
    found = Passkey.credential_id == credential_id
    person_id = await db.scalar(select(Passkey.person_id).where(found))
    if person_id is None:
        return None
    await lock_visitor(db, person_id)
    return await db.scalar(select(Passkey).where(found))
