"""Mails that another service orders: who gets one, in which words, and what the service is told of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.identity.correspondence import AUTHORS
from services.identity.mails import orders, wording
from services.identity.mails.commands import bounce
from services.identity.mails.orders import description, sentence
from services.identity.mails.writing import LANGUAGES
from services.notifications.rules import RULES
from shared.actor import SYSTEM
from shared.clock import uuid7
from shared.contracts.accounts import MailFailed
from shared.contracts.notifications import MailOrdered
from shared.contracts.projects import ProjectCreated, ProjectWithdrawn
from shared.contracts.words.lines import Facts
from shared.contracts.words.telling import LINES, advise, thing
from shared.database import Database
from tests.identity.invitations.test_invitations import accept, invited
from tests.identity.rig import ADMIN, PASSWORD, Identity

PAUSED = Facts(reason="totp", ip="192.0.2.7", at=datetime(2026, 3, 9, 7, 5, tzinfo=UTC))


def order(person_id: str, project_id: str | None = None, **more: Any) -> MailOrdered:
    return MailOrdered(
        person_id=UUID(person_id),
        about=more.pop("about", "project_created"),
        facts=more.pop("facts", Facts(name="Website relaunch")),
        actor_name=more.pop("actor_name", "Clara Hoffmann"),
        path=more.pop("path", f"/projects/{project_id}"),
        module="projects",
        project_id=UUID(project_id) if project_id else None,
        policy=more.pop("policy", ""),
        **more,
    )


async def reader(identity: Identity, client: str, project: str, role: str = "viewer") -> dict[str, Any]:
    """Somebody of this client with a role in the project."""
    person = await identity.person(client)
    roles = {"roles": {project: role}}
    answer = await identity.api(ADMIN, "PUT", f"people/{person['id']}/project-roles", json=roles)
    assert answer.status_code == 200, answer.text
    return person


async def outcome(identity: Identity, id_: UUID) -> tuple[str, str]:
    """What was told last of an order: the type, and the reason of a failure."""
    told = "select event from outbox where event->>'subject' = $1 order by seq desc limit 1"
    [row] = await identity.until(told, str(id_))
    event = msgspec.json.decode(row["event"])
    return event["type"], event["data"].get("reason", "")


async def test_a_mail_goes_out_in_the_language_of_its_person_and_is_told(identity: Identity) -> None:
    client = await identity.client()
    project = await identity.project(client)
    person, id_ = await reader(identity, client, project), uuid7()
    await identity.execute("update people set language = 'de' where id = $1", UUID(person["id"]))
    await identity.hears(order(person["id"], project, thread=UUID(project)), id_, client)
    mail = await identity.mail_to(person["email"])
    said = "Website relaunch ist jetzt in Ihrem Portal."
    assert mail.message["Content-Language"] == "de"
    assert mail.message["Subject"].startswith(f"{said.removesuffix('.')} · ")
    assert said in mail.text
    assert f"http://portal.test:8080/projects/{project}?organisation={client}\n" in mail.text
    assert await outcome(identity, id_) == ("mail_accepted", "")


async def test_an_order_that_is_published_twice_is_one_mail(identity: Identity) -> None:
    client = await identity.client()
    project = await identity.project(client)
    person, first, last = await reader(identity, client, project), uuid7(), uuid7()
    for id_ in (first, first, last):
        await identity.hears(order(person["id"], project), id_, client)
    await identity.mail_to(person["email"], 2)
    assert await outcome(identity, last) == ("mail_accepted", "")
    assert len(await identity.execute("select from mails where address = $1", person["email"])) == 2


async def test_a_mail_waits_for_its_project_to_be_known(identity: Identity) -> None:
    client, id_, project = await identity.client(), uuid7(), uuid7()
    person = await identity.person(client, is_primary_contact=True)
    await identity.hears(order(person["id"], str(project)), id_, client)
    await identity.until("select from mails where id = $1 and tries = 1 and due_at is not null", id_)
    await identity.hears(ProjectCreated(name="Relaunch", status="on_track", version=1), project, client)
    await identity.until("select from known_projects where id = $1", project)
    await identity.execute("update mails set due_at = now() where id = $1", id_)
    await identity.mail_to(person["email"])
    assert await outcome(identity, id_) == ("mail_accepted", "")


async def test_who_may_not_read_it_any_more_gets_no_mail(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged by what identity knows when it is written. Each order is told that it failed."""
    monkeypatch.setattr(orders, "PATIENCE", timedelta())
    client, staff = await identity.client(), await identity.person()
    project, withdrawn = await identity.project(client), await identity.project(client)
    person = await reader(identity, client, project)
    gone = ProjectWithdrawn(name="Relaunch", status="on_track", version=2)
    await identity.hears(gone, UUID(withdrawn), client)
    closed = await identity.client(closed_modules=["projects"])
    theirs = await identity.project(closed)
    off = await identity.client()
    deactivated = await identity.project(off)
    outside, inside = await reader(identity, off, deactivated), await reader(identity, client, project)
    await identity.execute("update clients set active = false where id = $1", UUID(off))
    await identity.execute("update people set active = false where id = $1", UUID(inside["id"]))
    wrong = {
        "another project": order((await identity.person(client))["id"], project),
        "feedback only": order((await reader(identity, client, project, role="feedback_only"))["id"], project),
        "withdrawn": order(person["id"], withdrawn),
        "another client's": order(person["id"], theirs),
        "closed module": order((await reader(identity, closed, theirs))["id"], theirs),
        "closed client": order(outside["id"], deactivated),
        "deactivated": order(inside["id"], project),
        "without the policy": order(staff["id"], project, policy="manageProjects"),
        "no primary contact": order(person["id"], about="invitation_accepted"),
        "nobody": order(str(uuid7()), project),
    }
    ids = {what: uuid7() for what in wrong}
    for what, data in wrong.items():
        await identity.hears(data, ids[what], client)
    for what, id_ in ids.items():
        assert await outcome(identity, id_) == ("mail_failed", "closed"), what


