"""One's organisations over HTTP: which they are, one more by invitation, and from one to another (decision 0048)."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers.base import BaseRouteHandler
from msgspec import Meta

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.organisations import commands, queries
from services.identity.organisations.models import ForClientPeople
from services.identity.organisations.queries import Organisations
from services.identity.people.queries import Me
from services.identity.sessions.entry import Door
from services.identity.sessions.limits import REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from shared.actor import SYSTEM, Actor
from shared.claims import Connection
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.texts import TEXT

JOINS = {NEEDS_NO_PROOF: "The mailed link is the proof, and one's own account is all it opens to."}
SWITCHES = {NEEDS_NO_PROOF: "The new session is as old and as proven as the one it replaces."}
# Another client's rows are another tenant's. What is read and written here is found by one's own session alone.


class SwitchOrganisation(msgspec.Struct, forbid_unknown_fields=True):
    client_id: UUID


class JoinOrganisation(msgspec.Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]


class Joined(msgspec.Struct, frozen=True):
    client_id: UUID


async def require_client_person(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Refuse staff, who have one organisation only."""
    actor: Actor = connection.scope["auth"]
    if actor.kind != "client":
        raise ForClientPeople


@get("/auth/organisations")
async def list_organisations(actor: Actor, read: ReadOnly, uow: UnitOfWork) -> Organisations:
    """List the organisations of the signed-in account."""
    async with read(SYSTEM) as connection:
        only = await queries.find_only_organisation(connection, actor)
    if only:
        return Organisations([only])
    async with uow(SYSTEM) as db:
        return await queries.list_organisations(db, actor)


@post("/auth/organisations/join", status_code=200, opt=JOINS)
async def join_organisation(
    data: JoinOrganisation, attempt: Attempt, actor: Actor, uow: UnitOfWork, limits: AttemptLimits
) -> Joined:
    """Accept an invitation with the signed-in account. The session stays in its organisation."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        client_id = await commands.join(db, attempt, actor, data.token)
    if client_id is None:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return Joined(client_id)


@post("/auth/switch-organisation", status_code=200, opt=SWITCHES)
async def switch_organisation(
    data: SwitchOrganisation, attempt: Attempt, actor: Actor, uow: UnitOfWork, door: Door
) -> Response[Me]:
    """Switch to another of one's organisations. The session gets a new id; the old id is invalid immediately."""
    async with uow(SYSTEM) as db:
        entry = await commands.switch(db, attempt, actor, data.client_id)
    return await door.renew(entry)


router = Router(
    API,
    route_handlers=[list_organisations, join_organisation, switch_organisation],
    guards=[require_client_person],
    tags=["organisations"],
)
