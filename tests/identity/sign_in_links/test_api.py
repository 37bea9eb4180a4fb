"""Signing in by mail."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx2
import msgspec
import pytest

from services.identity.sessions.limits import Limit
from services.identity.sessions.pauses import LIMITS
from services.identity.sign_in_links import api
from services.identity.tokens import digest, new_token
from tests.identity.races import one_of_all
from tests.identity.rig import FIREFOX, Browser, Identity, somewhere


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Everything of an answer that somebody could tell apart, but for a cookie's fresh value."""
    headers = [
        (name, value if name != "set-cookie" else value.partition(";")[2]) for name, value in answer.headers.items()
    ]
    return answer.status_code, sorted(headers), answer.text


def another_than(code: str) -> str:
    """Six digits that are surely not these."""
    return f"{(int(code) + 1) % 10**6:06}"


def another_tab_of(browser: Browser, identity: Identity) -> Browser:
    """The same cookies, at an address of its own so that no limit is in the way."""
    tab = Browser(identity, somewhere())
    tab.cookies = dict(browser.cookies)
    return tab


async def asked(identity: Identity, **fields: object) -> tuple[dict, Browser]:
    """Somebody of a new client, and the browser in which they asked for a link."""
    person, browser = await identity.person(await identity.client(), **fields), await identity.browser()
    assert (await browser.ask_for_link(person["email"])).status_code == 202
    return person, browser


async def test_the_link_signs_in_where_it_was_asked_for(identity: Identity) -> None:
    person, browser = await asked(identity, password=None)
    mail = await identity.mail_to(person["email"])
    answer = await browser.redeem(token=mail.token)
    assert answer.status_code == 200
    assert answer.json()["person"]["id"] == person["id"]
    await browser.refresh()
    assert (await browser("GET", "auth/me")).json() == answer.json()["person"]
    (event,) = await identity.events("login", person["id"])
    assert msgspec.json.decode(event.data) == {
        "method": "magic_link",
        "second_factor": "",
        "ip": browser.actor.ip,
        "user_agent": FIREFOX,
        "standing": {"kind": "client", "may_enter": True},
    }


async def test_the_code_does_the_same(identity: Identity) -> None:
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    assert (await browser.redeem(code=mail.code)).status_code == 200
    assert (await browser.redeem(token=mail.token)).status_code == 401


async def test_asking_looks_the_same_for_every_address(identity: Identity) -> None:
    client_id, closed = await identity.client(), await identity.client()
    known, inactive = await identity.person(client_id), await identity.person(client_id)
    shut_out = await identity.person(closed)
    await identity.execute("update people set active = false where id = $1", inactive["id"])
    await identity.execute("update clients set portal_enabled = false where id = $1", closed)
    addresses = [known["email"], inactive["email"], shut_out["email"], f"{uuid4().hex}@nowhere.example"]
    answers = [await (await identity.browser()).ask_for_link(email) for email in addresses]
    assert {str(seen(answer)) for answer in answers} == {str(seen(answers[0]))}
    assert answers[0].status_code == 202
    await identity.mail_to(known["email"])
    # Those that nobody may use are gone when they were looked at; the mailer takes them in order.
    await identity.until("select 1 where not exists (select 1 from sign_in_links where email = any($1))", addresses[1:])
    assert [identity.mails_to(email) for email in addresses[1:]] == [[], [], []]


