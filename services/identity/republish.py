"""All clients and people published again as they are: what `portal republish identity` calls."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlalchemy import select

from services.identity.assignments.models import Assignment
from services.identity.clients.models import Client
from services.identity.people.models import Person, ProjectRole
from shared import outbox
from shared.actor import SYSTEM
from shared.contracts.restated import PersonRestated
from shared.database import Database, Db
from shared.events import EventData

PORTION = 200
"""Rows of one transaction: events of others go between the portions."""


async def republish(database: Database, portion: int = PORTION) -> AsyncGenerator[int]:
    """Queue an event for each, in portions, and say how many each had. To be repeated from the start if it was ended.

    Who changes one of a portion waits for its transaction; rows are locked in the order of their ids, as everywhere. So
    what is published again comes behind the events that it sums up, and before those of any later change.
    """
    for kind in (Client, Person):
        after = UUID(int=0)
        while True:
            async with database.uow(SYSTEM) as db:
                rows = select(kind).where(kind.id > after).order_by(kind.id).limit(portion).with_for_update(read=True)
                found = (await db.scalars(rows)).all()
                for about, client_id, event in await _restate(db, found):
                    await outbox.append(db, SYSTEM, event, client_id=client_id, aggregate_id=about)
            if not found:
                break
            after = found[-1].id
            yield len(found)


async def _restate(db: Db, found: Sequence[Client | Person]) -> list[tuple[UUID, UUID | None, EventData]]:
    """Of each its id, its client and its event."""
    people = [each for each in found if isinstance(each, Person)]
    ids = [person.id for person in people]
    roles: dict[UUID, dict[UUID, str]] = {each: {} for each in ids}
    for held in await db.scalars(select(ProjectRole).where(ProjectRole.person_id.in_(ids))):
        roles[held.person_id][held.project_id] = held.role
    projects: dict[UUID, list[UUID]] = {each: [] for each in ids}
    for assigned in await db.scalars(select(Assignment).where(Assignment.person_id.in_(ids))):
        projects[assigned.person_id].append(assigned.project_id)
    return [
        *((each.id, each.id, each.restated()) for each in found if isinstance(each, Client)),
        *((each.id, each.client_id, _restated(each, roles[each.id], sorted(projects[each.id]))) for each in people),
    ]


def _restated(person: Person, roles: dict[UUID, str], projects: list[UUID]) -> PersonRestated:
    return PersonRestated(
        kind=person.kind,
        active=person.active,
        portal_access=person.portal_access,
        has_account=person.has_account,
        is_primary_contact=person.is_primary_contact,
        roles=roles,
        policies=sorted(person.policies),
        limited=person.limited,
        project_ids=projects,
    )
