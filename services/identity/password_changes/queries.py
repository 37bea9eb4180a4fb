"""Whose new password it is."""

from services.identity.one_time_tokens.queries import find_live
from services.identity.password_changes.models import PASSWORD_RESET
from services.identity.people.models import Person
from shared.database import Db


async def find_owner(db: Db, token: str) -> Person | None:
    """Whose new password the token is for, while it can be used."""
    found = await find_live(db, token, PASSWORD_RESET)
    return await db.get(Person, found.person_id) if found else None
