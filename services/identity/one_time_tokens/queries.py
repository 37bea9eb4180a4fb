"""Looking at a token without using it up."""

from sqlalchemy import ColumnElement, select

from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.single_use import live
from services.identity.tokens import digest
from shared.database import Db


def shown(purpose: str, token: str) -> tuple[ColumnElement[bool], ...]:
    """That it is the token somebody shows, for what it was made for."""
    return (OneTimeToken.token_hash == digest(token), OneTimeToken.purpose == purpose)


async def find_live(db: Db, token: str, *purposes: str) -> OneTimeToken | None:
    """The token, while it can be redeemed; None for everything else, which is never told apart."""
    found = select(OneTimeToken).where(OneTimeToken.token_hash == digest(token), OneTimeToken.purpose.in_(purposes))
    return await db.scalar(found.where(*live(OneTimeToken)))


async def find_used(db: Db, token: str, *purposes: str) -> OneTimeToken | None:
    """The token, if it was redeemed: whoever shows it has the secret, and may know what became of it."""
    found = select(OneTimeToken).where(OneTimeToken.token_hash == digest(token), OneTimeToken.purpose.in_(purposes))
    return await db.scalar(found.where(OneTimeToken.used_at.is_not(None)))


async def find_usable(db: Db, token: str, *purposes: str) -> OneTimeToken | None:
    """The same of a link about somebody's address, while they still have the one that it was made for."""
    found = await find_live(db, token, *purposes)
    person = await db.get(Person, found.person_id) if found else None
    if found is None or person is None or not person.is_known:
        return None
    return found if person.email == (found.facts.get("email") or found.facts.get("old")) else None
