"""The second step of signing in: asked for, shown, used up, and bounded (A2 to A5)."""

import asyncio
import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import msgspec
import pytest

from services.identity.second_factors.models import new_recovery_code
from services.identity.second_factors.totp import Totp
from services.identity.tokens import digest, new_token
from shared import clock
from shared.sealing import Sealer
from tests.clocks import living_ahead
from tests.identity.races import one_of_all
from tests.identity.rig import FIREFOX, PASSWORD, App, Browser, Identity, Mail, full_step, somewhere

# Two steps beside each other with the same code: of this secret the first pair after September 2026.
TWIN_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TWIN_STEP = 60779457


async def enrolled(identity: Identity, **client: Any) -> tuple[dict[str, Any], App, list[str]]:
    """Somebody with a second factor; their app and recovery codes."""
    person = await identity.person(await identity.client(**client))
    app, codes = await (await identity.browser(person)).enrol()
    return person, app, codes


async def paused(identity: Identity, person: dict[str, Any], place: Any = None) -> Browser:
    """A browser that showed the password and has the second step before it."""
    browser = await identity.browser(place=place)
    answer = await browser.sign_in(person["email"])
    assert answer.json()["next"] == "second_factor", answer.text
    return browser


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    return answer.status_code, sorted(answer.headers.items()), answer.text


async def test_a_password_alone_lets_nobody_in_who_has_a_second_factor(identity: Identity) -> None:
    person, app, _ = await enrolled(identity)
    browser = await identity.browser()
    answer = await browser.sign_in(person["email"])
    assert answer.json() == {"person": None, "next": "second_factor", "methods": ["totp", "recovery_code"]}
    assert set(browser.cookies) == {"portal_pending"}
    (event,) = await identity.events("sign_in_paused", person["id"])
    assert (event.actorid, str(event.clientid)) == (None, person["client_id"])
    assert msgspec.json.decode(event.data) == {
        "method": "password",
        "step": "second_factor",
        "ip": browser.actor.ip,
        "user_agent": FIREFOX,
    }
    shown = await browser.show(code=app.code())
    assert (shown.status_code, shown.json()["person"]["id"], shown.json()["next"]) == (200, person["id"], None)
    assert set(browser.cookies) == {"portal_session"}
    login = (await identity.events("login", person["id"]))[-1]
    said = msgspec.json.decode(login.data)
    assert (said["method"], said["second_factor"]) == ("password", "totp")
    assert (await browser("GET", "auth/me")).json()["two_factor"] is True


async def test_every_way_in_ends_at_the_same_door(identity: Identity) -> None:
    person, app, _ = await enrolled(identity)
    browser = await identity.browser()
    await browser.ask_for_link(person["email"])
    await identity.mail_to(person["email"], 2)
    (link,) = [mail for mail in identity.mails_to(person["email"]) if mail["Subject"].startswith("Sign in")]
    answer = await browser.redeem(token=Mail(link).token)
    assert answer.json()["next"] == "second_factor", answer.text
    assert "portal_session" not in browser.cookies
    assert (await browser.show(code=app.code())).status_code == 200
    assert (await browser.record() or {})["person_id"] == person["id"]


async def test_a_recovery_code_does_the_same_once_however_it_is_typed(identity: Identity) -> None:
    person, _, codes = await enrolled(identity)
    browser = await paused(identity, person)
    assert (await browser.show(recovery_code=codes[0].upper().replace("-", " "))).status_code == 200
    said = msgspec.json.decode((await identity.events("login", person["id"]))[-1].data)
    assert said["second_factor"] == "recovery_code"
    assert (await browser("GET", "two-factor")).json()["recovery_codes_left"] == 9
    again = await paused(identity, person)
    assert (await again.show(recovery_code=codes[0])).status_code == 401
    assert (await again.show(recovery_code=codes[1])).status_code == 200


