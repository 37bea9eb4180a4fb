"""Sign-in by mail over HTTP. Looking at a link changes nothing; redeeming needs the browser that asked."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from msgspec import Meta

from services.identity.fields import Email, LookedUp
from services.identity.mails.mailer import Mailer
from services.identity.sessions import pauses
from services.identity.sessions.cookies import Cookies, Flow
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import LINK, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.sign_in_links import commands, queries
from services.identity.sign_in_links.models import LinkInvalid, LinkNotAccepted
from services.identity.tokens import digest
from shared.actor import SYSTEM
from shared.database import UnitOfWork
from shared.errors import Invalid
from shared.http import API
from shared.language import gettext as _
from shared.texts import TEXT


class RequestLink(LookedUp, forbid_unknown_fields=True):
    email: Email


class RedeemLink(msgspec.Struct, forbid_unknown_fields=True):
    """Either the token of the link, or the code that stands beside it. `organisation` as for a password."""

    token: Annotated[str, Meta(max_length=100, pattern=TEXT)] = ""
    code: Annotated[str, Meta(pattern=r"^([0-9]{6})?$(?!\n)")] = ""
    organisation: UUID | None = None


class LookAtSignInLink(msgspec.Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]


class SignInLinkView(msgspec.Struct, frozen=True):
    """`here`: this is the browser that asked for it, so it can be used; then `email` is whom it signs in."""

    here: bool
    email: str = ""


class OneProof(Invalid):
    code = "auth.one_proof"

    def __init__(self) -> None:
        super().__init__(_("Send the link's token or the code, one of the two."), field="token")


@post("/auth/magic-link", status_code=202, opt={"public": True})
async def request_sign_in_link(
    *,
    data: RequestLink,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    mailer: Mailer,
    jar: Cookies,
    flow: Flow,
) -> Response[None]:
    """Mail a sign-in link. The answer, and all work before it, is the same for every address."""
    email = data.email
    await limits.admit(LINK, ip=attempt.ip, account=email)
    flow, cookie = jar.begin(flow)
    async with uow(SYSTEM) as db:
        await commands.request_link(db, attempt, email, flow)
    mailer.wake()
    return Response(None, status_code=202, cookies=[cookie])


@post("/auth/magic-link/look", status_code=200, opt={"public": True})
async def look_at_sign_in_link(
    data: LookAtSignInLink, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, flow: Flow
) -> SignInLinkView:
    """Whether a mailed link can still be used, and whether in this browser, without using it."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        found = await queries.find_live(db, data.token)
    if found is None:
        raise LinkInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return SignInLinkView(True, found.email) if found.flow_hash == digest(flow) else SignInLinkView(False)


@post("/auth/magic-link/consume", status_code=200, opt={"public": True})
async def redeem_sign_in_link(
    *, data: RedeemLink, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, door: Door, flow: Flow
) -> Response[SignedIn]:
    """Sign in with the link or the code of a mail, in the browser that asked for it."""
    if bool(data.token) == bool(data.code):
        raise OneProof
    await limits.admit(REDEMPTION, ip=attempt.ip)
    code, addresses = data.code, list[str]()
    if code:
        async with uow(SYSTEM) as db:
            addresses = await commands.take_code_try(db, flow)
        for address in addresses:
            await pauses.admit(limits, uow, attempt, "mail_code", address)
        code = code if addresses else ""
    async with uow(SYSTEM) as db:
        heading = attempt.heading_for(data.organisation)
        entry, asker = await commands.redeem_link(db, heading, flow, token=data.token, code=code)
    if entry is None:
        raise LinkNotAccepted if asker else LinkInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    for address in addresses:
        await limits.give_back(pauses.LIMITS["mail_code"], ip=attempt.ip, account=address)
    await limits.give_back(LINK[:1], ip=asker)  # what an office asks for and uses is no attempt of its address
    return await door.let_in(entry)


router = Router(
    API, route_handlers=[request_sign_in_link, look_at_sign_in_link, redeem_sign_in_link], tags=["sign-in links"]
)
