"""Mails that another service orders for somebody outside, and secrets in them, which nobody reads on the way."""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from services.identity.mails import orders
from services.identity.tokens import new_token
from shared.broker import STREAM, connect
from shared.clock import uuid7
from shared.contracts.notifications import Attachment, MailOrdered
from shared.contracts.words.lines import Facts
from shared.sealing import Sealer
from tests.identity.bulk_invitations.conftest import open_office
from tests.identity.mails.test_orders import outcome
from tests.identity.project_roles.test_offered import House
from tests.identity.rig import ORDERS_KEY, Identity

PUT_OFF = "select from mails where id = $1 and tries > 0 and due_at between now() and now() + interval '1 minute'"
"""It could not be written: what is being sent is due again after two minutes."""


def order(invitation_id: UUID, project_id: str, **more: Any) -> MailOrdered:
    """Of a project that was shared, for somebody outside."""
    return MailOrdered(
        invitation_id=invitation_id,
        about="project_shared",
        facts=Facts(name="Website relaunch"),
        actor_name="Clara Hoffmann",
        path=more.pop("path", "/sign-in"),
        module="projects",
        policy="",
        project_id=UUID(project_id),
        **more,
    )


@pytest.fixture
async def house(identity: Identity) -> House:
    return await House(identity, await open_office(identity)).build()


async def invitation_of(identity: Identity, person: dict[str, Any]) -> UUID:
    found = "select id from one_time_tokens where person_id = $1 and purpose = 'invitation'"
    [row] = await identity.execute(found, UUID(person["id"]))
    return row["id"]


async def test_somebody_who_is_invited_gets_what_they_are_invited_to(house: House, identity: Identity) -> None:
    person, id_ = await house.invite({house.shop: "viewer"}), uuid7()
    invitation = await invitation_of(identity, person)
    await identity.hears(order(invitation, house.shop), id_, house.client_id)
    mail = await identity.mail_to(person["email"], 2)
    assert "Clara Hoffmann shared Website relaunch with the client." in mail.text
    assert await outcome(identity, id_) == ("mail_accepted", "")


