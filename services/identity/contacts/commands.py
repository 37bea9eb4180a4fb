"""What staff do with contacts."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import delete

from services.identity.clients.models import Client, ClientInactive
from services.identity.contacts import queries
from services.identity.contacts.access import grant, revoke
from services.identity.contacts.models import (
    EmailNeeded,
    HasAccount,
    LinkedToPortal,
    SameClient,
    client_of,
    require_ready,
    take_over,
)
from services.identity.fields import Addressed, Email, Language, PartOfName, ShortText
from services.identity.invitations.commands import invite
from services.identity.letting_in import DECIDING
from services.identity.organisations.membership import part
from services.identity.ownership import hand_over, shut_out
from services.identity.people.addresses import store_address
from services.identity.people.commands import Touched
from services.identity.people.models import Person, ProjectRole, Role
from services.identity.project_roles.commands import change_project_roles
from services.identity.project_roles.models import OfferedRole
from services.identity.sessions.commands import rights_changed
from services.identity.sessions.queries import live_hashes
from shared import outbox
from shared.actor import Actor
from shared.contracts.contacts import ContactCreated, ContactMoved
from shared.database import Db
from shared.errors import NotFound


class CreateContact(Addressed, forbid_unknown_fields=True, kw_only=True):
    """Without `language` it is the client's."""

    first_name: PartOfName = ""
    last_name: PartOfName = ""
    email: Email | None = None
    phone: ShortText = ""
    title: ShortText = ""
    language: Language | None = None
    is_primary_contact: bool = False


class PatchContact(Addressed, forbid_unknown_fields=True):
    first_name: PartOfName | UnsetType = UNSET
    last_name: PartOfName | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    phone: ShortText | UnsetType = UNSET
    title: ShortText | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    is_primary_contact: bool | UnsetType = UNSET

    def changes(self) -> dict[str, object]:
        """What is to change."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


async def create_contact(db: Db, actor: Actor, client_id: UUID, data: CreateContact) -> Person:
    """A contact who may not sign in yet. Raises `NotFound` and `ListedAlready`."""
    client = (await queries.lock_clients(db, Client.id == client_id)).get(client_id)
    if client is None or not actor.sees(client_id):
        raise NotFound
    person = Person(
        kind="client",
        client_id=client_id,
        email=data.email,
        first_name=data.first_name,
        last_name=data.last_name,
        phone=data.phone,
        title=data.title,
        language=data.language or client.language,
        portal_access=False,
        is_primary_contact=data.is_primary_contact,
    )
    db.add(person)
    await store_address(db)
    created = ContactCreated(standing=person.standing)
    await outbox.append(db, actor, created, client_id=client_id, aggregate_id=person.id)
    return person


async def change_contact(db: Db, actor: Actor, contact_id: UUID, patch: PatchContact) -> Touched:
    """Change what stands in `patch`. Another address means another owner: the previous one loses access.

    Raises `NotFound`, what `require_may_let_in` does, `EmailNeeded`, `EmailTaken` and `ListedAlready`.
    """
    person, _ = await queries.lock_contact(db, actor, contact_id)
    updated = person.change(actor, patch.changes())
    if updated is None:
        return Touched()
    changed = DECIDING["people"].intersection(updated.fields)
    if person.portal_access and person.email is None:
        raise EmailNeeded
    if "email" in changed:
        await part(db, person)
    else:
        await store_address(db)
    ended = await hand_over(db, actor, person, "email_changed") if "email" in changed else []
    updated = msgspec.structs.replace(updated, standing=person.standing)  # without an account any more
    await outbox.append(db, actor, updated, client_id=person.client_id, aggregate_id=person.id)
    if "email" in changed:
        return Touched(ended=ended)
    if not person.active:
        return Touched(ended=await shut_out(db, actor, person, "person_inactive"))
    return Touched(changed=await (rights_changed if changed else live_hashes)(db, person.id))


async def enable_access(db: Db, actor: Actor, contact_id: UUID, roles: Mapping[UUID, Role | None]) -> list[str]:
    """Give a contact access and change these project roles, and invite them if they have no account: then new roles
    wait until they sign in. The hashes of the sessions this changes.

    Raises `NotFound`, `NotReady`, `EmailTaken` and what `change_project_roles` does.
    """
    person, clients = await queries.lock_contact(db, actor, contact_id)
    had = person.portal_access
    await grant(db, actor, client_of(person, clients), person)
    if not had and not person.has_account:
        await invite(db, actor, person)
    return await change_project_roles(db, actor, person.id, roles) if roles else []


async def disable_access(db: Db, actor: Actor, contact_id: UUID) -> list[str]:
    """Revoke a contact's access; returns the hashes of the sessions this ended. Raises `NotFound`."""
    person, _ = await queries.lock_contact(db, actor, contact_id)
    return await revoke(db, actor, person)


async def resend_invitation(db: Db, actor: Actor, contact_id: UUID) -> None:
    """Invite a contact again; the earlier invitation becomes invalid. Raises `NotReady` and `HasAccount`."""
    person, clients = await queries.lock_contact(db, actor, contact_id)
    require_ready(person, client_of(person, clients), let_in=True)
    if person.has_account:
        raise HasAccount
    await invite(db, actor, person)


async def move_contact(db: Db, actor: Actor, contact_id: UUID, client_id: UUID) -> list[str]:
    """Move a contact to another client, which has to give access again; returns the hashes of ended sessions.

    Raises `NotFound`, `SameClient`, `LinkedToPortal`, `ClientInactive` and `ListedAlready`.
    """
    person, clients = await queries.lock_contact(db, actor, contact_id, client_id)
    origin, target = client_of(person, clients), clients.get(client_id)
    if target is None or not actor.sees(client_id):
        raise NotFound
    if target.id == origin.id:
        raise SameClient
    if origin.portal_user_id == person.id:
        raise LinkedToPortal
    if not target.active:
        raise ClientInactive
    ended = await hand_over(db, actor, person, "contact_moved")
    for kind in (ProjectRole, OfferedRole):
        await db.execute(delete(kind).where(kind.person_id == person.id))
    take_over(actor, person, target.id)
    await part(db, person)
    moved = ContactMoved(from_client_id=origin.id, to_client_id=target.id, standing=person.standing)
    for told in (origin.id, target.id):
        await outbox.append(db, actor, moved, client_id=told, aggregate_id=person.id)
    return ended