async def test_whatever_is_wrong_the_answer_is_the_same(identity: Identity) -> None:
    """A5."""
    person, app, codes = await enrolled(identity)
    other, others_app, others_codes = await enrolled(identity)
    used = await paused(identity, person)
    assert (await used.show(recovery_code=codes[0])).status_code == 200
    stranger = await identity.browser()
    late = await paused(identity, person)
    flow = digest(late.cookies["portal_pending"])
    await identity.execute("update one_time_tokens set expires_at = now() where flow_hash = $1", flow)
    made_up = await identity.browser()
    made_up.cookies["portal_pending"] = new_token()
    answers = [
        await (await paused(identity, person)).show(code=app.wrong()),
        await (await paused(identity, person)).show(code=others_app.code()),
        await (await paused(identity, person)).show(recovery_code=codes[0]),
        await (await paused(identity, person)).show(recovery_code=others_codes[0]),
        await (await paused(identity, person)).show(recovery_code=new_recovery_code()),
    ]
    nothing_waits = [
        await stranger.show(recovery_code=codes[1]),
        await made_up.show(recovery_code=codes[1]),
        await late.show(recovery_code=codes[1]),
    ]
    assert {str(seen(answer)) for answer in answers} == {str(seen(answers[0]))}
    assert (answers[0].status_code, answers[0].json()["code"]) == (401, "auth.second_factor_invalid")
    assert "set-cookie" not in answers[0].headers
    assert {str(seen(answer)) for answer in nothing_waits} == {str(seen(nothing_waits[0]))}
    assert nothing_waits[0].json()["code"] == "auth.nothing_pending"
    reasons = [msgspec.json.decode(each.data)["reason"] for each in await identity.events("failed_login", person["id"])]
    assert reasons == ["second_factor"] * 5
    assert await identity.events("login", other["id"])


async def test_what_somebody_wrote_is_looked_at_first(identity: Identity) -> None:
    browser = await identity.browser()
    for body in (
        {},
        {"code": "123456", "recovery_code": new_recovery_code()},
        {"code": "12345"},
        {"code": "１２３４５６"},
    ):
        assert (await browser("POST", "auth/second-factor", json=body)).status_code == 422, body
    assert (await browser("POST", "auth/second-factor", json={"recovery_code": "x" * 61})).status_code == 422


async def test_of_many_codes_at_once_five_are_looked_at(identity: Identity) -> None:
    """A4: then the sign-in is over, also for the right code."""
    person, app, _ = await enrolled(identity)
    browser = await paused(identity, person)
    flow = browser.cookies["portal_pending"]
    answers = await asyncio.gather(*(send(identity, flow, somewhere(), code=app.wrong(n)) for n in range(12)))
    assert [answer.status_code for answer in answers] == [401] * 12
    assert len(await identity.events("failed_login", person["id"])) == 5
    assert (await browser.show(code=app.code())).status_code == 401
    assert (await (await paused(identity, person)).show(code=app.code())).status_code == 200


async def send(identity: Identity, flow: str, place: Any, **proof: str) -> httpx2.Response:
    """One try in a browser that has this flow's cookie."""
    browser = await identity.browser(place=place)
    browser.cookies["portal_pending"] = flow
    return await browser("POST", "auth/second-factor", json=proof)


async def test_a_try_that_is_torn_off_has_been_one(identity: Identity) -> None:
    """A4: the count is committed before the code is looked at; what rolls back then is not the count."""
    person, app, _ = await enrolled(identity)
    browser = await paused(identity, person)
    connection = await asyncpg.connect(identity.admin_url)
    async with connection.transaction():
        await connection.execute("lock table identity.authenticators in access exclusive mode")
        for _ in range(5):
            before = await tries(identity, browser)
            trying = asyncio.create_task(browser.show(code=app.wrong()))
            while await tries(identity, browser) == before:
                await asyncio.sleep(0.01)
            trying.cancel()
            with suppress(asyncio.CancelledError):
                await trying
    await connection.close()
    assert await tries(identity, browser) == 5
    assert await identity.events("failed_login", person["id"]) == []
    assert (await browser.show(recovery_code=new_recovery_code())).status_code == 401
    assert await tries(identity, browser) == 5