@pytest.mark.parametrize(
    "path",
    [
        *("", "projects/1", "@evil.example/x", ".evil.example/x", ":99999999/x", "//evil.example/x", "/\\evil.example"),
        *(
            "https://evil.example/x",
            "http://[",
            "javascript:alert(1)",
            "/a\r\nBcc: x@y.example",
            "/a b",
            f"/{'a' * 2000}",
        ),
        *("/projects?organisation=01a2294b-8c10-7000-8000-000000000000", "/?a=b&organis%61tion=1", "/?organisation"),
    ],
)
def test_what_leads_elsewhere_is_never_sent(path: str) -> None:
    assert not orders._leads_into_the_portal(path)


def test_pages_of_the_portal_are_led_to() -> None:
    pages = (
        "/",
        "/settings#notifications",
        "/projects/1#milestone-2",
        "/people/1?of=organisation",
        "/invitation?token=",
    )
    assert all(map(orders._leads_into_the_portal, pages))


async def test_an_order_that_leads_elsewhere_fails_and_holds_up_no_other(identity: Identity) -> None:
    client = await identity.client()
    project = await identity.project(client)
    person, bad, good = await reader(identity, client, project), uuid7(), uuid7()
    await identity.hears(order(person["id"], project, path="http://["), bad, client)
    await identity.hears(order(person["id"], project), good, client)
    await identity.mail_to(person["email"])
    assert await outcome(identity, good) == ("mail_accepted", "")
    assert await outcome(identity, bad) == ("mail_failed", "unfit")


async def test_who_has_not_accepted_yet_gets_no_mail_and_is_not_notified(identity: Identity) -> None:
    """Their address may be a mistyped one. Others learn at the first sign-in that they are in the portal."""
    client = await identity.client()
    project = await identity.project(client)
    person, early, later = await invited(identity, client, is_primary_contact=True), uuid7(), uuid7()
    await identity.hears(order(person["id"], project), early, client)
    assert await outcome(identity, early) == ("mail_failed", "closed")
    token = (await identity.mail_to(person["email"])).token
    browser = await identity.browser()
    assert (await accept(browser, token, password=PASSWORD)).status_code == 200
    await browser.sign_in(person["email"])
    await identity.hears(order(person["id"], project), later, client)
    assert "Website relaunch" in (await identity.mail_to(person["email"], 2)).text
    assert await outcome(identity, later) == ("mail_accepted", "")
    [created] = await identity.events("person_created", person["id"])
    first, *again = await identity.events("login", person["id"])
    standings = [msgspec.json.decode(each.data).get("standing") for each in (created, first, *again)]
    assert [each and each["may_enter"] for each in standings] == [False, True, None]


async def test_a_primary_contact_gets_what_concerns_all_of_the_client(identity: Identity) -> None:
    client = await identity.client()
    person, id_ = await identity.person(client, is_primary_contact=True), uuid7()
    await identity.hears(order(person["id"], about="invitation_accepted"), id_, client)
    assert "Clara Hoffmann accepted the invitation." in (await identity.mail_to(person["email"])).text


