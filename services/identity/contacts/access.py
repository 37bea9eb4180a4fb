"""Giving a contact access to the portal, and revoking it."""

from services.identity.clients.models import Client
from services.identity.contacts.models import require_ready
from services.identity.organisations.membership import attach
from services.identity.ownership import shut_out
from services.identity.people.addresses import store_address
from services.identity.people.models import Person
from shared import outbox
from shared.actor import Actor
from shared.contracts.contacts import PortalAccessGranted, PortalAccessRevoked
from shared.database import Db


async def grant(db: Db, actor: Actor, client: Client, person: Person) -> None:
    """Give access. Somebody who signs in with this address at another client joins when they accept.

    Raises `NotReady`, and `EmailTaken` where the address is one of the staff's.
    """
    require_ready(person, client)
    if person.portal_access:
        return
    await attach(db, person)
    person.change(actor, {"portal_access": True})
    await store_address(db)
    granted = PortalAccessGranted(standing=person.standing)
    await outbox.append(db, actor, granted, client_id=person.client_id, aggregate_id=person.id)


async def revoke(db: Db, actor: Actor, person: Person) -> list[str]:
    """Revoke access; returns the hashes of the sessions this ended."""
    if person.change(actor, {"portal_access": False}) is None:
        return []
    revoked = PortalAccessRevoked(standing=person.standing)
    await outbox.append(db, actor, revoked, client_id=person.client_id, aggregate_id=person.id)
    return await shut_out(db, actor, person, "access_revoked")
