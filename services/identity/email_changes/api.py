"""Addresses over HTTP: every link is looked at by a page and used by its button."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Router, post
from msgspec import Meta

from services.identity.email_changes import commands
from services.identity.fields import Addressed, Email
from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.mails.mailer import Mailer
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.limits import CHANGE, LINK, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from shared.actor import SYSTEM, Actor
from shared.database import UnitOfWork
from shared.http import API
from shared.texts import TEXT


class UseLink(msgspec.Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]


class ChangeEmail(Addressed, forbid_unknown_fields=True):
    email: Email


class Confirmed(msgspec.Struct, frozen=True):
    """`waiting_for` is the address that has still to confirm, None when it is done."""

    done: bool
    waiting_for: Literal["old", "new"] | None


@post("/people/me/email/verification", status_code=202, opt={NEEDS_NO_PROOF: "It mails one's own address."})
async def request_email_verification(
    *, me: UUID, actor: Actor, uow: UnitOfWork, limits: AttemptLimits, mailer: Mailer
) -> None:
    """Mail a link that verifies one's own address."""
    await limits.admit(LINK, ip=actor.ip, account=str(me))
    async with uow(actor) as db:
        await commands.request_verification(db, me)
    mailer.wake()


@post("/auth/verify-email", status_code=204, opt={"public": True})
async def verify_email(data: UseLink, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits) -> None:
    """Verify an address with the link mailed to it."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        verified = await commands.verify(db, attempt, data.token)
    if not verified:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)


@post("/people/me/email", status_code=202)
async def request_email_change(
    *, data: ChangeEmail, me: UUID, actor: Actor, uow: UnitOfWork, limits: AttemptLimits, mailer: Mailer
) -> None:
    """Request another address to sign in with. The answer is the same for every address."""
    await limits.admit(CHANGE, ip=actor.ip, account=str(me))
    async with uow(SYSTEM) as db:
        await commands.request_change(db, actor, me, data.email)
    mailer.wake()


@post("/auth/confirm-email", status_code=200, opt={"public": True})
async def confirm_email(
    data: UseLink, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, session_cache: SessionCache
) -> Confirmed:
    """Confirm a change of address with the link mailed to the old or the new one."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        found = await commands.confirm(db, attempt, data.token)
    if found is None:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    await session_cache.tell(ended=found.ended)
    return Confirmed(done=found.waiting_for is None, waiting_for=found.waiting_for)


router = Router(
    API,
    route_handlers=[request_email_verification, verify_email, request_email_change, confirm_email],
    tags=["addresses"],
)
