"""Contacts over HTTP, for staff: the address book of each client, and who of it may use the portal."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.params import Parameter

from services.identity.contacts import commands, queries
from services.identity.contacts.commands import CreateContact, PatchContact
from services.identity.contacts.queries import ContactFilter, ContactView
from services.identity.contacts.spreadsheet import to_csv
from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.mails.mailer import Mailer
from services.identity.project_roles.models import ChangedRoles
from services.identity.sessions.cache import SessionCache
from shared import language
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy, require_staff
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.pagination import Cursor, Limit, Page
from shared.texts import TEXT

Search = Annotated[str, Parameter(query="q", max_length=100, pattern=TEXT, default="")]
Sort = Annotated[str, queries.ORDERS.parameter]
Reachable = Annotated[bool, Parameter(query="reachable", default=False)]
MAY_LET_IN = require_policy("managePortalAccess")
READ = {"scope": "contacts:read"}
WRITE = {
    "scope": "contacts:write",
    NEEDS_NO_PROOF: "Keeping the address book is everyday work; what decides who can sign in asks by itself.",
}


class EnableAccess(msgspec.Struct, forbid_unknown_fields=True):
    """The roles to give by project, null for one to take away; in other projects everything stays."""

    project_roles: ChangedRoles = {}


class Move(msgspec.Struct, forbid_unknown_fields=True):
    client_id: UUID


@get("/clients/{client_id:uuid}/contacts", guards=[require_staff], opt=READ)
async def list_contacts(
    *,
    client_id: UUID,
    actor: Actor,
    read: ReadOnly,
    search: Search,
    reachable: Reachable,
    sort: Sort,
    limit: Limit,
    cursor: Cursor,
) -> Page[ContactView]:
    """List a client's contacts by name, or those whose name or address contains `q`; with `reachable` only who is
    active and has an address. A hyphen before the name of a `sort` turns the order round.
    """
    wanted = ContactFilter(search, reachable)
    async with read(actor) as connection:
        return await queries.list_contacts(connection, actor, client_id, wanted, sort=sort, limit=limit, cursor=cursor)


@get("/clients/{client_id:uuid}/contacts.csv", guards=[require_staff], opt=READ, media_type="text/csv")
async def export_contacts(client_id: UUID, actor: Actor, read: ReadOnly) -> Response[bytes]:
    """Export all of a client's contacts as CSV, for people: headings are in the language that is asked for."""
    async with read(actor) as connection:
        contacts = await queries.all_contacts(connection, actor, client_id)
    headers = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
    return Response(to_csv(contacts), headers=language.headers() | headers)


@get("/contacts/{contact_id:uuid}", guards=[require_staff], opt=READ)
async def get_contact(contact_id: UUID, actor: Actor, read: ReadOnly) -> ContactView:
    """Read one contact."""
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


@post("/clients/{client_id:uuid}/contacts", guards=[require_policy("manageClients")], opt=WRITE)
async def create_contact(
    client_id: UUID, data: CreateContact, actor: Actor, uow: UnitOfWork, read: ReadOnly
) -> ContactView:
    """Create a contact, who cannot sign in until portal access is enabled."""
    async with uow(actor) as db:
        contact = await commands.create_contact(db, actor, client_id, data)
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact.id)


@patch("/contacts/{contact_id:uuid}", guards=[require_policy("manageClients")], opt=WRITE)
async def change_contact(
    *, contact_id: UUID, data: PatchContact, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ContactView:
    """Change a contact. Another address, or `active: false`, signs them out within a second."""
    async with uow(SYSTEM) as db:  # who they are at other clients follows from their address here
        touched = await commands.change_contact(db, actor, contact_id, data)
    await session_cache.tell(ended=touched.ended, changed=touched.changed)
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


@post("/contacts/{contact_id:uuid}/move", status_code=200, guards=[require_policy("manageClients")])
async def move_contact(
    *, contact_id: UUID, data: Move, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ContactView:
    """Move a contact to another client. Sessions, roles and credentials end; access has to be given there again."""
    async with uow(actor) as db:
        ended = await commands.move_contact(db, actor, contact_id, data.client_id)
    await session_cache.tell(ended=ended)
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


@post("/contacts/{contact_id:uuid}/portal-access/enable", status_code=200, guards=[MAY_LET_IN])
async def enable_access(
    *,
    contact_id: UUID,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    mailer: Mailer,
    session_cache: SessionCache,
    data: EnableAccess | None = None,
) -> ContactView:
    """Give a contact access, and invite them if they have no account; project roles wait until they sign in. 422 lists
    everything that is missing.
    """
    async with uow(actor) as db:
        changed = await commands.enable_access(db, actor, contact_id, data.project_roles if data else {})
    await session_cache.tell(changed=changed)
    mailer.wake()
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


@post("/contacts/{contact_id:uuid}/portal-access/disable", status_code=200, guards=[MAY_LET_IN])
async def disable_access(
    *, contact_id: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ContactView:
    """Revoke a contact's access, which ends their sessions within a second."""
    async with uow(actor) as db:
        ended = await commands.disable_access(db, actor, contact_id)
    await session_cache.tell(ended=ended)
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


@post("/contacts/{contact_id:uuid}/invitation/resend", status_code=200, guards=[MAY_LET_IN])
async def resend_invitation(
    *, contact_id: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly, mailer: Mailer
) -> ContactView:
    """Invite a contact again; the earlier link becomes invalid."""
    async with uow(actor) as db:
        await commands.resend_invitation(db, actor, contact_id)
    mailer.wake()
    async with read(actor) as connection:
        return await queries.get_contact(connection, actor, contact_id)


router = Router(
    API,
    route_handlers=[
        *(list_contacts, export_contacts, get_contact, create_contact, change_contact, move_contact),
        *(enable_access, disable_access, resend_invitation),
    ],
    tags=["contacts"],
)
