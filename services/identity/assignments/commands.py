"""Limiting a member of staff to projects."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import delete

from services.identity.assignments import queries
from services.identity.assignments.models import Assignment, AssignmentsNeedStaff
from services.identity.people.models import Person
from services.identity.people.queries import load_person
from services.identity.policies.models import require_reach
from services.identity.policies.queries import lock_admins, require_admin_left
from services.identity.sessions.commands import rights_changed
from shared import outbox
from shared.actor import Actor
from shared.contracts.identity import AssignmentsChanged
from shared.database import Db
from shared.errors import Invalid
from shared.language import gettext as _

MOST = 100
"""All of them travel in every signed token."""


class PutAssignments(msgspec.Struct, forbid_unknown_fields=True):
    """`limited` without projects is somebody who sees nothing yet."""

    limited: bool
    project_ids: Annotated[list[UUID], Meta(max_length=MOST)] = []


class PatchAssignments(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change: whether there is a limit, the projects to add, those to take away; all others stay."""

    limited: bool | UnsetType = UNSET
    add: Annotated[list[UUID], Meta(max_length=MOST)] = []
    remove: Annotated[list[UUID], Meta(max_length=500)] = []


async def set_assignments(
    db: Db, actor: Actor, person_id: UUID, data: PutAssignments, if_match: str | None
) -> list[str]:
    """Replace what a member of staff is limited to; the hashes of the sessions this changes."""
    if data.project_ids and not data.limited:
        raise Invalid(_("Projects are named for those who are limited to them."), field="project_ids")
    await lock_admins(db)
    person = await load_person(db, person_id)
    person.require_match(if_match)
    return await _limit(db, actor, person, set(data.project_ids), limited=data.limited)


async def change_assignments(
    db: Db, actor: Actor, person_id: UUID, data: PatchAssignments, if_match: str | None
) -> list[str]:
    """Change what a member of staff is limited to; whose limit is lifted is assigned to nothing any more."""
    await lock_admins(db)
    person = await load_person(db, person_id)
    person.require_match(if_match)
    limited = person.limited if data.limited is UNSET else data.limited
    held = await queries.load_assignments(db, person.id)
    wanted = (held - set(data.remove)) | set(data.add) if limited else set(data.add)
    if wanted and not limited:
        raise Invalid(_("Projects are named for those who are limited to them."), field="add")
    if len(wanted) > MOST:
        raise Invalid(_("Nobody can be assigned to more than {most} projects.", most=MOST), field="add")
    return await _limit(db, actor, person, wanted, limited=limited)


async def _limit(db: Db, actor: Actor, person: Person, wanted: set[UUID], *, limited: bool) -> list[str]:
    require_reach(actor, person.policies)
    if person.kind != "staff":
        raise AssignmentsNeedStaff
    clients = await queries.clients_of(db, wanted)
    if (person.limited, await queries.load_assignments(db, person.id)) == (limited, wanted):
        return []
    was_admin = person.is_admin
    person.limited = limited
    person.version += 1
    await require_admin_left(db, person, was_admin=was_admin)
    await db.execute(delete(Assignment).where(Assignment.person_id == person.id))
    db.add_all(Assignment(person_id=person.id, project_id=each, client_id=clients[each]) for each in sorted(wanted))
    changed = AssignmentsChanged(limited=limited, project_ids=sorted(wanted))
    await outbox.append(db, actor, changed, client_id=None, aggregate_id=person.id)
    return await rights_changed(db, person.id)
