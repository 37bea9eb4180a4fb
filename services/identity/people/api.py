"""People over HTTP: staff manage them, a client's people see their colleagues, everybody may change their own name."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, patch, post, put
from litestar.params import Parameter

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.people import commands, queries
from services.identity.people.commands import CreatePerson, PatchMe, PatchPerson, PatchProjectRoles, PutProjectRoles
from services.identity.people.models import PersonKind
from services.identity.people.passwords import Passwords
from services.identity.people.queries import Me, PeopleFilter, PersonView
from services.identity.project_roles import commands as project_roles
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.queries import live_hashes
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.errors import NotFound
from shared.http import API, IfMatch
from shared.pagination import Cursor, Limit, Page
from shared.texts import TEXT

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]
Sort = Annotated[str, queries.ORDERS.parameter]
Search = Annotated[str, Parameter(query="q", max_length=100, pattern=TEXT, default="")]


@get("/")
async def list_people(
    *,
    actor: Actor,
    read: ReadOnly,
    client_id: OfClient,
    search: Search,
    sort: Sort,
    limit: Limit,
    cursor: Cursor,
    kind: PersonKind | None = None,
    active: bool = False,
    primary: bool = False,
    access: bool = False,
    project_id: UUID | None = None,
    sees: bool = True,
) -> Page[PersonView]:
    """List people by name: for staff of any client or all, for a client's person of their own. `q` is searched in names
    and addresses; `active=true` leaves out who is no longer active; `primary=true` lists the primary contacts, and
    `access=true` those of them with access to the portal. Staff can ask for everybody with access, and who of them, at
    the project's client, sees a project (`project_id`) or, with `sees=false`, does not. Staff may `sort` by more than
    the name; `-` turns the order round.
    """
    if client_id and not actor.sees(client_id):
        raise NotFound
    wanted = PeopleFilter(client_id, kind, search.strip(), active, primary, access, project_id, sees)
    async with read(actor) as connection:
        return await queries.list_people(connection, actor, wanted, sort=sort, limit=limit, cursor=cursor)


@get("/{person_id:uuid}")
async def get_person(person_id: UUID, actor: Actor, read: ReadOnly) -> PersonView:
    """Read one person."""
    async with read(actor) as connection:
        return await queries.get_person(connection, actor, person_id)


@post("/", guards=[require_policy("managePeople")])
async def create_person(
    data: CreatePerson, actor: Actor, uow: UnitOfWork, read: ReadOnly, passwords: Passwords
) -> PersonView:
    """Add a member of staff or a client's person."""
    password_hash = await passwords.hash(data.password) if data.password else None
    async with uow(actor) as db:
        person = await commands.create_person(db, actor, data, password_hash)
    async with read(actor) as connection:
        return await queries.get_person(connection, actor, person.id)


@patch("/me", opt={NEEDS_NO_PROOF: "One's own name, phone and language give nobody access."})
async def change_me(
    *, data: PatchMe, me: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> Me:
    """Change one's own details."""
    async with uow(actor) as db:
        await commands.change_me(db, actor, me, data)
        hashes = await live_hashes(db, me)
    await session_cache.tell(changed=hashes)
    async with read(actor) as connection:
        return await queries.get_me(connection, me)


@patch("/{person_id:uuid}", guards=[require_policy("managePeople")])
async def change_person(
    *,
    person_id: UUID,
    data: PatchPerson,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Change somebody's details, or whether they may sign in: deactivating ends their sessions within a second."""
    async with uow(actor) as db:
        touched = await commands.change_person(db, actor, person_id, data)
    await session_cache.tell(ended=touched.ended, changed=touched.changed)
    async with read(actor) as connection:
        return await queries.get_person(connection, actor, person_id)


@put("/{person_id:uuid}/project-roles", guards=[require_policy("managePeople")])
async def set_project_roles(
    *,
    person_id: UUID,
    data: PutProjectRoles,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Replace the project roles of a client's person. Takes effect in their sessions within a second."""
    async with uow(actor) as db:
        changed = await project_roles.set_project_roles(db, actor, person_id, data.roles, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await queries.get_person(connection, actor, person_id)


@patch("/{person_id:uuid}/project-roles", guards=[require_policy("managePeople")])
async def change_project_roles(
    *,
    person_id: UUID,
    data: PatchProjectRoles,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Change some project roles of a client's person. With `If-Match`, only at that version of theirs (else 412)."""
    async with uow(actor) as db:
        changed = await project_roles.change_project_roles(db, actor, person_id, data.roles, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await queries.get_person(connection, actor, person_id)


router = Router(
    f"{API}/people",
    route_handlers=[
        list_people,
        get_person,
        create_person,
        change_me,
        change_person,
        set_project_roles,
        change_project_roles,
    ],
    tags=["people"],
)
