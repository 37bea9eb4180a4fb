"""The switch of a client's portal, and the person it is linked to."""

from uuid import UUID

from services.identity.clients import queries
from services.identity.clients.commands import apply
from services.identity.contacts.access import grant
from services.identity.people.commands import Touched
from services.identity.people.queries import load_person
from shared.actor import Actor
from shared.database import Db


async def enable(db: Db, actor: Actor, client_id: UUID, user_id: UUID | None) -> Touched:
    """Open the portal, linked to one of the client's people, who may use it from now on; without `user_id` to whom it
    was linked before.

    Raises `NotFound`, `ClientInactive`, `PortalUserElsewhere`, `PortalUserNeeded`, and `NotReady` for a person without
    an address or not active.
    """
    client = await queries.lock_client(db, actor, client_id)
    user = await load_person(db, user_id) if user_id else None
    touched = await apply(db, actor, client, dict(client.open_portal(user)))
    if user:
        await grant(db, actor, client, user)
    return touched


async def disable(db: Db, actor: Actor, client_id: UUID) -> Touched:
    """Close the portal and sign everybody out. Whom it is linked to stays, so that it can be opened again."""
    client = await queries.lock_client(db, actor, client_id)
    return await apply(db, actor, client, {"portal_enabled": False})
