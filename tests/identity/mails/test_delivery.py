"""Between the queue and the mail server: what is sent, what is tried again, and what is not, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiosmtplib import SMTP
from sqlalchemy import text

from services.identity.correspondence import AUTHORS
from services.identity.mails.commands import LEASE, Author, queue, replace
from services.identity.mails.mailer import Mailer
from services.identity.mails.server import TAKE_SECONDS, TALK_SECONDS
from services.identity.mails.writing import Writing
from services.identity.people.models import Person
from shared.actor import SYSTEM
from shared.background import ENDED, Background
from shared.clock import now
from shared.database import Database, Db
from tests.activity.process import Part
from tests.conftest import Cluster
from tests.identity.mails.desk import Desk, mailer, work
from tests.identity.mails.postoffice import PostOffice, post_office


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as running:
        yield running


@pytest.fixture
async def desk(cluster: Cluster) -> AsyncIterator[Desk]:
    database = Database(await cluster.create("identity"))
    await database.start()
    yield Desk(database)
    await database.stop()


@asynccontextmanager
async def working(desk: Desk, *mailers: Mailer) -> AsyncIterator[None]:
    kept = Background()
    async with AsyncExitStack() as stack:
        for number, each in enumerate(mailers):
            run = partial(each.run, desk.database)
            await stack.enter_async_context(kept.keep(f"mailer {number}", run, finish=each.stop))
        yield


def answers(**by_name: str) -> Any:
    """An answer for some local parts, yes for all others."""

    async def say(address: str) -> str | None:
        return by_name.get(address.partition("@")[0])

    return say


async def outcome(desk: Desk, mail: UUID) -> tuple[bool, str]:
    row = await desk.mail(mail)
    return row["sent_at"] is not None, row["failure"]


async def test_what_is_refused_for_good_fails_alone(desk: Desk, office: PostOffice) -> None:
    office.at_rcpt, office.at_data = answers(bad="550 5.1.1 nobody here"), answers(worse="554 5.7.1 no")
    good, bad, worse = await desk.invite("good@a.example", "bad@a.example", "worse@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    assert [await outcome(desk, mail) for mail in (good, bad, worse)] == [
        (True, ""),
        (False, "refused"),
        (False, "refused"),
    ]
    assert office.recipients == ["good@a.example"]
    assert office.connections == 1
    assert (len(await desk.events("invitation_sent")), len(await desk.events("invitation_failed"))) == (1, 2)


@pytest.mark.parametrize("step", ["at_mail", "at_rcpt", "at_data"])
async def test_what_is_refused_for_now_is_tried_again(desk: Desk, office: PostOffice, step: str) -> None:
    async def not_now(_address: str) -> str:
        return "450 4.2.0 try later"

    async def yes(_address: str) -> None:
        return None

    setattr(office, step, not_now)
    (mail,) = await desk.invite("a@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until(
            "exists (select 1 from mails where tries = 1 and due_at between now() + '3 s' and now() + '9 s')"
        )
        row = await desk.mail(mail)
        assert (row["handed_over_at"], row["failed_at"]) == (None, None)
        setattr(office, step, yes)
        await desk.time_passes()
        await desk.until("exists (select 1 from mails where sent_at is not null and tries = 2)")
    assert office.recipients == ["a@a.example"]


async def test_a_refusal_of_ourselves_is_no_fault_of_the_address(desk: Desk, office: PostOffice) -> None:
    async def no(_address: str) -> str:
        return "550 5.7.1 sender not allowed"

    office.at_mail = no
    await desk.invite("a@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until(
            "exists (select 1 from mails where tries = 1 and due_at < now() + '9 s' and failed_at is null)"
        )


async def test_when_the_answer_is_lost_an_invitation_is_not_sent_twice(desk: Desk, office: PostOffice) -> None:
    office.at_data = answers(taken="silence", lost="nothing")
    taken, lost = await desk.invite("taken@a.example", "lost@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
        await desk.time_passes()
    assert [await outcome(desk, mail) for mail in (taken, lost)] == [(False, "unconfirmed")] * 2
    assert office.recipients == ["taken@a.example"]
    reasons = [msgspec.json.decode(event.data)["reason"] for event in await desk.events("invitation_failed")]
    assert reasons == ["unconfirmed"] * 2


async def test_what_may_be_repeated_is(desk: Desk, office: PostOffice) -> None:
    office.at_data = answers(a="silence")
    await desk.invite("other@a.example")
    async with desk.database.uow(SYSTEM) as db:
        person = Person(kind="staff", email="a@a.example", first_name="A", last_name="B")
        db.add(person)
        await db.flush()
        notice = await queue(db, "password_changed", person, facts={"at": now().isoformat()})
    async with working(desk, mailer(office.url)):
        await desk.until(
            "exists (select 1 from mails where tries = 1 and due_at between now() + '3 s' and now() + '9 s')"
        )
        office.at_data = answers()
        await desk.time_passes()
        await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", notice.id)
    assert office.recipients.count("a@a.example") == 2


async def test_each_is_sent_once_by_however_many_mailers(desk: Desk, office: PostOffice) -> None:
    addresses = [f"person{number}@a.example" for number in range(30)]
    await desk.invite(*addresses)
    async with working(desk, *(mailer(office.url) for _ in range(4))):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    assert sorted(office.recipients) == sorted(addresses)
    assert len({message["Message-ID"] for _, message in office.took}) == 30


async def test_who_waits_goes_before_who_does_not(desk: Desk, office: PostOffice) -> None:
    await desk.invite(*(f"person{number}@a.example" for number in range(5)))
    async with desk.database.uow(SYSTEM) as db:
        db.add(Person(kind="staff", email="urgent@a.example", first_name="A", last_name="B"))
        await queue(db, "password_reset", "urgent@a.example", facts={"ip": "", "user_agent": ""})
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    assert office.recipients[0] == "urgent@a.example"


async def test_a_mail_that_cannot_be_written_holds_up_no_other(desk: Desk, office: PostOffice) -> None:
    async def broken(db: Db, mail: Any) -> None:
        mail.address = "changed@a.example"
        await db.flush()
        await db.execute(text("select 1 / 0"))

    async with desk.database.uow(SYSTEM) as db:
        odd = await queue(db, "step_up_code", "odd@a.example")
    (good,) = await desk.invite("good@a.example")
    authors = {**AUTHORS, "step_up_code": Author(broken)}
    async with working(desk, mailer(office.url, authors)):
        await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", good)
    row = await desk.mail(odd.id)
    assert (row["tries"], row["failed_at"], row["address"]) == (1, None, "odd@a.example")
    assert row["due_at"] > now()


@pytest.mark.parametrize("where", ["content", "bytes", "connection"])
async def test_a_mail_that_fails_anywhere_on_its_way_costs_itself_alone(
    desk: Desk, office: PostOffice, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """It waits ever longer, as any does that did not go out, and the mailer goes on without an end."""
    sending = mailer(office.url)
    broken = {
        "content": (Writing, "_content", lambda _self, letter, _look: letter.to),
        "bytes": (EmailMessage, "as_bytes", lambda message, **_how: message["To"]),
        "connection": (SMTP, "rcpt", lambda _smtp, to, **_how: to),
    }
    of, name, whom = broken[where]
    whole = getattr(of, name)

    def fails(*arguments: Any, **named: Any) -> Any:
        if "odd@" in whom(*arguments, **named):
            raise ValueError("a secret")
        return whole(*arguments, **named)

    monkeypatch.setattr(of, name, fails)
    odd, good = await desk.invite("odd@a.example", "good@a.example")
    await desk.execute("update mails set due_at = due_at - interval '1 s' where id = $1", odd)
    failed = ENDED.labels("mailer 0")._value.get()
    async with working(desk, sending):
        await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", good)
        await desk.until("exists (select 1 from mails where id = $1 and due_at < now() + '9 s')", odd)
        await desk.execute("update mails set due_at = now() where id = $1", odd)
        await desk.until("exists (select 1 from mails where id = $1 and tries = 2 and due_at > now() + '9 s')", odd)
    row = await desk.mail(odd)
    assert (row["handed_over_at"], row["failed_at"]) == (None, None)
    assert office.recipients == ["good@a.example"]
    assert ENDED.labels("mailer 0")._value.get() == failed


async def test_an_outcome_that_cannot_be_noted_holds_up_no_other_mail(desk: Desk, office: PostOffice) -> None:
    async def broken(db: Db, _mail: Any) -> None:
        await db.execute(text("select 1 / 0"))

    authors = {**AUTHORS, "invitation": Author(AUTHORS["invitation"].write, broken)}
    sent, late = await desk.invite("sent@a.example", "late@a.example")
    await desk.execute("update mails set expires_at = now() where id = $1", late)
    async with desk.database.uow(SYSTEM) as db:
        person = Person(kind="staff", email="a@a.example", first_name="A", last_name="B")
        db.add(person)
        await db.flush()
        good = await queue(db, "password_changed", person, facts={"at": now().isoformat()})
    await desk.execute("update mails set due_at = due_at - interval '1 s' where id = any($1)", [sent, late])
    failed = ENDED.labels("mailer 0")._value.get()
    async with working(desk, mailer(office.url, authors)):
        await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", good.id)
        for mail in (sent, late):
            await desk.until(
                "exists (select 1 from mails where id = $1 and due_at between now() and now() + '9 s')", mail
            )
        await desk.time_passes()
        await desk.until("not exists (select 1 from mails where due_at < now() + '9 s')")
    assert sorted(office.recipients) == ["a@a.example", "sent@a.example"]
    assert ENDED.labels("mailer 0")._value.get() == failed
    async with working(desk, mailer(office.url)):  # once it can be noted
        await desk.time_passes()
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    assert [await outcome(desk, mail) for mail in (sent, late)] == [(False, "unconfirmed"), (False, "expired")]


async def test_an_address_that_is_kept_from_before_and_reads_as_another_gets_no_mail(
    desk: Desk, office: PostOffice
) -> None:
    odd, good = await desk.invite("=?utf-8?q?a=0d=0abcc=3ax?=@a.example", "good@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    assert [await outcome(desk, mail) for mail in (odd, good)] == [(False, "unfit"), (True, "")]
    (event,) = await desk.events("invitation_failed")
    assert msgspec.json.decode(event.data) == {"reason": "unfit"}


async def test_what_could_not_be_sent_in_time_is_told(desk: Desk, office: PostOffice) -> None:
    (mail,) = await desk.invite("a@a.example")
    await desk.execute("update mails set expires_at = now() where id = $1", mail)
    async with working(desk, mailer(office.url)):
        await desk.until("exists (select 1 from mails where failure = 'expired')")
    assert office.took == []
    (event,) = await desk.events("invitation_failed")
    assert msgspec.json.decode(event.data) == {"reason": "expired"}


async def test_what_is_replaced_while_it_is_in_hand_is_not_sent(desk: Desk, office: PostOffice) -> None:
    (mail,) = await desk.invite("a@a.example")

    async def meanwhile(_address: str) -> None:
        row = await desk.mail(mail)
        async with desk.database.uow(SYSTEM) as db:
            await replace(db, row["person_id"], "invitation")

    office.at_rcpt = meanwhile
    async with working(desk, mailer(office.url)):
        await desk.until("exists (select 1 from mails where failure = 'replaced')")
        newer = await desk.invite("b@a.example")
        office.at_rcpt = answers()
        await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", newer[0])
    assert office.recipients == ["b@a.example"]


async def test_a_mailer_that_is_told_to_stop_finishes_the_mail_in_hand(desk: Desk, office: PostOffice) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_address: str) -> None:
        arrived.set()
        await go_on.wait()

    office.at_data = slowly
    first, second = await desk.invite("a@a.example", "b@a.example")
    running = mailer(office.url)
    async with working(desk, running):
        await arrived.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert [(await outcome(desk, mail))[0] for mail in (first, second)] == [True, False]
    assert (await desk.mail(second))["tries"] == 0


@pytest.mark.parametrize(("utf8", "sent"), [(True, True), (False, False)])
async def test_an_address_in_other_letters(desk: Desk, utf8: bool, sent: bool) -> None:
    async with post_office(utf8=utf8) as office:
        (mail,) = await desk.invite("zoë@müller.example")
        async with working(desk, mailer(office.url)):
            await desk.until("not exists (select 1 from mails where due_at is not null)")
        assert (await outcome(desk, mail))[0] is sent
        assert office.recipients == (["zoë@müller.example"] if sent else [])


async def test_what_nobody_looks_up_any_more_is_forgotten(desk: Desk, office: PostOffice) -> None:
    old, new = await desk.invite("old@a.example", "new@a.example")
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    await desk.execute("update mails set created_at = now() - $2::interval where id = $1", old, timedelta(days=91))
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where id = $1)", old)
    assert (await desk.mail(new))["sent_at"]


def test_nobody_takes_over_a_mail_that_is_still_being_sent() -> None:
    assert timedelta(seconds=TALK_SECONDS + TAKE_SECONDS) < LEASE


class TestKilled:
    """`kill -9` of the process that sends, in the middle of a batch; another one goes on."""

    ADDRESSES = tuple(f"person{number}@a.example" for number in range(8))

    async def killed_at(self, desk: Desk, office: PostOffice, step: str, *, takes: bool) -> list[UUID]:
        """Have the mailer killed when the fifth mail is at `step`; then let another one do the rest."""
        mails = await desk.invite(*self.ADDRESSES)
        worker, other = (Part(work, desk.database.dsn, office.url) for _ in range(2))
        seen, killed = list[str](), asyncio.Event()

        async def deadly(address: str) -> str | None:
            seen.append(address)
            if len(seen) != 5:
                return None
            worker.kill()
            killed.set()
            return "silence" if takes else "nothing"

        setattr(office, step, deadly)
        worker.start()
        async with asyncio.timeout(60):
            await killed.wait()
        await desk.time_passes()
        other.start()
        await desk.until("not exists (select 1 from mails where due_at is not null)")
        other.kill()
        return mails

    async def test_before_the_server_has_it_nothing_is_lost_and_nothing_doubled(
        self, desk: Desk, office: PostOffice
    ) -> None:
        mails = await self.killed_at(desk, office, "at_rcpt", takes=False)
        assert sorted(office.recipients) == sorted(self.ADDRESSES)
        assert {await outcome(desk, mail) for mail in mails} == {(True, "")}

    async def test_after_the_server_took_it_nothing_is_doubled(self, desk: Desk, office: PostOffice) -> None:
        mails = await self.killed_at(desk, office, "at_data", takes=True)
        assert sorted(office.recipients) == sorted(self.ADDRESSES)
        outcomes = [await outcome(desk, mail) for mail in mails]
        assert sorted(outcomes) == [(False, "unconfirmed"), *[(True, "")] * 7]

    async def test_what_nobody_can_know_is_told_and_can_be_asked_for_again(
        self, desk: Desk, office: PostOffice
    ) -> None:
        mails = await self.killed_at(desk, office, "at_data", takes=False)
        (unknown,) = [mail for mail in mails if (await outcome(desk, mail))[1] == "unconfirmed"]
        assert len(set(office.recipients)) == len(office.recipients) == 7
        again = await desk.invite_again(unknown)
        async with working(desk, mailer(office.url)):
            await desk.until("exists (select 1 from mails where id = $1 and sent_at is not null)", again)
        assert sorted(office.recipients) == sorted(self.ADDRESSES)


async def test_staff_can_see_that_any_other_mail_failed(desk: Desk, office: PostOffice) -> None:
    office.at_rcpt = answers(gone="550 5.1.1 nobody here")
    async with desk.database.uow(SYSTEM) as db:
        person = Person(kind="staff", email="gone@a.example", first_name="A", last_name="B")
        db.add(person)
        await db.flush()
        notice = await queue(db, "password_changed", person, facts={"at": now().isoformat()})
    async with working(desk, mailer(office.url)):
        await desk.until("not exists (select 1 from mails where due_at is not null)")
    (event,) = await desk.events("mail_failed")
    assert event.subject == notice.id
    assert msgspec.json.decode(event.data) == {"kind": "password_changed", "reason": "refused"}