async def tries(identity: Identity, browser: Browser) -> int:
    flow = digest(browser.cookies["portal_pending"])
    return (await identity.execute("select tries from one_time_tokens where flow_hash = $1", flow))[0][0]


async def test_beginning_again_makes_no_new_guesses(identity: Identity) -> None:
    """Ten codes a day from one address; the owner elsewhere, and their recovery codes here, are not affected."""
    person, app, codes = await enrolled(identity)
    place = somewhere()
    wrong = [await (await paused(identity, person, place)).show(code=app.wrong()) for _ in range(11)]
    assert [answer.status_code for answer in wrong] == [401] * 10 + [429]
    assert 3600 < int(wrong[-1].headers["retry-after"]) <= 24 * 3600
    assert (await (await paused(identity, person, place)).show(code=app.code())).status_code == 429
    assert (await (await paused(identity, person, place)).show(recovery_code=codes[0])).status_code == 200
    assert (await (await paused(identity, person)).show(code=app.code())).status_code == 200


async def test_of_many_at_once_with_the_same_recovery_code_one_gets_in(identity: Identity) -> None:
    """A2, each in a sign-in of its own, so that nothing else can stop them."""
    person, _, codes = await enrolled(identity)
    for code in codes[:3]:
        browsers = [await paused(identity, person) for _ in range(8)]
        answers = await asyncio.gather(*(browser.show(recovery_code=code) for browser in browsers))
        one_of_all(answers, 200, 401)


async def test_one_sign_in_ends_in_one_session(identity: Identity) -> None:
    """A2: five good and different proofs at once in the same sign-in."""
    person, app, codes = await enrolled(identity)
    browser = await paused(identity, person)
    flow = browser.cookies["portal_pending"]
    proofs = [{"code": app.code()}, *({"recovery_code": code} for code in codes[:4])]
    answers = await asyncio.gather(*(send(identity, flow, somewhere(), **proof) for proof in proofs))
    one_of_all(answers, 200, 401)