async def test_staff_get_what_their_permissions_are_for(identity: Identity) -> None:
    person = await identity.person()
    await identity.execute("update people set policies = '{manageApiClients}' where id = $1", UUID(person["id"]))
    for number, (called, said) in enumerate(
        {"Warehouse sync": "the webhook Warehouse sync", "see evil.example": "a webhook"}.items(), 1
    ):
        facts = Facts(reason="gone", host="erp.acme.example", name=called)
        about = order(person["id"], about="webhook_disabled", facts=facts, actor_name="", policy="manageApiClients")
        await identity.hears(about, uuid7(), None)
        mail = await identity.mail_to(person["email"], number)
        assert f"The portal switched off {said}." in mail.text
        assert "\nReceiver: erp.acme.example\n" in mail.text
        assert "evil" not in mail.text


async def test_the_mails_of_a_thread_are_replies_to_the_same(identity: Identity) -> None:
    client = await identity.client()
    project = await identity.project(client)
    person = await reader(identity, client, project)
    threads = [UUID(project), UUID(project), uuid7(), None]
    for thread in threads:
        await identity.hears(order(person["id"], project, thread=thread), uuid7(), client)
    mails = [(await identity.mail_to(person["email"], number)).message for number in (1, 2, 3, 4)]
    said = [(mail["In-Reply-To"], mail["References"]) for mail in mails]
    of = {each: f"<thread.{each}@portal.test>" if each else None for each in threads}
    assert sorted(said, key=str) == sorted(((of[each], of[each]) for each in threads), key=str)
    assert len({mail["Message-ID"] for mail in mails}) == 4


async def test_of_their_own_account_people_hear_without_any_permission(identity: Identity) -> None:
    """As long as they have one; and they are told what to do."""
    person, gone = await identity.person(), await identity.person()
    await identity.execute("update people set active = false where id = $1", UUID(gone["id"]))
    ids = {each["id"]: uuid7() for each in (gone, person)}
    for whose, id_ in ids.items():
        about = order(whose, about="failed_sign_ins_paused", facts=PAUSED, actor_name="", own=True)
        await identity.hears(about, id_, None)
    mail = await identity.mail_to(person["email"])
    assert mail.message["Subject"] == "Sign-ins to your account were paused after too many failed attempts"
    assert "The code of the authenticator app was wrong." in mail.text
    assert "from the address 192.0.2.7, on 9 March 2026, 07:05 UTC." in mail.text
    assert "This is about your account." in mail.text
    assert "choose new passwords for both" in mail.text
    assert await outcome(identity, ids[person["id"]]) == ("mail_accepted", "")
    assert await outcome(identity, ids[gone["id"]]) == ("mail_failed", "closed")


async def test_a_mail_that_comes_back_has_failed_after_all(identity: Identity) -> None:
    client = await identity.client()
    project = await identity.project(client)
    person, id_ = await reader(identity, client, project), uuid7()
    await identity.hears(order(person["id"], project), id_, client)
    assert await identity.until("select from mails where id = $1 and sent_at is not null", id_)
    database = Database(identity.api.database_url)
    await database.start()
    try:
        for noted in (True, False):
            async with database.uow(SYSTEM) as db:
                assert await bounce(db, SYSTEM, AUTHORS, id_) is noted
    finally:
        await database.stop()
    assert await outcome(identity, id_) == (MailFailed.type, "bounced")
    told = await identity.execute("select from outbox where event->>'subject' = $1", str(id_))
    assert len(told) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_rule_has_a_sentence_that_a_mail_says(language: str) -> None:
    """Whoever chooses so gets a mail of whatever has a rule."""
    facts = Facts(name="Website 2027", project_name="Website", old="on_track", new="at_risk", reason="gone")
    for rule in RULES:
        for by in ("Clara Hoffmann", "\u05d0\u05e0\u05d4", ""):
            for to_client in (True, False):
                about = order(str(uuid7()), about=rule.type, facts=facts, actor_name=by)
                said = sentence(about, language, to_client=to_client)
                assert wording.sentence(said) == said


def test_names_that_are_none_are_left_out_and_the_rest_is_said() -> None:
    """Nobody's words become a link in a mail of ours."""
    about = order(str(uuid7()), about="project_status_changed", facts=Facts(name="Shop", old="on_track", new="delayed"))
    assert sentence(about, "en", to_client=True) == "Clara Hoffmann marked Shop as delayed."
    bad = msgspec.structs.replace(about, facts=msgspec.structs.replace(about.facts, name="evil.example/x"))
    assert sentence(bad, "en", to_client=True) == "Clara Hoffmann marked a project as delayed."
    assert sentence(bad, "de", to_client=True) == "Clara Hoffmann hat ein Projekt auf „verzögert“ gesetzt."
    nobody = msgspec.structs.replace(about, actor_name="www.evil.example")
    assert sentence(nobody, "en", to_client=True) == "Somebody marked Shop as delayed."
    new = msgspec.structs.replace(bad, about="project_created")
    assert sentence(new, "en", to_client=True) == "A project is in your portal now."
    assert sentence(new, "en", to_client=False) == "Clara Hoffmann started a project."


