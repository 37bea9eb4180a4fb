"""Giving project roles and taking them, at once or, to somebody who was invited, from their first sign-in."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.identity.people.models import Person, ProjectRole, Role
from services.identity.people.queries import load_person
from services.identity.project_roles import queries
from services.identity.project_roles.models import OfferedRole
from services.identity.project_roles.offers import require_may_change, still_given
from services.identity.sessions.commands import rights_changed
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import now
from shared.database import Db


async def set_project_roles(
    db: Db, actor: Actor, person_id: UUID, roles: Mapping[UUID, Role], if_match: str | None = None
) -> list[str]:
    """Replace the project roles of a client's person, as far as the actor may know of the projects."""
    person = await load_person(db, person_id)
    held, offered = await queries.load_roles(db, person, actor), await queries.load_offered(db, person, actor)
    return await change_project_roles(db, actor, person_id, {**dict.fromkeys(held | offered), **roles}, if_match)


async def change_project_roles(
    db: Db, actor: Actor, person_id: UUID, changes: Mapping[UUID, Role | None], if_match: str | None = None
) -> list[str]:
    """Give the roles in `changes`, take those that are None there, keep all others; the hashes of the sessions this
    changes. To somebody who was invited and has not signed in they are offered (decision 0104).

    A project of another client, or one the actor may not know of, is as good as none (404). Raises what
    `require_may_give` does.
    """
    person = await load_person(db, person_id)
    person.require_match(if_match)
    await require_may_change(db, actor, person, changes)
    held = await queries.load_roles(db, person, SYSTEM)
    if not await queries.is_awaited(db, person):
        await _offer(db, actor, person, dict.fromkeys(changes))  # what waits from before must not come back later
        return await _give(db, actor, person, held, changes)
    await _offer(db, actor, person, {project: role for project, role in changes.items() if project not in held})
    return await _give(db, actor, person, held, {p: role for p, role in changes.items() if p in held})


async def take_up(db: Db, person: Person) -> None:
    """Give somebody who is in now what they were offered, as far as who offered it could give it today: with the
    rights they have now, in a project that is still there for them to name. The rest is deleted.
    """
    offers = await still_given(db, person)
    await db.execute(delete(OfferedRole).where(OfferedRole.person_id == person.id))
    for giver, good in offers:
        await _give(db, giver, person, await queries.load_roles(db, person, SYSTEM), good)


async def _give(
    db: Db, actor: Actor, person: Person, before: dict[UUID, str], changes: Mapping[UUID, str | None]
) -> list[str]:
    wanted = {project: role for project, role in {**before, **changes}.items() if role}
    changed = person.take_roles(wanted, before)
    if changed is None:
        return []
    await db.execute(delete(ProjectRole).where(ProjectRole.person_id == person.id))
    held = [
        {"person_id": person.id, "project_id": p, "client_id": person.client_id, "role": r} for p, r in wanted.items()
    ]
    if held:
        await db.execute(insert(ProjectRole), held)
    await outbox.append(db, actor, changed, client_id=person.client_id, aggregate_id=person.id)
    return await rights_changed(db, person.id)


async def _offer(db: Db, actor: Actor, person: Person, changes: Mapping[UUID, str | None]) -> None:
    before = await queries.load_offered(db, person, SYSTEM)
    wanted = {project: role for project, role in {**before, **changes}.items() if role}
    offered = person.be_offered(wanted, before)
    if offered is None:
        return
    new = [project for project in changes if wanted.get(project) != before.get(project)]
    await db.execute(delete(OfferedRole).where(OfferedRole.person_id == person.id, OfferedRole.project_id.in_(new)))
    same = {"person_id": person.id, "client_id": person.client_id, "offered_by": actor.id, "created_at": now()}
    rows = [{**same, "project_id": project, "role": wanted[project]} for project in new if project in wanted]
    if rows:
        await db.execute(insert(OfferedRole), rows)
    await outbox.append(db, actor, offered, client_id=person.client_id, aggregate_id=person.id)
