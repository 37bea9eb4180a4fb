"""What mail servers send back: a mail that nobody will get has failed, and one that is only late has not."""

import base64
from uuid import UUID

import httpx2
import pytest

from services.identity.correspondence import AUTHORS
from services.identity.mails.api import LARGEST
from services.identity.mails.commands import bounce
from services.identity.mails.returned import work
from shared.actor import Actor
from shared.clock import uuid7
from shared.confinement import Rejected
from shared.contracts.accounts import MailAccepted, MailFailed
from tests.identity.mails.test_orders import order, outcome, reader
from tests.identity.rig import ADMIN, Identity, staff

MAIL = UUID("0195e2a4-6f00-7000-8000-000000000001")
OURS = f"<{MAIL}.2@portal.example>"
STATUS, HEADERS = "message/delivery-status", "text/rfc822-headers"


def report(
    message_id: str = OURS,
    action: str = "failed",
    status: str = "5.1.1",
    *,
    says: str = STATUS,
    returns: str = HEADERS,
    body: str = "",
) -> bytes:
    """As Postfix writes one. `says` and `returns` are the types of its second and third part, `body` is the mail's."""
    return f"""\
Return-Path: <>
Message-ID: <20261130120000.5C1F2@mx.acme.example>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="edge"

This is a MIME-encapsulated message.

--edge
Content-Type: text/plain; charset=us-ascii

<anna@acme.example>: user unknown

--edge
Content-Type: {says}

Reporting-MTA: dns; mx.acme.example
X-Postfix-Queue-ID: 5C1F2

Final-Recipient: rfc822; anna@acme.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--edge
Content-Type: {returns}

Return-Path: <n@n.example>
From: Northwind <n@n.example>
Message-ID: {message_id}
Subject: Caf\u00e9

{body}
--edge--
""".encode()


SAID: dict[str, tuple[bytes, bool]] = {
    "headers": (report(), True),
    "whole mail": (report(returns="message/rfc822", body="Hello Anna,"), True),
    "international": (report(says="message/global-delivery-status", returns="message/global-headers"), True),
    "given up after days": (report(action="Failed", status="4.4.7"), True),
    "late": (report(action="delayed", status="4.4.1"), False),
    "late, international": (report(action="delayed", says="message/global-delivery-status"), False),
    "delivered": (report(action="delivered", status="2.0.0"), False),
    "relayed": (report(action="relayed", status="2.0.0"), False),
    "lines as sent": (report().replace(b"\n", b"\r\n"), True),
    "cut off": (report(returns="message/rfc822", body="x" * 300_000)[:LARGEST], True),
}


@pytest.mark.parametrize("name", SAID)
def test_only_what_the_server_gave_up_has_failed(name: str) -> None:
    message, failed = SAID[name]
    assert work(message) == (str(MAIL).encode() if failed else b"")


OTHERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "format"),
    "noise": (b"\xff\x00" * 1000, "format"),
    "no report": (report().replace(b"multipart/report", b"multipart/mixed"), "format"),
    "no status": (report(says="text/plain"), "format"),
    "no mail": (report(returns="text/plain"), "format"),
    "no parts": (report().replace(b"--edge", b"--else"), "format"),
    "thread": (report(message_id=f"<thread.{MAIL}@portal.example>"), "foreign"),
    "other": (report(message_id="<ours@elsewhere.example>"), "foreign"),
    "letters": (report(message_id="\xff\xfe"), "foreign"),
    "none": (report(message_id=""), "foreign"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_report_about_a_mail_of_ours_is_refused(name: str) -> None:
    message, reason = OTHERS[name]
    with pytest.raises(Rejected) as refused:
        work(message)
    assert refused.value.reason == reason


async def reported(identity: Identity, message: bytes, by: Actor = ADMIN) -> httpx2.Response:
    return await identity.api(by, "POST", "mails/returned", json={"report": base64.b64encode(message).decode()})


async def sent_to(identity: Identity, client: str) -> UUID:
    """A mail that another service ordered, and that the mail server took."""
    project = await identity.project(client)
    person, id_ = await reader(identity, client, project), uuid7()
    await identity.hears(order(person["id"], project), id_, client)
    assert await identity.until("select from mails where id = $1 and sent_at is not null", id_)
    return id_


async def test_a_report_reverses_what_was_told_of_the_order_once(identity: Identity) -> None:
    id_ = await sent_to(identity, await identity.client())
    relay = Actor(id=uuid7(), name="Mail relay", kind="partner", scopes=frozenset({"mails:write"}))
    ours = f"<{id_}.1@portal.test>"
    late = await reported(identity, report(ours, "delayed", "4.4.1"), relay)
    assert (late.status_code, late.json()) == (200, {"mail_id": None, "noted": False})
    assert await outcome(identity, id_) == (MailAccepted.type, "")
    for noted in (True, False):
        answer = await reported(identity, report(ours), relay)
        assert (answer.status_code, answer.json()) == (200, {"mail_id": str(id_), "noted": noted}), answer.text
    assert await outcome(identity, id_) == (MailFailed.type, "bounced")
    assert len(await identity.execute("select from outbox where event->>'subject' = $1", str(id_))) == 2


def relay_of(client: str) -> Actor:
    """The system of one client."""
    return Actor(id=uuid7(), name="Relay", kind="partner", client_id=UUID(client), scopes=frozenset({"mails:write"}))


async def test_the_system_of_one_client_reports_the_mails_of_its_people_alone(identity: Identity) -> None:
    acme, birch = await identity.client(), await identity.client("Birch AG")
    id_ = await sent_to(identity, acme)
    async with identity.api.app.state.database.uow(ADMIN) as db:  # past what the database shows a tenant
        assert await bounce(db, relay_of(birch), AUTHORS, id_) is False
    for client, noted in ((birch, False), (acme, True)):
        answer = await reported(identity, report(f"<{id_}.1@portal.test>"), relay_of(client))
        assert answer.json()["noted"] is noted


async def test_what_is_no_report_changes_nothing(identity: Identity) -> None:
    for message in (b"no report", report("<ours@elsewhere.example>")):
        answer = await reported(identity, message)
        assert (answer.status_code, answer.json()["code"]) == (422, "mail.report")
    assert (await reported(identity, b"x" * (LARGEST + 1))).status_code == 422
    without = Actor(id=uuid7(), name="ERP", kind="partner", scopes=frozenset({"audit:read"}))
    for nobody in (without, staff("manageProjects")):
        assert (await reported(identity, report(), nobody)).status_code == 403