async def test_who_is_outside_reads_no_more_than_the_invitation_opens(
    house: House, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged when the mail is written; whoever has come in is judged by what they may read inside."""
    monkeypatch.setattr(orders, "PATIENCE", timedelta())
    people = {
        what: await house.invite({house.shop: role})
        for what, role in {
            "another project": "viewer",
            "feedback only": "feedback_only",
            "expired": "viewer",
            "another address": "viewer",
            "no access": "viewer",
            "in by now": "viewer",
        }.items()
    }
    for person in people.values():
        await identity.mail_to(person["email"])
    ids = {what: await invitation_of(identity, person) for what, person in people.items()}
    await identity.execute("update one_time_tokens set expires_at = now() where id = $1", ids["expired"])
    change = "update people set email = 'new@outside.example' where id = $1"
    await identity.execute(change, UUID(people["another address"]["id"]))
    await identity.execute("update people set active = false where id = $1", UUID(people["no access"]["id"]))
    await house.come_in(people["in by now"])
    await identity.execute("update one_time_tokens set expires_at = now() where id = $1", ids["in by now"])
    browser = await identity.browser()
    await browser("POST", "auth/forgot-password", json={"email": house.anna["email"]})
    reset = "select id from one_time_tokens where person_id = $1 and purpose = 'password_reset'"
    [row] = await identity.until(reset, UUID(house.anna["id"]))
    wrong = {
        **{what: order(id_, house.app if what == "another project" else house.shop) for what, id_ in ids.items()},
        "no invitation": order(row["id"], house.shop),
        "unknown": order(uuid7(), house.shop),
    }
    told = {what: uuid7() for what in wrong}
    for what, data in wrong.items():
        await identity.hears(data, told[what], house.client_id)
    for what, id_ in told.items():
        expected = ("mail_accepted", "") if what == "in by now" else ("mail_failed", "closed")
        assert await outcome(identity, id_) == expected, what


async def test_a_secret_in_an_order_is_readable_in_the_mail_and_nowhere_else(
    house: House, identity: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person, secret = await house.invite({house.shop: "viewer"}), new_token()
    invitation = await invitation_of(identity, person)
    sealed = Sealer(ORDERS_KEY).seal(secret.encode(), invitation.bytes)
    with capture_logs() as logged:
        ordered = order(invitation, house.shop, path="/shared?key=", sealed=sealed)
        await identity.hears(ordered, id_ := uuid7(), house.client_id)
        mail = await identity.mail_to(person["email"], 2)
        assert await outcome(identity, id_) == ("mail_accepted", "")
    assert f"http://portal.test:8080/shared?organisation={house.client_id}&key={secret}\n" in mail.text
    assert await identity.kept(secret) == []
    assert secret not in str(await identity.api.published())
    assert secret not in await streamed(identity, id_)
    assert secret not in caplog.text + str(logged)


@pytest.mark.parametrize(
    "secret", [b"CANARY-of-a-secret\xff\xfe", b"CANARY-of-a-secret\nsecond line"], ids=["bytes", "lines"]
)
async def test_a_secret_that_is_no_part_of_a_link_is_told_to_nobody(
    house: House, identity: Identity, caplog: pytest.LogCaptureFixture, secret: bytes
) -> None:
    """Nor to the log, which errors about a text would show it to."""
    caplog.set_level(logging.DEBUG)
    invitation = await invitation_of(identity, await house.invite({house.shop: "viewer"}))
    with capture_logs() as logged:
        sealed = Sealer(ORDERS_KEY).seal(secret, invitation.bytes)
        ordered = order(invitation, house.shop, path="/shared?key=", sealed=sealed)
        await identity.hears(ordered, id_ := uuid7(), house.client_id)
        await is_refused(identity, id_)
    assert [each["mail"] for each in logged if each["event"] == "mail.unfit"] == [str(id_)]
    assert "CANARY" not in caplog.text + str(logged)


async def test_what_goes_wrong_unforeseen_is_logged_without_what_it_was_about(
    house: House, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> str:
        return b"CANARY-of-a-secret\xff".decode()

    monkeypatch.setattr(orders, "sentence", fails)
    invitation, id_ = await invitation_of(identity, await house.invite({house.shop: "viewer"})), uuid7()
    with capture_logs() as logged:
        await identity.hears(order(invitation, house.shop), id_, house.client_id)
        await identity.until(PUT_OFF, id_)
    [said] = [each for each in logged if each.get("mail") == str(id_)]
    assert (said["event"], said["error"]) == ("mail.not_written", "UnicodeDecodeError")
    assert "in write_mail" in said["where"]
    assert "CANARY-of-a-secret\\xff'" not in str(logged)


async def is_refused(identity: Identity, order_id: UUID) -> None:
    """It failed at once, who ordered it is told, and of what was sealed nothing is left."""
    assert await outcome(identity, order_id) == ("mail_failed", "unfit")
    [row] = await identity.execute("select tries, facts from mails where id = $1", order_id)
    assert row["tries"] == 1
    assert "sealed" not in row["facts"]
    assert "attachments" not in row["facts"]


async def test_a_secret_that_is_sealed_for_somebody_else_is_not_sent(house: House, identity: Identity) -> None:
    """Nor one that was sealed with another key, and no mail goes out with half a link."""
    person, other = [await house.invite({house.shop: "viewer"}) for _ in range(2)]
    invitation, ids = await invitation_of(identity, person), [uuid7(), uuid7()]
    for id_, key, whose in (
        (ids[0], ORDERS_KEY, await invitation_of(identity, other)),
        (ids[1], new_token(), invitation),
    ):
        sealed = Sealer(key).seal(b"secret", whose.bytes)
        await identity.hears(order(invitation, house.shop, path="/shared?key=", sealed=sealed), id_, house.client_id)
        await is_refused(identity, id_)
    assert len(identity.mails_to(person["email"])) <= 1


async def test_what_has_no_words_yet_waits_for_the_update_and_fails_after_it(
    house: House, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service of a newer release may order what this one cannot say."""
    invitation, early, late = (
        await invitation_of(identity, await house.invite({house.shop: "viewer"})),
        uuid7(),
        uuid7(),
    )
    unknown = msgspec.structs.replace(order(invitation, house.shop), about="asteroid_sighted")
    await identity.hears(unknown, early, house.client_id)
    await identity.until(PUT_OFF, early)
    monkeypatch.setattr(orders, "UPDATING", timedelta())
    await identity.hears(unknown, late, house.client_id)
    await is_refused(identity, late)


INVOICE = Attachment("Rechnung M\u00e4rz (2).pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256)) * 400)
DATES = Attachment("dates.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")


def sealed_for(invitation: UUID, *files: Attachment) -> list[bytes]:
    return [Sealer(ORDERS_KEY).seal(msgspec.msgpack.encode(each), invitation.bytes) for each in files]


async def test_files_arrive_as_they_were_and_are_kept_no_longer_than_the_mail_waits(
    house: House, identity: Identity
) -> None:
    person, id_ = await house.invite({house.shop: "viewer"}), uuid7()
    invitation = await invitation_of(identity, person)
    ordered = order(invitation, house.shop, attachments=sealed_for(invitation, INVOICE, DATES))
    await identity.hears(ordered, id_, house.client_id)
    mail = await identity.mail_to(person["email"], 2)
    arrived = [
        Attachment(each.get_filename() or "", each.get_content_type(), each.get_payload(decode=True))  # type: ignore[arg-type]
        for each in mail.message.iter_attachments()
    ]
    assert arrived == [INVOICE, DATES]
    assert "shared Website relaunch with the client." in mail.html
    assert await outcome(identity, id_) == ("mail_accepted", "")
    [row] = await identity.execute("select facts::text as facts from mails where id = $1", id_)
    assert "attachments" not in row["facts"]
    assert INVOICE.name not in await streamed(identity, id_)


@pytest.mark.parametrize(
    "files",
    [
        [DATES] * (orders.MOST_FILES + 1),
        [Attachment("large.pdf", "application/pdf", bytes(orders.MOST_BYTES + 1))],
        [Attachment("page.html", "text/html", b"<p>")],
        [Attachment("invoice.exe", "application/pdf", b"MZ")],
        [Attachment("../invoice.pdf", "application/pdf", b"%PDF")],
        [Attachment("invoice\u202efdp.exe.pdf", "application/pdf", b"MZ")],
        [Attachment("a\r\nBcc: all@acme.example\r\n.pdf", "application/pdf", b"%PDF")],
    ],
    ids=["many", "large", "kind", "ending", "folder", "direction", "lines"],
)
async def test_what_may_not_be_attached_is_not_sent(house: House, identity: Identity, files: list[Attachment]) -> None:
    person, id_ = await house.invite({house.shop: "viewer"}), uuid7()
    invitation = await invitation_of(identity, person)
    await identity.hears(
        order(invitation, house.shop, attachments=sealed_for(invitation, *files)), id_, house.client_id
    )
    await is_refused(identity, id_)


async def streamed(identity: Identity, about: UUID) -> str:
    """The order as it stands in the stream."""
    client = await connect(identity.servers.addresses.nats_url, "tests")
    try:
        message = await client.jetstream().get_last_msg(STREAM, f"portal.{MailOrdered.subject}")
    finally:
        await client.close()
    text = (message.data or b"").decode()
    assert str(about) in text
    return text