@pytest.mark.parametrize(
    ("about", "facts", "said"),
    [
        (
            "milestone_overdue",
            Facts(name="Finder", project_name="Website", due_on=date(2026, 12, 6)),
            ("Was due on 6 Dec 2026.", "War fällig am 6. Dez. 2026."),
        ),
        (
            "project_status_changed",
            Facts(name="A", old="on_track", new="at_risk"),
            ("Was on track.", "Zuvor: im Plan."),
        ),
        ("failed_sign_ins_paused", Facts(reason="password"), ("The password was wrong.", "Das Passwort war falsch.")),
        (
            "webhook_disabled",
            Facts(reason="gone", host="erp.acme.example"),
            ("Its receiver says that it is gone.", "Der Empfänger sagt, dass es ihn nicht mehr gibt."),
        ),
        ("milestone_completed", Facts(name="Finder", project_name="Website"), ("", "")),
    ],
)
def test_a_mail_says_the_rest_of_what_the_bell_says(about: str, facts: Facts, said: tuple[str, str]) -> None:
    """The project has a line of its own; a host would be a link."""
    told = order(str(uuid7()), about=about, facts=facts)
    assert (description(told, "en"), description(told, "de")) == said
    assert all(wording.sentence(each) == each for each in said)


def test_what_is_about_their_own_account_is_called_so() -> None:
    told = order(str(uuid7()), about="failed_sign_ins_paused", facts=Facts(reason="totp"), own=True, actor_name="")
    for language, said in (
        ("en", "Sign-ins to your account were paused after too many failed attempts."),
        ("de", "Die Anmeldung an Ihrem Konto ist nach zu vielen Fehlversuchen unterbrochen."),
    ):
        assert sentence(told, language, to_client=True) == sentence(told, language, to_client=False) == said
    for minutes, pause in ((0, "wait a while and"), (1, "wait 1 minute and"), (15, "wait 15 minutes and")):
        assert pause in advise("failed_sign_ins_paused", Facts(reason="password", minutes=minutes))


def test_a_right_to_left_name_is_isolated_once() -> None:
    told = order(str(uuid7()), facts=Facts(name="\u05d0\u05e0\u05d4"), actor_name="\u05d3\u05d5\u05d3")
    said = sentence(told, "en", to_client=False)
    assert said == "\u2068\u05d3\u05d5\u05d3\u2069 started \u2068\u05d0\u05e0\u05d4\u2069."


def test_whatever_can_have_a_name_can_do_without_it() -> None:
    for kind in RULES:
        if "name" in kind.__struct_fields__:
            assert thing(kind.type) or callable(LINES[kind.type].title)


async def test_a_mail_says_whose_it_is(identity: Identity) -> None:
    """Of a client's people it is their own client, in whose portal its link leads; staff, who have one portal, are told
    by the order. What is about somebody's own account is of no client.
    """
    acme, birch = await identity.client("Acme & Söhne"), await identity.client("Birch 24")
    project = await identity.project(acme)
    person, staff = await reader(identity, acme, project), await identity.person()
    await identity.execute("update people set policies = '{manageProjects}' where id = $1", UUID(staff["id"]))
    about = order(staff["id"], project, policy="manageProjects", client_id=UUID(acme))
    await identity.hears(order(person["id"], project, client_id=UUID(birch)), uuid7(), acme)
    await identity.hears(about, uuid7(), None)
    paused = order(person["id"], about="failed_sign_ins_paused", facts=Facts(reason="totp"), actor_name="", own=True)
    theirs, ours = await identity.mail_to(person["email"]), await identity.mail_to(staff["email"])
    await identity.hears(paused, uuid7(), acme)
    own = await identity.mail_to(person["email"], 2)
    assert "Acme & Söhne: Website relaunch is in your portal now." in theirs.text
    assert ours.message["Subject"] == "Clara Hoffmann started Website relaunch · Acme & Söhne"
    assert ("organisation=" in ours.text, "Acme" in own.text) == (False, False)
    assert f"?organisation={acme}\n" in own.text
