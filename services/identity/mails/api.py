"""Mails that came back, as the company's mail server reports them."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, post
from msgspec import Meta

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.mails import commands
from services.identity.mails.commands import Authors
from services.identity.mails.models import ReportUnreadable
from shared.actor import Actor
from shared.claims import require_policy
from shared.clock import uuid7
from shared.database import UnitOfWork
from shared.http import API
from shared.sandbox import Rejected, Sandbox

LARGEST = 256 * 1024


class ReportReturned(msgspec.Struct, forbid_unknown_fields=True):
    """`report` is the message that the mail server sent back, in base64. Of a longer one its beginning is enough."""

    report: Annotated[bytes, Meta(min_length=1, max_length=LARGEST)]


class Returned(msgspec.Struct, frozen=True):
    """`mail_id` is the mail that will not arrive, or null where it is only late; `noted`: that was not known yet."""

    mail_id: UUID | None
    noted: bool


@post("/returned", status_code=200, opt={"scope": "mails:write", NEEDS_NO_PROOF: "It gives nobody access."})
async def report_returned_mail(
    *, data: ReportReturned, actor: Actor, uow: UnitOfWork, report_sandbox: Sandbox, authors: Authors
) -> Returned:
    """Report a mail that came back after the mail server had taken it. `report` is its delivery status notification
    (RFC 3464); the mail then counts as failed. 422 `mail.report` for anything else, or about no mail of the portal.
    """
    try:
        said = await report_sandbox.run(data.report, caller=uuid7(), most=36)
    except Rejected as error:
        raise ReportUnreadable from error
    if not said:
        return Returned(None, noted=False)
    mail_id = UUID(said.decode())
    async with uow(actor) as db:
        return Returned(mail_id, noted=await commands.bounce(db, actor, authors, mail_id))


router = Router(
    f"{API}/mails",
    route_handlers=[report_returned_mail],
    guards=[require_policy("managePortalAccess")],
    tags=["mails"],
)
