"""Looking at the links of mails over HTTP, so that a page offers only what its button can do."""

from typing import Annotated, Literal

import msgspec
from litestar import Router, post
from msgspec import Meta

from services.identity.mails.models import KINDS
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.one_time_tokens.queries import find_usable
from services.identity.sessions.limits import REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from shared.actor import SYSTEM
from shared.database import UnitOfWork
from shared.http import API
from shared.texts import TEXT


class LookAtLink(msgspec.Struct, forbid_unknown_fields=True):
    """The page a link leads to, and its token. Invitations and sign-in links say more and have looks of their own."""

    page: Literal["reset-password", "verify-email", "confirm-email"]
    token: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]


class LinkView(msgspec.Struct, frozen=True):
    """The address that a link is about: the account's, or the one it is to have. Its mail says it too."""

    email: str


@post("/auth/mailed-link", status_code=200, opt={"public": True})
async def look_at_mailed_link(data: LookAtLink, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits) -> LinkView:
    """What a mailed link is about, while it can be used, without using it."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        found = await find_usable(db, data.token, *(name for name, kind in KINDS.items() if kind.page == data.page))
    if found is None:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return LinkView(found.facts.get("email") or found.facts["new"])


router = Router(API, route_handlers=[look_at_mailed_link], tags=["mailed links"])