async def test_the_flow_cookie_is_the_browsers_alone(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    answer = await browser.ask_for_link(person["email"])
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("portal_flow=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "samesite=lax",
        "path=/",
        "max-age=600",
    }


async def test_of_link_code_and_flow_only_hashes_are_kept(identity: Identity) -> None:
    """S3."""
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    hashes = [digest(mail.token), digest(browser.cookies["portal_flow"])]
    assert await identity.kept(*hashes, mail.token, browser.cookies["portal_flow"]) == hashes
    (row,) = await identity.execute("select l::text from sign_in_links l where email = $1", person["email"])
    assert mail.code not in row[0]
    assert digest(mail.code) not in row[0]


async def test_a_request_is_told_without_saying_whom_it_was_for_by_name(identity: Identity) -> None:
    person, browser = await asked(identity)
    await identity.mail_to(person["email"])
    (row,) = await identity.execute("select id from sign_in_links where email = $1", person["email"])
    (event,) = await identity.events("sign_in_link_requested", str(row["id"]))
    assert (str(event.clientid), event.actorid, event.actorname) == (person["client_id"], None, "")
    assert msgspec.json.decode(event.data) == {"ip": browser.actor.ip, "user_agent": FIREFOX}


async def test_another_browser_neither_gets_in_nor_spoils_the_link(identity: Identity) -> None:
    """A1: mail scanners open links and submit forms."""
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    scanner, stranger = await identity.browser(), await identity.browser()
    await stranger.ask_for_link("stranger@nowhere.example")
    refused = [
        await scanner.redeem(token=mail.token),
        await scanner.redeem(code=mail.code),
        await stranger.redeem(token=mail.token),
        await stranger.redeem(code=mail.code),
    ]
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        path = f"auth/magic-link/consume?token={mail.token}"
        assert (await scanner(method, path)).status_code == 405
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(401, "auth.link_invalid")}
    assert len({answer.text for answer in refused}) == 1
    assert "set-cookie" not in refused[0].headers
    assert (await browser.redeem(token=mail.token)).status_code == 200


async def test_used_expired_replaced_and_made_up_are_one_answer(identity: Identity) -> None:
    used_by, used = await asked(identity)
    mail = await identity.mail_to(used_by["email"])
    tab = another_tab_of(used, identity)
    await used.redeem(token=mail.token)
    late_one, late = await asked(identity)
    late_mail = await identity.mail_to(late_one["email"])
    await identity.execute(
        "update sign_in_links set expires_at = now() - interval '1 second' where email = $1", late_one["email"]
    )
    person, first = await asked(identity)
    first_mail = await identity.mail_to(person["email"])
    second = await identity.browser()
    await second.ask_for_link(person["email"])
    second_mail = await identity.mail_to(person["email"], 2)
    refused = [
        await tab.redeem(token=mail.token),
        await tab.redeem(code=mail.code),
        await late.redeem(token=late_mail.token),
        await late.redeem(code=late_mail.code),
        await first.redeem(token=first_mail.token),
        await second.redeem(token=first_mail.token),
        await second.redeem(token=new_token()),
        await second.redeem(token="x"),
    ]
    assert {(answer.status_code, answer.text) for answer in refused} == {(401, refused[0].text)}
    assert (await second.redeem(token=second_mail.token)).status_code == 200


async def test_a_link_that_nobody_was_mailed_signs_nobody_in(identity: Identity) -> None:
    """A row without hashes must not match a proof that was not given."""
    flow = await identity.browser()
    await flow.ask_for_link("nobody@nowhere.example")
    for proof in ({"token": "0"}, {"code": "000000"}):
        assert (await flow.redeem(**proof)).status_code == 401


async def test_of_fifty_redemptions_at_once_one_succeeds(identity: Identity) -> None:
    """A2, also for two tabs of one browser."""
    for proof in ("token", "code"):
        person, browser = await asked(identity)
        mail = await identity.mail_to(person["email"])
        tabs = [another_tab_of(browser, identity) for _ in range(50)]
        answers = await asyncio.gather(*(tab.redeem(**{proof: getattr(mail, proof)}) for tab in tabs))
        one_of_all(answers, 200, 401)
        assert len(await identity.execute("select 1 from sessions where person_id = $1", person["id"])) == 1
        assert len(await identity.events("login", person["id"])) == 1


async def test_of_fifty_wrong_codes_at_once_five_are_looked_at(identity: Identity) -> None:
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    wrong = another_than(mail.code)
    tabs = [another_tab_of(browser, identity) for _ in range(50)]
    answers = await asyncio.gather(*(tab.redeem(code=wrong) for tab in tabs))
    assert {answer.status_code for answer in answers} == {401}
    (row,) = await identity.execute("select code_tries from sign_in_links where email = $1", person["email"])
    assert row["code_tries"] == 5
    assert (await another_tab_of(browser, identity).redeem(code=mail.code)).status_code == 401
    assert (await another_tab_of(browser, identity).redeem(token=mail.token)).status_code == 200


