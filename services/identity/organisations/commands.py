"""Joining another client's portal with the account one has, and going from one to the other."""

from collections.abc import Sequence
from uuid import UUID

from services.identity.invitations.models import INVITATION
from services.identity.one_time_tokens.commands import redeem, refuse
from services.identity.one_time_tokens.queries import find_live
from services.identity.organisations.membership import forget_credentials
from services.identity.organisations.models import HereAlready, SomebodyElse, obstacle, require_open_way
from services.identity.organisations.queries import find_session
from services.identity.people.addresses import note_verified
from services.identity.people.commands import choose_language
from services.identity.people.models import Person
from services.identity.sessions.admission import note_arrival
from services.identity.sessions.commands import Entry, end_sessions
from services.identity.sessions.models import Attempt, Session, SessionEnded
from services.identity.sessions.queries import Visitor, lock_doors, lock_namesakes
from services.identity.sessions.rules import refusal
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import Actor
from shared.contracts.accounts import OrganisationSwitched
from shared.database import Db
from shared.errors import NotFound


async def join(db: Db, attempt: Attempt, actor: Actor, token: str) -> UUID | None:
    """Use an invitation up: who is signed in is its client's person, too. The client's id; None, and on record, where
    the link is not good. It gives no session: whether one may go there is asked when one does.

    Raises `SessionEnded`, and `SomebodyElse` where the invitation is for another account.
    """
    found = await find_live(db, token, INVITATION)
    namesakes = await lock_namesakes(db, found.facts["email"]) if found else []
    session = await find_session(db, actor)
    if session is None:
        raise SessionEnded
    guest, client = next((each for each in namesakes if found and each[0].id == found.person_id), (None, None))
    if guest is None or guest.client_id is None or refusal(guest, client, "invitation", attempt.ip):
        await refuse(db, attempt, INVITATION)
        return None
    account = next((person for person, _ in namesakes if person.id == session.account_id), None)
    if account is None or account.account_id or account.id == guest.id:
        raise SomebodyElse
    if await redeem(db, INVITATION, token) is None:
        await refuse(db, attempt, INVITATION)
        return None
    joined = guest.join(account, attempt.ip, attempt.user_agent)
    _take_language(guest, namesakes, session)
    await db.flush()
    await forget_credentials(db, guest)
    author = guest.signed_in(attempt.id, attempt.ip)
    await outbox.append(db, author, joined, client_id=guest.client_id, aggregate_id=guest.id)
    await note_verified(db, author, guest)
    return guest.client_id


def _take_language(guest: Person, namesakes: Sequence[Visitor], session: Session) -> None:
    """Speak to somebody who joins as they have chosen where they are, or where their account is; not where they have
    chosen here.
    """
    human = {person.id: person for person, _ in namesakes}
    for person in (human.get(session.person_id), human.get(session.account_id)):
        if person and person.language_chosen and not guest.language_chosen:
            choose_language(guest, person.language)


async def switch(db: Db, attempt: Attempt, actor: Actor, client_id: UUID) -> Entry:
    """Go on in another of one's organisations: the session ends, and a new one begins there, no longer than the old.

    A new row, so that neither client's log has an id of the other's. Raises `SessionEnded`, `NotFound` for what is not
    one's own, `HereAlready`, and what `require_open_way` raises.
    """
    session = await find_session(db, actor)
    if session is None:
        raise SessionEnded
    doors = await lock_doors(db, session.account_id)
    person, client = next((door for door in doors if door[0].client_id == client_id), (None, None))
    if person is None or not (person.active and person.portal_access):
        raise NotFound
    if person.id == session.person_id:
        raise HereAlready
    require_open_way(obstacle(session, person, client, attempt.ip))
    ended = await end_sessions(db, actor, "left", Session.id == session.id)
    if not ended:
        raise SessionEnded
    token = new_token()
    there = Session(
        person_id=person.id,
        account_id=session.account_id,
        client_id=person.client_id,
        hash=digest(token),
        ip=attempt.ip,
        user_agent=attempt.user_agent,
        method=session.method,
        second_factor=session.second_factor,
        proven_at=session.proven_at,
        expires_at=session.expires_at,
        idle=session.idle,
    )
    await note_arrival(db, person)
    db.add(there)
    event = OrganisationSwitched(method=there.method, ip=attempt.ip, user_agent=attempt.user_agent)
    author = person.signed_in(there.id, attempt.ip)
    await outbox.append(db, author, event, client_id=person.client_id, aggregate_id=person.id)
    return Entry(person.id, token, ended, there.seconds_left)
