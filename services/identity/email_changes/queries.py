"""How far a change of address is."""

from uuid import UUID

from sqlalchemy import func, select

from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from shared.database import Db


async def lock_owner(db: Db, token: OneTimeToken) -> Person | None:
    """Whose address it is about, if that still stands for somebody; locked: of two confirmations one sees the other."""
    person = await db.scalar(select(Person).where(Person.id == token.person_id).with_for_update())
    return person if person and person.is_known else None


async def is_listed(db: Db, client_id: UUID | None, email: str) -> bool:
    """Whether a client's book has this address."""
    listed = select(Person.id).where(Person.client_id == client_id, func.lower(Person.email) == email)
    return await db.scalar(listed.limit(1)) is not None


async def is_confirmed(db: Db, person: Person, purpose: str, change: str) -> bool:
    """Whether the side that has the token of this purpose has confirmed this very change."""
    theirs = (OneTimeToken.person_id == person.id, OneTimeToken.purpose == purpose, OneTimeToken.used_at.is_not(None))
    return bool(await db.scalar(select(OneTimeToken.id).where(*theirs, OneTimeToken.facts["change"].astext == change)))
