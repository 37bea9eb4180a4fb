"""Letting a contact into the portal, and shutting them out: a matter of the person, their client and what they hold."""

from services.identity.clients.models import Client
from services.identity.contacts.models import require_ready
from services.identity.mails.commands import replace
from services.identity.mails.models import KINDS
from services.identity.one_time_tokens.commands import withdraw
from services.identity.organisations.membership import attach
from services.identity.people.addresses import store_address
from services.identity.people.models import Person
from services.identity.sessions.commands import end_sessions
from services.identity.sessions.models import Session
from services.identity.single_use import SINGLE_USE
from shared import outbox
from shared.actor import Actor
from shared.contracts.contacts import PortalAccessGranted, PortalAccessRevoked
from shared.database import Db

LEADS_IN = tuple(kind for kind, mail in KINDS.items() if mail.lasts)
"""Mails with a link or a code in them; those that only tell of something go out all the same."""


async def grant(db: Db, actor: Actor, client: Client, person: Person) -> None:
    """Let them in from now on; who signs in with this address at another client joins when they accept.

    Raises `NotReady`, and `EmailTaken` where the address is one of the staff's.
    """
    require_ready(person, client)
    if person.portal_access:
        return
    await attach(db, person)
    person.change({"portal_access": True})
    await store_address(db)
    await outbox.append(db, actor, PortalAccessGranted(), client_id=person.client_id, aggregate_id=person.id)


async def revoke(db: Db, actor: Actor, person: Person) -> list[str]:
    """Shut them out, and make worthless what was sent to them; the hashes of the sessions this ended."""
    if person.change({"portal_access": False}) is None:
        return []
    await outbox.append(db, actor, PortalAccessRevoked(), client_id=person.client_id, aggregate_id=person.id)
    return await forget_promises(db, actor, person, "access_revoked")


async def forget_promises(db: Db, actor: Actor, person: Person, reason: str) -> list[str]:
    """Their sessions end, and no mail of before, on its way or arrived, lets anybody in.

    Mails before tokens, as whoever writes a mail locks them: two orders would be a deadlock.
    """
    await replace(db, person.id, *LEADS_IN)
    await withdraw(db, person.id, *SINGLE_USE)
    return await end_sessions(db, actor, reason, Session.person_id == person.id)
