"""Reading who is limited to what."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from services.identity.assignments.models import Assignment
from services.identity.people.known_projects import KnownProject
from shared.database import Db
from shared.errors import NotFound


async def load_assignments(db: Db, person_id: UUID) -> set[UUID]:
    """The projects somebody is limited to."""
    return set(await db.scalars(select(Assignment.project_id).where(Assignment.person_id == person_id)))


async def clients_of(db: Db, project_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The client of each of these projects. Raises `NotFound` for an unknown project."""
    rows = await db.execute(select(KnownProject.id, KnownProject.client_id).where(KnownProject.id.in_(project_ids)))
    found = {row.id: row.client_id for row in rows}
    if len(found) < len(set(project_ids)):
        raise NotFound
    return found
