"""Which organisations somebody is in."""

from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import or_, select

from services.identity.clients.models import Client
from services.identity.organisations.models import Obstacle, obstacle
from services.identity.people.models import Person
from services.identity.sessions.models import Session
from shared.actor import Actor
from shared.clock import now
from shared.database import Db


class OrganisationView(msgspec.Struct, frozen=True):
    """One of one's own organisations. `person_id` is who one is there. `home`: where one manages how one signs in.
    `obstacle` says why one cannot switch there now: '' where one can, else closed, method, second_factor or network.
    """

    client_id: UUID
    person_id: UUID
    name: str
    current: bool
    home: bool
    obstacle: Obstacle


class Organisations(msgspec.Struct, frozen=True):
    items: list[OrganisationView]


async def find_session(db: Db, actor: Actor) -> Session | None:
    """The session the request came with, while it counts."""
    own = (Session.id == actor.session_id, Session.person_id == actor.id, Session.client_id == actor.client_id)
    return await db.scalar(select(Session).where(*own, Session.revoked_at.is_(None), Session.expires_at > now()))


_OWN = """
    select p.client_id, p.id as person_id, c.name, p.id = s.person_id as current, p.account_id is null as home
    from sessions s
    join people p on p.id = s.account_id or p.account_id = s.account_id and p.joined_at is not null
    join clients c on c.id = p.client_id
    where s.id = $1 and s.person_id = $2 and s.client_id = $3 and s.revoked_at is null and s.expires_at > $4
        and p.active and p.portal_access and c.active
    limit 2
"""


async def find_only_organisation(connection: asyncpg.Connection, actor: Actor) -> OrganisationView | None:
    """The one organisation of who is in no other: nearly everybody, on every page they open (decision 0004)."""
    rows = await connection.fetch(_OWN, actor.session_id, actor.id, actor.client_id, now())
    return OrganisationView(**rows[0], obstacle="") if len(rows) == 1 and rows[0]["current"] else None


async def list_organisations(db: Db, actor: Actor) -> Organisations:
    """The organisations of who is signed in, by name."""
    session = await find_session(db, actor)
    if session is None:
        return Organisations([])
    theirs = or_(
        Person.id == session.account_id, (Person.account_id == session.account_id) & Person.joined_at.is_not(None)
    )
    found = select(Person, Client).join(Client, Client.id == Person.client_id).where(theirs)
    usable = found.where(Person.active, Person.portal_access, Client.active).order_by(Client.sort_key, Client.id)
    rows = (await db.execute(usable)).all()
    return Organisations([_view(session, person, client, actor) for person, client in rows])


def _view(session: Session, person: Person, client: Client, actor: Actor) -> OrganisationView:
    current, home = person.id == session.person_id, person.account_id is None
    kept = "" if current else obstacle(session, person, client, actor.ip)
    return OrganisationView(client.id, person.id, client.name, current, home, kept)
