"""Limiting a member of staff to projects."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import delete

from services.identity.assignments import queries
from services.identity.assignments.models import Assignment, AssignmentsNeedStaff
from services.identity.people.queries import load_person
from services.identity.policies.models import require_reach
from services.identity.policies.queries import lock_admins, require_admin_left
from services.identity.sessions.commands import rights_changed
from shared import outbox
from shared.actor import Actor
from shared.contracts.identity import AssignmentsChanged
from shared.database import Db
from shared.errors import Invalid


class PutAssignments(msgspec.Struct, forbid_unknown_fields=True):
    """`limited` without projects is somebody who sees nothing yet. All of them travel in every signed token."""

    limited: bool
    project_ids: Annotated[list[UUID], Meta(max_length=100)] = []


async def set_assignments(db: Db, actor: Actor, person_id: UUID, data: PutAssignments) -> list[str]:
    """Replace what a member of staff is limited to; the hashes of the sessions this changes."""
    if data.project_ids and not data.limited:
        raise Invalid("Projects are named for those who are limited to them.", field="project_ids")
    await lock_admins(db)
    person = await load_person(db, person_id)
    require_reach(actor, person.policies)
    if person.kind != "staff":
        raise AssignmentsNeedStaff
    wanted, clients = set(data.project_ids), await queries.clients_of(db, data.project_ids)
    if (person.limited, await queries.load_assignments(db, person.id)) == (data.limited, wanted):
        return []
    was_admin = person.is_admin
    person.limited = data.limited
    person.version += 1
    await require_admin_left(db, person, was_admin=was_admin)
    await db.execute(delete(Assignment).where(Assignment.person_id == person.id))
    db.add_all(Assignment(person_id=person.id, project_id=each, client_id=clients[each]) for each in sorted(wanted))
    changed = AssignmentsChanged(limited=data.limited, project_ids=sorted(wanted))
    await outbox.append(db, actor, changed, client_id=None, aggregate_id=person.id)
    return await rights_changed(db, person.id)
