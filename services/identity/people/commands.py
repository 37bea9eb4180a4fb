"""What happens to people."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.dialects.postgresql import insert

from services.identity.clients.models import ActionClosed, Client
from services.identity.fields import Addressed, Email, Language, PartOfName, Password, ShortText
from services.identity.ownership import shut_out
from services.identity.people import queries
from services.identity.people.addresses import store_address
from services.identity.people.known_projects import KnownProject
from services.identity.people.models import (
    AdminExists,
    Person,
    PersonKind,
    Role,
)
from services.identity.policies.models import ADMIN_POLICIES, Policy, require_grantable, require_reach
from services.identity.policies.queries import count_admins, lock_admins, require_admin_left
from services.identity.sessions.queries import live_hashes
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.database import Db
from shared.errors import NotFound


class CreatePerson(Addressed, msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Without a password a person signs in by e-mail link alone."""

    kind: PersonKind
    email: Email
    first_name: PartOfName = ""
    last_name: PartOfName = ""
    client_id: UUID | None = None
    password: Password | None = None
    is_primary_contact: bool = False
    policies: Annotated[list[Policy], Meta(max_length=50)] = []
    title: ShortText = ""
    phone: ShortText = ""
    language: Language = "en"


class PatchMe(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change about oneself; `language` is that of mails, too."""

    first_name: PartOfName | UnsetType = UNSET
    last_name: PartOfName | UnsetType = UNSET
    title: ShortText | UnsetType = UNSET
    phone: ShortText | UnsetType = UNSET
    language: Language | UnsetType = UNSET


class PatchPerson(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change; a field that is absent stays. Somebody who is not `active` cannot
    sign in; when activated again, they have to set up their credentials again (decision 0073).
    """

    first_name: PartOfName | UnsetType = UNSET
    last_name: PartOfName | UnsetType = UNSET
    title: ShortText | UnsetType = UNSET
    phone: ShortText | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Touched(msgspec.Struct, frozen=True):
    """The hashes of the sessions that a change ended, and of those that carry something new."""

    ended: list[str] = []
    changed: list[str] = []


class PutProjectRoles(msgspec.Struct, forbid_unknown_fields=True):
    roles: Annotated[dict[UUID, Role], Meta(max_length=500)]


class PatchProjectRoles(msgspec.Struct, forbid_unknown_fields=True):
    """The roles to give by project, null for one to take away; in other projects everything stays."""

    roles: Annotated[dict[UUID, Role | None], Meta(max_length=500)]


async def create_person(db: Db, actor: Actor, data: CreatePerson, password_hash: str | None) -> Person:
    """Somebody new who may sign in. Nobody grants what they do not hold, and an address signs in one person only."""
    require_grantable(actor, data.policies)
    if data.client_id and await db.get(Client, data.client_id) is None:
        raise NotFound
    person = Person(
        kind=data.kind,
        client_id=data.client_id,
        email=data.email,
        first_name=data.first_name,
        last_name=data.last_name,
        password_hash=password_hash,
        is_primary_contact=data.is_primary_contact,
        policies=sorted(set(data.policies)),
        title=data.title,
        phone=data.phone,
        language=data.language,
    )
    created = person.created(actor)
    db.add(person)
    await store_address(db)
    await outbox.append(db, actor, created, client_id=person.client_id, aggregate_id=person.id)
    return person


async def create_first_admin(db: Db, data: CreatePerson, password_hash: str) -> Person:
    """The one administrator nobody had to appoint. Raises `AdminExists`."""
    await lock_admins(db)
    if await count_admins(db):
        raise AdminExists
    admin = msgspec.structs.replace(data, kind="staff", policies=list(ADMIN_POLICIES))
    return await create_person(db, SYSTEM, admin, password_hash)


def choose_language(person: Person, language: str) -> None:
    """Speak to somebody as they have chosen themselves."""
    if person.language != language:
        person.version += 1
    person.language, person.language_chosen = language, True


async def change_me(db: Db, actor: Actor, person_id: UUID, patch: PatchMe) -> None:
    """One's own details. In which language mails come is everybody's own, whatever the company closed."""
    changes = _sent(patch)
    if "edit_profile" in actor.closed and changes.keys() - {"language"}:
        raise ActionClosed
    person = await queries.load_person(db, person_id)
    updated = person.change(actor, changes)
    if patch.language is not UNSET:
        choose_language(person, patch.language)
    if updated:
        await outbox.append(db, actor, updated, client_id=person.client_id, aggregate_id=person.id)


async def change_person(db: Db, actor: Actor, person_id: UUID, patch: PatchPerson) -> Touched:
    """Change somebody's details or access; not of somebody with more permissions than the actor."""
    if patch.active is False:
        await lock_admins(db)
    person = await queries.load_person(db, person_id)
    require_reach(actor, person.policies)
    was_admin = person.is_admin
    updated = person.change(actor, _sent(patch))
    if updated is None:
        return Touched()
    await require_admin_left(db, person, was_admin=was_admin)
    await outbox.append(db, actor, updated, client_id=person.client_id, aggregate_id=person.id)
    if "active" in updated.fields and not person.active:
        return Touched(ended=await shut_out(db, actor, person, "person_inactive"))
    return Touched(changed=await live_hashes(db, person.id))


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of a project; None is what it does not say."""

    version: int
    name: str
    private: bool
    team: list[UUID] | None
    hidden_fields: list[str] | None


async def learn_of_project(db: Db, project_id: UUID, client_id: UUID, facts: ProjectFacts) -> None:
    """Fold what projects tell: the project can be named in roles from now on, by its client where it is not private.

    What is older than what is known already changes nothing.
    """
    told = {name: value for name, value in msgspec.structs.asdict(facts).items() if value is not None}
    known = insert(KnownProject).values(id=project_id, client_id=client_id, **{"team": [], "hidden_fields": [], **told})
    newer = KnownProject.version <= facts.version
    await db.execute(known.on_conflict_do_update(index_elements=[KnownProject.id], set_=told, where=newer))


def _sent(patch: msgspec.Struct) -> dict[str, object]:
    return {field: value for field, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
