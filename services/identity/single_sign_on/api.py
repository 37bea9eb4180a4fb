"""Sign-in at a client's own identity provider over HTTP, and staff's settings for it."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post, put
from msgspec import Meta

from services.identity.fields import Email, LookedUp
from services.identity.sessions.cookies import Cookies, Flow
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import CEREMONY, DOMAIN, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.single_sign_on import commands, queries
from services.identity.single_sign_on.commands import PutSingleSignOn
from services.identity.single_sign_on.models import SingleSignOnRefused
from services.identity.single_sign_on.openid import OpenId
from services.identity.single_sign_on.queries import SingleSignOnView
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.sealing import Sealer
from shared.texts import TEXT

MANAGE = [require_policy("manageClients")]
Echoed = Annotated[str, Meta(min_length=1, max_length=4000, pattern=TEXT)]


class BeginSingleSignOn(LookedUp, forbid_unknown_fields=True):
    email: Email


class WayThere(msgspec.Struct, frozen=True):
    """Where to send the browser; None for an address whose domain belongs to no provider."""

    location: str | None


class SingleSignOnDomain(msgspec.Struct, frozen=True):
    """Whether the domain of an address is one of an organisation's own sign-in; nothing about the address."""

    known: bool


class FinishSingleSignOn(msgspec.Struct, forbid_unknown_fields=True):
    """What the provider's answer carries in its query (RFC 6749, 4.1.2; RFC 9207 for `iss`)."""

    code: Echoed
    state: Echoed
    iss: Echoed | None = None


@post("/auth/sso/domain", status_code=200, opt={"public": True})
async def look_at_sign_in_domain(
    *, data: BeginSingleSignOn, attempt: Attempt, read: ReadOnly, limits: AttemptLimits
) -> SingleSignOnDomain:
    """Whether a sign-in could begin there, so that a page can offer it first, or not at all. It begins nothing."""
    await limits.admit(DOMAIN, ip=attempt.ip)
    async with read(SYSTEM) as connection:
        client_id = await queries.client_of_domain(connection, data.email.rpartition("@")[2])
    return SingleSignOnDomain(client_id is not None)


@post("/auth/sso", status_code=200, opt={"public": True})
async def begin_single_sign_on(
    *,
    data: BeginSingleSignOn,
    attempt: Attempt,
    uow: UnitOfWork,
    read: ReadOnly,
    limits: AttemptLimits,
    openid: OpenId,
    sealer: Sealer,
    jar: Cookies,
    flow: Flow,
) -> Response[WayThere]:
    """Begin a sign-in at somebody's own organisation. Their address's domain says where; whether it is known does not
    matter here.
    """
    await limits.admit(CEREMONY, ip=attempt.ip)
    async with read(SYSTEM) as connection:
        client_id = await queries.client_of_domain(connection, data.email.rpartition("@")[2])
    if client_id is None:
        return Response(WayThere(None), status_code=200)
    flow, cookie = jar.begin(flow)
    async with uow(SYSTEM) as db:
        provider, state = await commands.start(db, client_id, flow, attempt.ip, sealer)
    location = await openid.way_there(provider, state, flow)
    return Response(WayThere(location), status_code=200, cookies=[cookie])


@post("/auth/sso/callback", status_code=200, opt={"public": True})
async def finish_single_sign_on(
    *,
    data: FinishSingleSignOn,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    openid: OpenId,
    sealer: Sealer,
    door: Door,
    flow: Flow,
) -> Response[SignedIn]:
    """Sign in with the provider's answer, in the browser that began. No transaction waits for the provider."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        provider, asker = await commands.take_start(db, flow, data.state, sealer)
    subject = None
    if provider:
        subject = await openid.subject(provider, code=data.code, state=data.state, flow=flow, iss=data.iss)
    async with uow(SYSTEM) as db:
        entry = await commands.sign_in(db, attempt, provider, subject)
    if entry is None:
        raise SingleSignOnRefused
    await limits.give_back(CEREMONY, ip=asker)
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return await door.let_in(entry)


@get("/clients/{client_id:uuid}/single-sign-on", guards=MANAGE)
async def get_single_sign_on(client_id: UUID, actor: Actor, read: ReadOnly, openid: OpenId) -> SingleSignOnView:
    """Read a client's single sign-on settings; all null if there are none."""
    async with read(actor) as connection:
        return await queries.get_single_sign_on(connection, client_id, openid.redirect_uri)


@put("/clients/{client_id:uuid}/single-sign-on", guards=[*MANAGE, require_policy("managePortalAccess")])
async def put_single_sign_on(
    *,
    client_id: UUID,
    data: PutSingleSignOn,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    openid: OpenId,
    sealer: Sealer,
) -> SingleSignOnView:
    """Set up single sign-on for a client. Its issuer's discovery document is fetched immediately."""
    await openid.check_issuer(data.issuer)
    async with uow(actor) as db:
        await commands.configure(db, actor, client_id, data, sealer)
    async with read(actor) as connection:
        return await queries.get_single_sign_on(connection, client_id, openid.redirect_uri)


@delete("/clients/{client_id:uuid}/single-sign-on", guards=[*MANAGE, require_policy("managePortalAccess")])
async def delete_single_sign_on(client_id: UUID, actor: Actor, uow: UnitOfWork) -> None:
    """Remove a client's single sign-on."""
    async with uow(actor) as db:
        await commands.remove(db, actor, client_id)


router = Router(
    API,
    route_handlers=[
        look_at_sign_in_domain,
        begin_single_sign_on,
        finish_single_sign_on,
        get_single_sign_on,
        put_single_sign_on,
        delete_single_sign_on,
    ],
    tags=["single sign-on"],
)
