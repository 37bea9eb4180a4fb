"""Invitations and registrations over HTTP: requesting, looking at and accepting one."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta

from services.identity.fields import Addressed, Email, PartOfName, Password
from services.identity.invitations import acceptance, queries, registration
from services.identity.invitations.acceptance import Acceptance
from services.identity.invitations.models import (
    Contacts,
    InvitationTaken,
    InvitationView,
    PasswordNeeded,
    PasswordNotUsed,
)
from services.identity.mails.mailer import Mailer
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.people.passwords import Passwords
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import REDEMPTION, REGISTER, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.settings import IdentitySettings
from shared.actor import SYSTEM, Actor
from shared.database import ReadOnly, UnitOfWork
from shared.errors import Invalid
from shared.http import API
from shared.language import gettext as _
from shared.texts import TEXT

Token = Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]


class Look(msgspec.Struct, forbid_unknown_fields=True):
    token: Token


class Register(Addressed, forbid_unknown_fields=True, kw_only=True):
    """With the `token` of a mailed link: accept it. With an `email`: request such a link."""

    first_name: PartOfName = ""
    last_name: PartOfName = ""
    token: Token | None = None
    email: Email | None = None
    password: Password | None = None


class TokenOrEmail(Invalid):
    code = "auth.token_or_email"

    def __init__(self) -> None:
        super().__init__(_("Send the link's token or an e-mail address, one of the two."), field="token")


@post("/auth/invitation", status_code=200, opt={"public": True})
async def look_at_invitation(
    *, data: Look, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, settings: IdentitySettings
) -> InvitationView:
    """Read what a mailed link is for, without redeeming it."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        found = await acceptance.look(db, data.token, settings.company_name, attempt.ip)
        taken = found is None and await acceptance.was_accepted(db, data.token)
    if found is None and not taken:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    if found is None:
        raise InvitationTaken
    return found


@post(
    "/auth/register",
    status_code=200,
    opt={"public": True},
    responses={200: ResponseSpec(SignedIn), 202: ResponseSpec(None)},
)
async def register(
    *,
    data: Register,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    passwords: Passwords,
    settings: IdentitySettings,
    door: Door,
    mailer: Mailer,
) -> Response[SignedIn] | Response[None]:
    """Accept the link of a mail (200), or request one (202 for every address)."""
    if bool(data.token) == bool(data.email):
        raise TokenOrEmail
    if data.email:
        await _ask(data, attempt, uow, limits)
        mailer.wake()
        return Response(None, status_code=202)
    await limits.admit(REDEMPTION, ip=attempt.ip)
    said = Acceptance(token=data.token or "", first_name=data.first_name, last_name=data.last_name)
    async with uow(SYSTEM) as db:
        seen = await acceptance.look(db, said.token, settings.company_name)
    if seen and seen.password_needed and not data.password:
        raise PasswordNeeded
    if data.password:
        if seen and "password" not in seen.sign_in_methods:
            raise PasswordNotUsed
        about = (seen.email, data.first_name, data.last_name, settings.company_name) if seen else ()
        password_hash = await passwords.hash(data.password, *about, good=seen is not None)
        said = msgspec.structs.replace(said, password_hash=password_hash)
    async with uow(SYSTEM) as db:
        entry = await acceptance.accept(db, attempt, said)
        taken = entry is None and await acceptance.was_accepted(db, said.token)
    if entry is None:
        raise InvitationTaken if taken else TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return await door.let_in(entry)


async def _ask(data: Register, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits) -> None:
    if data.password:
        raise PasswordNotUsed
    email = data.email or ""
    await limits.admit(REGISTER, ip=attempt.ip, account=email)
    async with uow(SYSTEM) as db:
        await registration.request(db, attempt, email, data.first_name, data.last_name)


@get("/auth/contacts")
async def get_company_contacts(actor: Actor, read: ReadOnly) -> Contacts:
    """Whom to write to at the company, for a client's people who have a question or no role yet."""
    async with read(SYSTEM) as connection:  # past the tenant, for one name and address of the staff's
        return await queries.find_contacts(connection, actor)


router = Router(API, route_handlers=[look_at_invitation, register, get_company_contacts], tags=["invitations"])
