"""Reading what somebody is in which project, and what they are to become."""

from uuid import UUID

from sqlalchemy import exists, func, select

from services.identity.invitations.models import INVITATION
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.known_projects import KnownProject
from services.identity.people.models import Person, ProjectRole
from services.identity.project_roles.models import OfferedRole
from shared.actor import SYSTEM, Actor
from shared.clock import now
from shared.database import Db


async def load_roles(db: Db, person: Person, seen_by: Actor) -> dict[UUID, str]:
    """What the person is in which of the projects that somebody may know of."""
    return await _roles(db, ProjectRole, person, seen_by)


async def load_offered(db: Db, person: Person, seen_by: Actor) -> dict[UUID, str]:
    """What the person becomes when they sign in, in the projects that somebody may know of."""
    return await _roles(db, OfferedRole, person, seen_by)


async def _roles(db: Db, of: type[ProjectRole | OfferedRole], person: Person, seen_by: Actor) -> dict[UUID, str]:
    found = select(of.project_id, of.role).where(of.client_id == person.client_id, of.person_id == person.id)
    if not seen_by.sees_all_clients:
        theirs = (KnownProject.id == of.project_id, KnownProject.client_id == of.client_id)
        found = found.where(exists().where(*theirs, ~KnownProject.private))
    return {row.project_id: row.role for row in await db.execute(found)}


async def count_known_projects(db: Db, actor: Actor, client_id: UUID | None, project_ids: set[UUID]) -> int:
    """How many of these are projects of this client that the actor may know of, as far as has been heard."""
    found = select(func.count()).where(KnownProject.client_id == client_id, KnownProject.id.in_(project_ids))
    if not actor.sees_all_clients:
        found = found.where(~KnownProject.private)
    return await db.scalar(found) or 0


async def is_awaited(db: Db, person: Person) -> bool:
    """Whether somebody was invited and has not signed in yet."""
    unused = (OneTimeToken.person_id == person.id, OneTimeToken.purpose == INVITATION, OneTimeToken.used_at.is_(None))
    return not person.has_account and await db.scalar(select(exists().where(*unused))) is True


async def acting(db: Db, person_id: UUID) -> Actor:
    """Somebody as the author of what follows from what they started earlier, with their current permissions. They
    authenticated when they started it; what follows may take longer than that is valid.
    """
    person = await db.get(Person, person_id)
    if person is None:
        return Actor()
    here = person.active and person.portal_access
    return Actor(
        id=person.id,
        name=person.name,
        kind="client" if person.kind == "client" else "staff",
        client_id=person.client_id,
        policies=frozenset(person.policies) if here and not person.limited else frozenset(),
        project_roles=await load_roles(db, person, SYSTEM),
        is_primary_contact=here and person.is_primary_contact,
        proven_at=now(),
    )
