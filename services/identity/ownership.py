"""The credentials of an account, and their deletion when a person loses access or a contact is handed over.

A contact is a seat in a client's book that may be given to the next one. Whoever sat there before keeps no way back.
"""

from sqlalchemy import delete, or_, select

from services.identity.mails.commands import replace
from services.identity.mails.models import KINDS
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.organisations.membership import require_all_clients
from services.identity.passkeys.models import Passkey
from services.identity.people.models import Person
from services.identity.pictures.models import Picture
from services.identity.project_roles.models import OfferedRole
from services.identity.second_factors.models import Authenticator, RecoveryCode
from services.identity.sessions.commands import end_sessions
from services.identity.sessions.models import Session
from services.identity.sign_in_links.models import SignInLink
from services.identity.single_sign_on.models import FederatedIdentity
from services.identity.viewing.commands import close_views
from shared.actor import Actor
from shared.database import Db

LEADS_IN = tuple(kind for kind, mail in KINDS.items() if mail.lasts)
"""Mails with a link or a code in them; those that only tell of something go out all the same."""
OF_ONE_CLIENT = (OneTimeToken, SignInLink, FederatedIdentity, Picture)
"""What leads in at this client alone: all that was mailed or is under way, and who they are at its own provider. With
it goes how they look there.
"""
OF_THE_HUMAN = (Authenticator, RecoveryCode, Passkey, Session)
"""What goes wherever the human goes (decision 0048), and with the sessions from where they were known to come."""


async def shut_out(db: Db, actor: Actor, person: Person, reason: str) -> list[str]:
    """Take the access of `person` away, and the roles they were offered; returns the hashes of the sessions this ended.

    While the same human has access at another client, their credentials stay. With the last access they are deleted,
    even if they are stored at another client, so `db` has to see all clients. When they last signed in stays known.
    """
    await db.execute(delete(OfferedRole).where(OfferedRole.person_id == person.id))
    others = await _others(db, person)
    if not any(other.active and other.portal_access for other in others):
        return [each for one in (person, *others) for each in await forget_owner(db, actor, one, reason)]
    return await _forget_here(db, actor, person, reason)


async def forget_owner(db: Db, actor: Actor, person: Person, reason: str) -> list[str]:
    """Whoever this person was has nothing left that opens the account. The hashes of the sessions this ended."""
    ended = await _forget_here(db, actor, person, reason)
    for kind in OF_THE_HUMAN:
        await db.execute(delete(kind).where(kind.person_id == person.id))
    person.forget_owner()
    await db.flush()
    return ended


async def hand_over(db: Db, actor: Actor, person: Person, reason: str) -> list[str]:
    """The person is given to somebody else, by another address or another client: who was before them has nothing left
    that opens the account, and nobody was ever in with it. The hashes of the sessions this ended.
    """
    ended = await forget_owner(db, actor, person, reason)
    person.last_sign_in_at = None
    await db.flush()
    return ended


async def _forget_here(db: Db, actor: Actor, person: Person, reason: str) -> list[str]:
    """Mails before tokens, as whoever writes a mail locks them: two orders would be a deadlock.

    Staff who see the portal as this person are staff again; the gateways hear it with the event.
    """
    if person.client_id:
        await close_views(db, actor, person.client_id, "person_left", Session.viewing_person_id == person.id)
    await replace(db, person.id, *LEADS_IN)
    for kind in OF_ONE_CLIENT:
        await db.execute(delete(kind).where(kind.person_id == person.id))
    return await end_sessions(db, actor, reason, Session.person_id == person.id)


async def _others(db: Db, person: Person) -> list[Person]:
    """The other rows of the same human: the account that a membership joined with, and all who joined that."""
    require_all_clients(db)
    account_id = person.account_id if person.joined_at else person.id
    joined = (Person.account_id == account_id) & Person.joined_at.is_not(None)
    theirs = select(Person).where(or_(Person.id == account_id, joined), Person.id != person.id)
    return list(await db.scalars(theirs.order_by(Person.id).with_for_update()))
