"""Who may register."""

from sqlalchemy import exists, func, or_, select

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.rules import admits
from shared.database import Db


async def lock_host(db: Db, email: str) -> Client | None:
    """The client whose domain the address is of, if its people may register themselves; it stays so until the end.

    None as well where somebody signs in with the address, or the client's book has it: whoever stands there without
    access was not given it.
    """
    domain = email.rpartition("@")[2]
    hosts = select(Client).where(Client.allowed_domains.contains([domain]), Client.active, Client.portal_enabled)
    client = await db.scalar(hosts.order_by(Client.created_at).limit(1).with_for_update(read=True))
    if client is None or not admits(client.sign_in_methods, "invitation"):
        return None
    theirs = func.lower(Person.email) == email
    known = exists().where(theirs, or_(Person.portal_access, Person.client_id == client.id))
    return None if await db.scalar(select(known)) else client