async def test_a_try_whose_caller_goes_away_counts(identity: Identity) -> None:
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    tries = "select code_tries from sign_in_links where email = $1"
    for number in range(1, 6):
        trying = asyncio.create_task(another_tab_of(browser, identity).redeem(code=another_than(mail.code)))
        while (await identity.execute(tries, person["email"]))[0]["code_tries"] < number:
            await asyncio.sleep(0.001)
        trying.cancel()
        await asyncio.wait([trying])
    assert (await another_tab_of(browser, identity).redeem(code=mail.code)).status_code == 401


async def test_an_address_has_twenty_code_tries_a_day_however_many_links(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    for _ in range(4):
        browser = await identity.browser()
        await browser.ask_for_link(person["email"])
        for _ in range(5):
            assert (await another_tab_of(browser, identity).redeem(code="000000")).status_code == 401
    last = await identity.browser()
    await last.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"], len(identity.mails_to(person["email"])) or 1)
    async with asyncio.timeout(60):
        while digest(mail.token) not in await hashes(identity, person["email"]):
            mail = await identity.mail_to(person["email"], len(identity.mails_to(person["email"])))
    assert (await another_tab_of(last, identity).redeem(code=mail.code)).status_code == 429
    assert (await another_tab_of(last, identity).redeem(token=mail.token)).status_code == 200


async def hashes(identity: Identity, email: str) -> list[str]:
    return [row[0] for row in await identity.execute("select token_hash from sign_in_links where email = $1", email)]


async def test_asking_is_limited_for_one_caller_and_for_one_address(identity: Identity) -> None:
    place = somewhere()
    answers = [await Browser(identity, place).ask_for_link("a@nowhere.example") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [202] * 6 + [429]
    assert answers[-1].json()["code"] == "auth.too_many_attempts"
    assert (await (await identity.browser()).ask_for_link("a@nowhere.example")).status_code == 202
    many = [await Browser(identity, place).ask_for_link(f"a{number}@nowhere.example") for number in range(115)]
    assert [answer.status_code for answer in many] == [202] * 113 + [429] * 2
    crowd = [await (await identity.browser()).ask_for_link("a@nowhere.example") for _ in range(25)]
    assert [answer.status_code for answer in crowd] == [202] * 23 + [429] * 2


async def test_redeeming_is_limited_for_one_caller(identity: Identity) -> None:
    browser = await identity.browser()
    answers = [await browser.redeem(token="x") for _ in range(32)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429] * 2


async def test_who_was_shut_out_meanwhile_does_not_get_in(identity: Identity) -> None:
    person, browser = await asked(identity)
    mail = await identity.mail_to(person["email"])
    await identity.execute("update clients set active = false where id = $1", person["client_id"])
    answer = await browser.redeem(token=mail.token)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.link_not_accepted")
    (event,) = await identity.events("failed_login", person["id"])
    assert msgspec.json.decode(event.data)["reason"] == "closed"


async def test_a_failure_is_told_with_whom_it_was_about(identity: Identity) -> None:
    person, browser = await asked(identity)
    await identity.mail_to(person["email"])
    await browser.redeem(token=new_token())
    (event,) = await identity.events("failed_login", person["id"])
    assert (str(event.clientid), event.actorid) == (person["client_id"], None)
    assert msgspec.json.decode(event.data) == {
        "method": "magic_link",
        "reason": "wrong",
        "ip": browser.actor.ip,
        "user_agent": FIREFOX,
    }


async def test_redeeming_replaces_the_session_the_browser_had(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    old = browser.cookies["portal_session"]
    await browser.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    assert (await browser.redeem(token=mail.token)).status_code == 200
    assert browser.cookies["portal_session"] != old
    assert (await identity.resolve(old)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("auth/magic-link", {}),
        ("auth/magic-link", {"email": "anna"}),
        ("auth/magic-link", {"email": "anna@acme.example", "client_id": str(uuid4())}),
        ("auth/magic-link/consume", {}),
        ("auth/magic-link/consume", {"token": "x", "code": "123456"}),
        ("auth/magic-link/consume", {"token": "x" * 101}),
        ("auth/magic-link/consume", {"code": "12345"}),
        ("auth/magic-link/consume", {"code": "1234567"}),
        ("auth/magic-link/consume", {"code": "12345\n"}),
        ("auth/magic-link/consume", {"code": "١٢٣٤٥٦"}),
        ("auth/magic-link/consume", {"token": "x", "email": "anna@acme.example"}),
    ],
)
async def test_what_makes_no_request_is_422(identity: Identity, path: str, body: dict[str, str]) -> None:
    answer = await (await identity.browser())("POST", path, json=body)
    assert answer.status_code == 422, answer.text


async def test_old_requests_are_forgotten(identity: Identity) -> None:
    browser = await identity.browser()
    await browser.ask_for_link("old@nowhere.example")
    await browser.ask_for_link("older@nowhere.example")
    age = "update sign_in_links set expires_at = now() - $2::interval where email = $1"
    await identity.execute(
        "insert into sign_in_links (id, email, flow_hash, code_tries, ip, user_agent, expires_at)"
        " select gen_random_uuid(), e, gen_random_uuid()::text, 0, '', '', now()"
        " from unnest(array['old@nowhere.example', 'older@nowhere.example']) e"
        " on conflict (email) do update set id = excluded.id"  # the mailer, which drops what nobody may use, knows the first
    )
    await identity.execute(age, "old@nowhere.example", timedelta(minutes=59))
    await identity.execute(age, "older@nowhere.example", timedelta(minutes=61))
    await (await identity.browser()).ask_for_link("new@nowhere.example")
    rows = await identity.execute("select email from sign_in_links where email like 'old%@nowhere.example'")
    assert [row["email"] for row in rows] == ["old@nowhere.example"]


async def test_an_office_may_ask_for_its_links_before_the_first_is_used(identity: Identity) -> None:
    address = somewhere()
    asked = [(await Browser(identity, address).ask_for_link(f"{n}@office.example")).status_code for n in range(60)]
    assert asked == [202] * 60


async def test_codes_that_were_right_are_no_guesses(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "mail_code", (Limit("code-office", 2, 24 * 60, ("account", "ip")),))
    person, address = await identity.person(await identity.client()), somewhere()
    for n in range(1, 4):
        browser = Browser(identity, address)
        await browser.ask_for_link(person["email"])
        assert (await browser.redeem(code=(await identity.mail_to(person["email"], n)).code)).status_code == 200
    await browser.ask_for_link(person["email"])
    right = (await identity.mail_to(person["email"], 4)).code
    wrong = [(await browser.redeem(code=another_than(right))).status_code for _ in range(3)]
    assert wrong == [401, 401, 429]
    [paused] = await identity.events("failed_sign_ins_paused", person["id"])
    assert msgspec.json.decode(paused.data)["reason"] == "mail_code"


async def test_links_that_were_used_do_not_use_up_their_address(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An office: many people behind one address, each of whom asks for a link and signs in with it."""
    monkeypatch.setattr(api, "LINK", (Limit("link-office", 2, 15, ("ip",)),))
    client, address = await identity.client(), somewhere()
    for _ in range(4):
        person, browser = await identity.person(client), Browser(identity, address)
        assert (await browser.ask_for_link(person["email"])).status_code == 202
        assert (await browser.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 200
    answers = [(await Browser(identity, address).ask_for_link("nobody@acme.example")).status_code for _ in range(3)]
    assert answers == [202, 202, 429]


async def test_a_link_used_elsewhere_gives_its_permit_back_to_the_address_that_asked(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else links asked for from anywhere make up for as many mails to strangers from one address."""
    monkeypatch.setattr(api, "LINK", (Limit("link-elsewhere", 2, 15, ("ip",)),))
    client, here, there = await identity.client(), somewhere(), somewhere()
    assert (await Browser(identity, here).ask_for_link("nobody@acme.example")).status_code == 202
    for _ in range(3):
        person, browser = await identity.person(client), Browser(identity, there)
        assert (await browser.ask_for_link(person["email"])).status_code == 202
        moved = Browser(identity, here)
        moved.cookies = browser.cookies
        assert (await moved.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 200
    answers = [(await Browser(identity, here).ask_for_link("nobody@acme.example")).status_code for _ in range(2)]
    assert answers == [202, 429]
