"""Staff look at the portal through a client's eyes, and change nothing meanwhile (docs/decisions/0042)."""

from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from services.identity.clients.models import Client
from services.identity.sessions.commands import Entry, live, renew
from services.identity.sessions.models import Session, SessionEnded
from services.identity.sessions.queries import lock_visitor
from shared import outbox
from shared.actor import Actor
from shared.contracts.identity import ViewAsEnded, ViewAsStarted
from shared.database import Db
from shared.errors import Conflict, NotFound
from shared.language import gettext as _


class NothingToView(Conflict):
    code = "viewing.client_closed"

    def __init__(self) -> None:
        super().__init__(_("This client's portal is closed: there is nothing its people could see."))


class SeesNothing(Conflict):
    code = "viewing.person_without_access"

    def __init__(self) -> None:
        super().__init__(_("They cannot sign in, so there is nothing they could see."))


class NotViewing(Conflict):
    code = "viewing.not_viewing"

    def __init__(self) -> None:
        super().__init__(_("You are not viewing the portal as a client."))


async def view_as(db: Db, actor: Actor, client_id: UUID, person_id: UUID | None = None) -> Entry:
    """From now on the session of `actor` sees what this person of the client sees, or its primary contact where nobody
    is named, under a new id. Raises `NotFound`, `NothingToView` and `SeesNothing`.
    """
    client = await db.scalar(select(Client).where(Client.id == client_id).with_for_update(read=True))
    if client is None:
        raise NotFound
    if not client.is_open:
        raise NothingToView
    if person_id:
        await _require_somebody_inside(db, client_id, person_id)
    entry = await renew(db, actor, viewing_client_id=client_id, viewing_person_id=person_id)
    event = ViewAsStarted(person_id=person_id)
    await outbox.append(db, actor, event, client_id=client_id, aggregate_id=_session_of(actor))
    return entry


async def leave(db: Db, actor: Actor) -> Entry:
    """Be staff again, under a new id. Raises `NotViewing`."""
    if not actor.read_only:
        raise NotViewing
    entry = await renew(db, actor, viewing_client_id=None, viewing_person_id=None)
    event = ViewAsEnded(reason="left", session_hash=entry.ended[0])
    await outbox.append(db, actor, event, client_id=actor.client_id, aggregate_id=_session_of(actor))
    return entry


async def close_views(db: Db, actor: Actor, client_id: UUID, reason: str, *which: ColumnElement[bool]) -> list[str]:
    """There is nothing to see any more: whoever looks through this client's eyes, or those of `which` of its people, is
    staff again. Returns the hashes to tell as changed.
    """
    ended = await db.execute(
        update(Session)
        .where(Session.viewing_client_id == client_id, *which, *live())
        .values(viewing_client_id=None, viewing_person_id=None, rotate_due=True)
        .returning(Session.id, Session.hash, Session.previous_hash)
    )
    hashes: list[str] = []
    for session_id, session_hash, previous in ended.all():
        event = ViewAsEnded(reason=reason, session_hash=session_hash)
        await outbox.append(db, actor, event, client_id=client_id, aggregate_id=session_id)
        hashes += [session_hash, *([previous] if previous else [])]
    return hashes


async def _require_somebody_inside(db: Db, client_id: UUID, person_id: UUID) -> None:
    person, _ = await lock_visitor(db, person_id) or (None, None)
    if person is None or person.client_id != client_id:
        raise NotFound
    if not (person.active and person.portal_access):
        raise SeesNothing


def _session_of(actor: Actor) -> UUID:
    if actor.session_id is None:
        raise SessionEnded
    return actor.session_id
