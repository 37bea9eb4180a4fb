"""All projects and milestones published again as they are: what `portal republish projects` calls."""

from collections.abc import AsyncGenerator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from services.projects.milestones.models import Milestone
from services.projects.projects.models import Project
from shared import outbox
from shared.actor import SYSTEM
from shared.database import Database

PORTION = 200
"""Things of one transaction: events of others go between the portions."""


async def republish(database: Database, portion: int = PORTION) -> AsyncGenerator[int]:
    """Queue an event for each, in portions, and say how many each had. To be repeated from the start if it was ended.

    No lock: who changes one meanwhile publishes a newer version, and readers keep the newest.
    """
    everything = [(Project, select(Project)), (Milestone, select(Milestone).options(joinedload(Milestone.project)))]
    for kind, things in everything:
        after = UUID(int=0)
        while True:
            async with database.uow(SYSTEM) as db:
                found = (await db.scalars(things.where(kind.id > after).order_by(kind.id).limit(portion))).all()
                for each in found:
                    await outbox.append(db, SYSTEM, each.restated(), client_id=each.client_id, aggregate_id=each.id)
            if not found:
                break
            after = found[-1].id
            yield len(found)
