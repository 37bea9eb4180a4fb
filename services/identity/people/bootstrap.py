"""The first administrator of a new installation: what `portal create-admin` calls."""

from uuid import UUID

import msgspec

from services.identity.people import commands
from services.identity.people.commands import CreatePerson
from services.identity.people.passwords import Passwords
from shared.actor import SYSTEM
from shared.database import Database


async def create_first_admin(database_url: str, *, email: str, first_name: str, last_name: str, password: str) -> UUID:
    """Create a member of staff who holds every policy; the id. `database_url` is identity's own, its runtime role's.

    Raises `AdminExists` where there is one, `EmailTaken`, and `msgspec.ValidationError` naming a wrong field.
    """
    asked = {"kind": "staff", "email": email, "first_name": first_name, "last_name": last_name, "password": password}
    data = msgspec.convert(asked, CreatePerson)
    passwords = Passwords(threads=1, queue=0)
    database = Database(database_url, pool=1)
    await database.start()
    try:
        password_hash = await passwords.hash(password)
        async with database.uow(SYSTEM) as db:
            return (await commands.create_first_admin(db, data, password_hash)).id
    finally:
        passwords.close()
        await database.stop()
