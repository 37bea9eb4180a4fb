"""What a client's primary contact does with the client's own people."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.identity.fields import Addressed, Email, PartOfName
from services.identity.invitations.commands import invite
from services.identity.ownership import shut_out
from services.identity.people.addresses import store_address
from services.identity.people.models import EmailTaken, Person, Role
from services.identity.project_roles import commands as project_roles
from services.identity.project_roles.models import Roles
from services.identity.project_roles.queries import load_offered, load_roles
from services.identity.team import queries
from services.identity.team.models import require_manageable, require_within_own
from shared import outbox
from shared.actor import Actor
from shared.database import Db


class InviteMember(Addressed, msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    first_name: PartOfName = ""
    last_name: PartOfName = ""
    project_roles: Roles = {}


async def invite_member(
    db: Db, actor: Actor, data: InviteMember, account_id: UUID | None, *, outside_a_day: int
) -> Person:
    """Add somebody to the team and mail them an invitation. It is in the company's name, so no more than
    `outside_a_day` go to addresses outside the client's own domains.

    `account_id` is who signs in with the address at another client, and joins when they accept. That is no business of
    the one who invites, nor is an address of the staff's, who stay a contact without access: one answer for all.
    """
    await queries.require_open(db, actor)
    require_within_own(actor, {}, data.project_roles)
    if await queries.is_known(db, actor, data.email):
        raise EmailTaken
    await queries.require_room(db, actor, data.email, outside_a_day)
    person = await _add(db, actor, data, account_id)
    await outbox.append(db, actor, person.created(actor), client_id=person.client_id, aggregate_id=person.id)
    await invite(db, actor, person)
    if data.project_roles:
        await project_roles.change_project_roles(db, actor, person.id, data.project_roles)
    return person


async def set_roles(db: Db, actor: Actor, person_id: UUID, roles: Roles, if_match: str | None) -> list[str]:
    """Replace what a colleague is in which project; the hashes of the sessions this changes."""
    await queries.require_open(db, actor)
    person = await queries.load_member(db, actor, person_id)
    seen = dict.fromkeys(await load_roles(db, person, actor) | await load_offered(db, person, actor))
    return await change_roles(db, actor, person_id, {**seen, **roles}, if_match)


async def change_roles(
    db: Db, actor: Actor, person_id: UUID, changes: Mapping[UUID, Role | None], if_match: str | None
) -> list[str]:
    """Change what a colleague is in some projects; the hashes of the sessions this changes."""
    await queries.require_open(db, actor)
    person = await queries.load_member(db, actor, person_id)
    return await project_roles.change_project_roles(db, actor, person.id, changes, if_match)


async def deactivate(db: Db, actor: Actor, person_id: UUID) -> list[str]:
    """Shut a colleague out; the hashes of the sessions this ended. Not one who is more than oneself in some project."""
    await queries.require_open(db, actor)
    person = await queries.load_member(db, actor, person_id)
    require_manageable(actor, person)
    require_within_own(actor, await load_roles(db, person, actor), {})
    changed = person.change(actor, {"active": False})
    if changed is None:
        return []
    await db.flush()
    await outbox.append(db, actor, changed, client_id=person.client_id, aggregate_id=person.id)
    return await shut_out(db, actor, person, "person_inactive")


async def _add(db: Db, actor: Actor, data: InviteMember, account_id: UUID | None) -> Person:
    person = Person(
        kind="client",
        client_id=actor.client_id,
        email=data.email,
        first_name=data.first_name,
        last_name=data.last_name,
        account_id=account_id,
    )
    try:
        async with db.begin_nested():
            db.add(person)
            await store_address(db)
    except EmailTaken:
        person.stay_outside()
        db.add(person)
        await db.flush()
    return person
