"""Password sign-in, sign-out, and one's own sessions over HTTP; and what the gateway asks."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post
from msgspec import Meta

from services.identity.fields import Email, LookedUp
from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.people.passwords import Passwords
from services.identity.people.queries import Me, get_me
from services.identity.sessions import commands, pauses, queries
from services.identity.sessions.admission import sign_in
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.cookies import Cookies
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import PASSWORD, AttemptLimits
from services.identity.sessions.models import Attempt, InvalidCredentials
from services.identity.sessions.queries import SessionList, SessionRecord
from shared.actor import SYSTEM, Actor
from shared.database import ReadOnly, UnitOfWork
from shared.errors import NotFound
from shared.http import API
from shared.texts import TEXT

ENDS = {NEEDS_NO_PROOF: "Somebody who suspects misuse of an account ends its sessions at once."}


class Login(LookedUp, forbid_unknown_fields=True):
    """Of several organisations of one person, the session begins in the one that `organisation` names, if that admits
    this way, else in the one used last.
    """

    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=200, pattern=TEXT)]
    organisation: UUID | None = None


class Resolve(msgspec.Struct, forbid_unknown_fields=True):
    hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class Rotated(msgspec.Struct, frozen=True):
    """`cookie` is the value of a `Set-Cookie` header."""

    cookie: str


class Revoked(msgspec.Struct, frozen=True):
    revoked: int


@post("/auth/login", status_code=200, opt={"public": True})
async def login(
    *,
    data: Login,
    attempt: Attempt,
    uow: UnitOfWork,
    read: ReadOnly,
    passwords: Passwords,
    limits: AttemptLimits,
    door: Door,
) -> Response[SignedIn]:
    """Sign in with a password. Every refusal has the same answer and costs the same work."""
    email = data.email
    await pauses.admit(limits, uow, attempt, "password", email)
    async with read(SYSTEM) as connection:
        account = await queries.find_account(connection, email)
    proven = await passwords.matches(account.password_hash, data.password)
    async with uow(SYSTEM) as db:
        entry = await sign_in(db, attempt.heading_for(data.organisation), account, "password", proven=proven)
    if entry is None:
        raise InvalidCredentials
    await limits.give_back(PASSWORD, ip=attempt.ip, account=email)
    return await door.let_in(entry)


@post("/auth/logout", status_code=204, opt={"while_viewing": True, NEEDS_NO_PROOF: "Anybody may leave."})
async def logout(me: UUID, actor: Actor, uow: UnitOfWork, session_cache: SessionCache, jar: Cookies) -> Response[None]:
    """Sign out: end this session."""
    async with uow(actor.themselves) as db:
        ended = await commands.sign_out(db, actor, me)
    await session_cache.tell(ended=ended)
    return Response(None, status_code=204, cookies=[jar.no_session()])


@get("/auth/me")
async def get_signed_in_person(me: UUID, actor: Actor, read: ReadOnly) -> Me:
    """The signed-in person with their permissions; for staff who view the portal as somebody, that person."""
    viewing = (actor.client_id, actor.seen_as and actor.seen_as.id) if actor.read_only else ()
    async with read(actor.themselves) as connection:
        return await get_me(connection, me, *viewing)


@get("/sessions")
async def list_sessions(actor: Actor, read: ReadOnly) -> SessionList:
    """List one's own sessions, last used first."""
    async with read(SYSTEM) as connection:
        return await queries.list_sessions(connection, actor.themselves)


@delete("/sessions/{session_id:uuid}", opt=ENDS)
async def revoke_session(session_id: UUID, actor: Actor, uow: UnitOfWork, session_cache: SessionCache) -> None:
    """End one of one's own sessions."""
    async with uow(SYSTEM) as db:
        ended = await commands.revoke_session(db, actor, session_id)
    await session_cache.tell(ended=ended)


@post("/sessions/revoke-others", status_code=200, opt=ENDS)
async def revoke_other_sessions(actor: Actor, uow: UnitOfWork, session_cache: SessionCache) -> Revoked:
    """End all of one's own sessions except this one."""
    async with uow(SYSTEM) as db:
        ended = await commands.revoke_others(db, actor)
    await session_cache.tell(ended=ended)
    return Revoked(len(ended))


@post("/internal/sessions/resolve", status_code=200, opt={"internal": True}, include_in_schema=False)
async def resolve(data: Resolve, uow: UnitOfWork, read: ReadOnly) -> SessionRecord:
    """The session behind a cookie's hash, for the gateway. 404 if it is no longer valid."""
    async with read(SYSTEM) as connection:
        record, unseen = await queries.get_record(connection, data.hash)
    if unseen:
        async with uow(SYSTEM) as db:
            await commands.note_use(db, record.session_id)
    return record


@post("/internal/sessions/rotate", status_code=200, opt={"internal": True}, include_in_schema=False)
async def rotate(data: Resolve, uow: UnitOfWork, session_cache: SessionCache, jar: Cookies) -> Rotated:
    """Give a session that is due a new id, for the gateway. 404 if another request did so first."""
    async with uow(SYSTEM) as db:
        entry = await commands.rotate(db, data.hash)
    if entry is None:
        raise NotFound
    await session_cache.tell(changed=[data.hash])
    return Rotated(jar.session(entry.token, entry.seconds).to_header(header=""))


public = [login, logout, get_signed_in_person, list_sessions, revoke_session, revoke_other_sessions]
routers = [Router(API, route_handlers=public, tags=["sessions"]), resolve, rotate]