class TestOncePerStep:
    """A3 (RFC 6238, 5.2)."""

    async def test_two_at_once_with_one_code(self, identity: Identity) -> None:
        person, app, _ = await enrolled(identity)
        browsers = [await paused(identity, person) for _ in range(6)]
        await full_step()
        code = app.code()
        answers = await asyncio.gather(*(browser.show(code=code) for browser in browsers))
        one_of_all(answers, 200, 401)

    async def test_a_code_is_no_code_any_more(self, identity: Identity) -> None:
        person, app, _ = await enrolled(identity)
        await full_step()
        code = app.code()
        assert (await (await paused(identity, person)).show(code=code)).status_code == 200
        assert (await (await paused(identity, person)).show(code=code)).status_code == 401

    async def test_the_code_it_was_set_up_with_does_not_sign_in(self, identity: Identity) -> None:
        browser = await identity.browser(person := await identity.person(await identity.client()))
        await full_step()
        app = App((await browser("POST", "two-factor/enrol")).json()["secret"])
        code = app.code()
        assert (await browser("POST", "two-factor/confirm", json={"code": code})).status_code == 200
        assert (await (await paused(identity, person)).show(code=code)).status_code == 401
        assert (await (await paused(identity, person)).show(code=app.code(1))).status_code == 200

    async def test_an_older_step_after_a_newer_one(self, identity: Identity) -> None:
        person, app, _ = await enrolled(identity)
        await full_step()
        assert (await (await paused(identity, person)).show(code=app.code(1))).status_code == 200
        assert (await (await paused(identity, person)).show(code=app.code())).status_code == 401

    async def test_a_step_too_early_or_too_late(self, identity: Identity) -> None:
        person, app, _ = await enrolled(identity)
        await identity.execute("update authenticators set last_step = 0 where person_id = $1", person["id"])
        for steps, status in ((-3, 401), (-2, 401), (2, 401), (3, 401), (-1, 200), (0, 200), (1, 200)):
            browser = await paused(identity, person)
            await full_step()
            shown = await browser.show(code=app.code(steps))
            assert shown.status_code == status, steps

    def test_equal_codes_beside_each_other_are_two(self) -> None:
        """The earlier one was used; in the later step the same six digits are still good, once."""
        totp = Totp(Sealer(base64.urlsafe_b64encode(bytes(32)).decode()), "Portal")
        person_id = clock.uuid7()
        sealed = totp.seal(TWIN_SECRET, person_id)
        with clock.moved_to(datetime.fromtimestamp(TWIN_STEP * 30 + 5, UTC)):
            assert totp.step_of(sealed, person_id, "566269") == TWIN_STEP
        with clock.moved_to(datetime.fromtimestamp((TWIN_STEP + 1) * 30 + 5, UTC)):
            assert totp.step_of(sealed, person_id, "566269", after=TWIN_STEP) == TWIN_STEP + 1
            assert totp.step_of(sealed, person_id, "566269", after=TWIN_STEP + 1) is None


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B: SHA-1, the last six of the eight digits given there."""
    totp = Totp(Sealer(base64.urlsafe_b64encode(bytes(32)).decode()), "Portal")
    person_id = clock.uuid7()
    sealed = totp.seal(base64.b32encode(b"12345678901234567890").decode(), person_id)
    with clock.moved_to(datetime.fromtimestamp(at, UTC)):
        assert totp.step_of(sealed, person_id, code) == at // 30


def test_a_phone_does_not_live_in_the_future_with_the_portal() -> None:
    """`PORTAL_CLOCK_OFFSET` moves no clock outside."""
    totp = Totp(Sealer(base64.urlsafe_b64encode(bytes(32)).decode()), "Portal")
    person_id = clock.uuid7()
    sealed = totp.seal(base64.b32encode(b"12345678901234567890").decode(), person_id)
    with living_ahead("+8d"), clock.moved_to(datetime.fromtimestamp(59, UTC) + timedelta(days=8)):
        assert totp.step_of(sealed, person_id, "287082") == 59 // 30


async def test_who_was_shut_out_in_between_stays_outside(identity: Identity) -> None:
    person, app, _ = await enrolled(identity)
    browser = await paused(identity, person)
    await identity.execute("update clients set portal_enabled = false where id = $1", person["client_id"])
    assert (await browser.show(code=app.code())).status_code == 401
    said = msgspec.json.decode((await identity.events("failed_login", person["id"]))[-1].data)
    assert said["reason"] == "closed"


async def test_the_session_the_browser_had_ends_with_the_second_step_only(identity: Identity) -> None:
    """S1."""
    person, app, _ = await enrolled(identity)
    browser = await identity.browser(await identity.person(await identity.client()))
    old = browser.cookies["portal_session"]
    await browser("POST", "auth/login", json={"email": person["email"], "password": PASSWORD})
    assert (await identity.resolve(old)).status_code == 200
    assert (await browser.show(code=app.code())).status_code == 200
    assert (await identity.resolve(old)).status_code == 404


async def test_a_flow_somebody_planted_becomes_no_session(identity: Identity) -> None:
    """S1: the first proof gives the browser a value of its own making, whatever it had."""
    person, app, _ = await enrolled(identity)
    planted = new_token()
    victim, attacker = await identity.browser(), await identity.browser()
    victim.cookies["portal_pending"] = attacker.cookies["portal_pending"] = planted
    assert (await victim.sign_in(person["email"])).json()["next"] == "second_factor"
    assert victim.cookies["portal_pending"] != planted
    assert (await attacker.show(code=app.code())).status_code == 401
    assert (await victim.show(code=app.code())).status_code == 200


async def test_ten_minutes_are_enough(identity: Identity) -> None:
    person, _, codes = await enrolled(identity)
    browser = await paused(identity, person)
    with clock.moved_to(clock.now() + timedelta(minutes=10, seconds=1)):
        assert (await browser.show(recovery_code=codes[0])).status_code == 401
    assert (await browser.show(recovery_code=codes[0])).status_code == 200
