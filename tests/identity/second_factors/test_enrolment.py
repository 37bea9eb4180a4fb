"""Setting a second factor up: freely, or because the client wants it; and giving it up again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from shared.clock import now
from tests.identity.rig import ADMIN, App, Browser, Identity, full_step


async def held_up(identity: Identity, **fields: Any) -> tuple[dict[str, Any], Browser]:
    """Somebody whose client requires a second factor they do not have, in a browser that showed the password."""
    person = await identity.person(await identity.client(second_factor="required"), **fields)
    browser = await identity.browser()
    answer = await browser.sign_in(person["email"])
    assert answer.json() == {"person": None, "next": "enrol", "methods": ["totp"]}
    assert set(browser.cookies) == {"portal_pending"}
    return person, browser


async def begin(browser: Browser) -> App:
    answer = await browser("POST", "auth/second-factor/enrol")
    assert answer.status_code == 200, answer.text
    return App(answer.json()["secret"])


async def confirm(browser: Browser, code: str) -> Any:
    return await browser("POST", "auth/second-factor/enrol/confirm", json={"code": code})


async def aged(browser: Browser) -> Browser:
    """The same, eleven minutes after the last proof."""
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=now() - timedelta(minutes=11))
    return browser


class TestRequired:
    """The client wants a second factor of everybody."""

    async def test_signing_in_ends_with_setting_it_up(self, identity: Identity) -> None:
        person, browser = await held_up(identity)
        answer = await browser("POST", "auth/second-factor/enrol")
        secret, uri = answer.json()["secret"], answer.json()["uri"]
        assert uri.startswith("otpauth://totp/Northwind")
        assert f"secret={secret}" in uri
        await full_step()
        done = await confirm(browser, App(secret).code(-1))
        assert (done.status_code, done.json()["person"]["id"]) == (200, person["id"])
        assert done.json()["person"]["two_factor"] is True
        assert len(set(done.json()["recovery_codes"])) == 10
        assert set(browser.cookies) == {"portal_session"}
        (enabled,) = await identity.events("second_factor_enabled", person["id"])
        assert str(enabled.clientid) == person["client_id"]
        said = msgspec.json.decode((await identity.events("login", person["id"]))[-1].data)
        assert (said["method"], said["second_factor"]) == ("password", "totp")
        assert "Two-factor sign-in is on" in (await identity.mail_to(person["email"])).message["Subject"]
        again = await identity.browser()
        assert (await again.sign_in(person["email"])).json()["next"] == "second_factor"
        assert (await again.show(code=App(secret).code())).status_code == 200

    async def test_it_is_done_once_and_in_one_browser(self, identity: Identity) -> None:
        _, browser = await held_up(identity)
        app = await begin(browser)
        stranger = await identity.browser()
        assert (await stranger("POST", "auth/second-factor/enrol")).status_code == 401
        assert (await confirm(stranger, app.code())).status_code == 401
        flow = browser.cookies["portal_pending"]
        await full_step()
        assert (await confirm(browser, app.code(-1))).status_code == 200
        browser.cookies["portal_pending"] = flow
        assert (await confirm(browser, app.code())).status_code == 401
        assert (await browser("POST", "auth/second-factor/enrol")).status_code == 401

    async def test_a_second_browser_cannot_put_its_own_app_in_place(self, identity: Identity) -> None:
        """Both showed the password; whoever is first has set it up, and the other has to show its codes."""
        person, first = await held_up(identity)
        second = await identity.browser()
        assert (await second.sign_in(person["email"])).json()["next"] == "enrol"
        theirs = await begin(second)
        waiting = "select pending, pending_until from authenticators where person_id = $1"
        ((pending, until),) = await identity.execute(waiting, person["id"])
        mine = await begin(first)
        await full_step()
        assert (await confirm(first, mine.code(-1))).status_code == 200
        assert (await second("POST", "auth/second-factor/enrol")).status_code == 401
        raced = "update authenticators set pending = $1, pending_until = $2 where person_id = $3"
        await identity.execute(raced, pending, until, person["id"])  # as if they had begun at the very same moment
        assert (await confirm(second, theirs.code())).status_code == 401
        later = await identity.browser()
        await later.sign_in(person["email"])
        assert (await later.show(code=theirs.code())).status_code == 401
        assert (await later.show(code=mine.code())).status_code == 200

    async def test_five_codes_are_looked_at(self, identity: Identity) -> None:
        _, browser = await held_up(identity)
        app = await begin(browser)
        assert [(await confirm(browser, app.wrong())).status_code for _ in range(5)] == [401] * 5
        assert (await confirm(browser, app.code())).status_code == 401

    async def test_a_second_step_is_no_enrolment(self, identity: Identity) -> None:
        """Who has to show a code cannot put another app in its place instead."""
        person = await identity.person(await identity.client())
        await (await identity.browser(person)).enrol()
        browser = await identity.browser()
        await browser.sign_in(person["email"])
        assert (await browser("POST", "auth/second-factor/enrol")).status_code == 401

    async def test_it_cannot_be_turned_off(self, identity: Identity) -> None:
        _, browser = await held_up(identity)
        await full_step()
        await confirm(browser, (await begin(browser)).code(-1))
        await browser.refresh()
        state = (await browser("GET", "two-factor")).json()
        assert (state["enabled"], state["required"], state["recovery_codes_left"]) == (True, True, 10)
        answer = await browser("DELETE", "two-factor")
        assert (answer.status_code, answer.json()["code"]) == (409, "two_factor.required")
        assert (await browser("GET", "two-factor")).json()["enabled"] is True

    async def test_who_is_signed_in_already_is_asked_next_time(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        await identity.execute("update clients set second_factor = 'required' where id = $1", person["client_id"])
        assert await browser.record()
        again = await identity.browser()
        assert (await again.sign_in(person["email"])).json()["next"] == "enrol"
        assert await browser.record()
        await full_step()
        assert (await confirm(again, (await begin(again)).code(-1))).status_code == 200
        assert await browser.record() is None  # it was opened without what is asked for now
        assert await again.record()

    async def test_staff_are_no_clients_people(self, identity: Identity) -> None:
        assert await identity.browser(await identity.person())


class TestByChoice:
    """Somebody wants it themselves."""

    async def test_from_nothing_to_a_second_factor_and_back(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        nothing = {"enabled": False, "required": False, "recovery_codes_left": 0, "since": None}
        assert (await browser("GET", "two-factor")).json() == nothing
        await browser.enrol()
        state = (await browser("GET", "two-factor")).json()
        assert (state["enabled"], state["recovery_codes_left"]) == (True, 10)
        assert state["since"]
        assert (await browser("DELETE", "two-factor")).status_code == 204
        assert (await browser("GET", "two-factor")).json() == nothing
        assert (await browser("DELETE", "two-factor")).status_code == 409
        (gone,) = await identity.events("second_factor_disabled", person["id"])
        assert gone.actorid == browser.actor.id
        assert await identity.browser(person)

    async def test_staff_have_it_too(self, identity: Identity) -> None:
        person = await identity.person()
        app, _ = await (await identity.browser(person)).enrol()
        browser = await identity.browser()
        assert (await browser.sign_in(person["email"])).json()["next"] == "second_factor"
        assert (await browser.show(code=app.code())).status_code == 200

    async def test_a_wrong_code_sets_nothing_up(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        assert (await browser("POST", "two-factor/confirm", json={"code": "123456"})).status_code == 422
        app = App((await browser("POST", "two-factor/enrol")).json()["secret"])
        answer = await browser("POST", "two-factor/confirm", json={"code": app.wrong()})
        assert (answer.status_code, answer.json()["code"]) == (422, "two_factor.code_invalid")
        assert await identity.browser(person)

    async def test_a_secret_that_waited_too_long_counts_no_more(self, identity: Identity) -> None:
        browser = await identity.browser(person := await identity.person(await identity.client()))
        app = App((await browser("POST", "two-factor/enrol")).json()["secret"])
        late = "update authenticators set pending_until = now() where person_id = $1"
        await identity.execute(late, person["id"])
        assert (await browser("POST", "two-factor/confirm", json={"code": app.code()})).status_code == 422

    async def test_another_phone_takes_over_with_its_first_code(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        old, old_codes = await browser.enrol()
        new = App((await browser("POST", "two-factor/enrol")).json()["secret"])
        here = await identity.browser()
        await here.sign_in(person["email"])
        assert (await here.show(code=old.code())).status_code == 200
        await full_step()
        assert (await browser("POST", "two-factor/confirm", json={"code": new.code(-1)})).status_code == 200
        here = await identity.browser()
        await here.sign_in(person["email"])
        await full_step()
        assert (await here.show(code=old.code(1))).status_code == 401
        assert (await here.show(recovery_code=old_codes[0])).status_code == 401
        assert (await here.show(code=new.code())).status_code == 200

    async def test_new_recovery_codes_end_the_old_ones(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        assert (await browser("POST", "two-factor/recovery-codes")).status_code == 409
        _, old = await browser.enrol()
        new = (await browser("POST", "two-factor/recovery-codes")).json()["recovery_codes"]
        assert len({*old, *new}) == 20
        assert len(await identity.events("recovery_codes_replaced", person["id"])) == 1
        here = await identity.browser()
        await here.sign_in(person["email"])
        assert (await here.show(recovery_code=old[0])).status_code == 401
        assert (await here.show(recovery_code=new[0])).status_code == 200

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "two-factor/enrol"), ("POST", "two-factor/recovery-codes"), ("DELETE", "two-factor")],
    )
    async def test_an_open_screen_is_not_enough(self, identity: Identity, method: str, path: str) -> None:
        browser = await identity.browser(await identity.person(await identity.client()))
        await browser.enrol()
        answer = await (await aged(browser))(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.step_up_required")
        assert (await browser("GET", "two-factor")).json()["recovery_codes_left"] == 10

    async def test_nothing_of_it_is_kept_in_clear(self, identity: Identity) -> None:
        """S3."""
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        waiting = (await browser("POST", "two-factor/enrol")).json()["secret"]
        app, codes = await browser.enrol()
        plain = [code.replace("-", "") for code in codes]
        assert await identity.kept(waiting, app.secret, *codes, *plain) == []


class TestReset:
    """Staff help somebody who lost everything."""

    async def test_it_takes_the_factor_and_ends_the_sessions(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        browser = await identity.browser(person)
        _, codes = await browser.enrol()
        clara = await identity.browser(await identity.person(policies=["managePeople", "managePortalAccess"]))
        assert (await clara("DELETE", f"people/{person['id']}/two-factor")).status_code == 204
        assert await browser.record() is None
        assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
        (gone,) = await identity.events("second_factor_disabled", person["id"])
        assert gone.actorid == clara.actor.id
        here = await identity.browser(person)
        assert here.actor.id
        assert (await here.show(recovery_code=codes[0])).status_code == 401
        assert (await clara("DELETE", f"people/{person['id']}/two-factor")).status_code == 409

    async def test_only_some_may_and_only_just_after_a_proof(self, identity: Identity) -> None:
        person = await identity.person(await identity.client(), is_primary_contact=True)
        owner = await identity.browser(person)
        await owner.enrol()
        path = f"people/{person['id']}/two-factor"
        member = await identity.browser(await identity.person(policies=["manageClients"]))
        clara = await identity.browser(await identity.person(policies=["managePeople"]))
        refused = [await each("DELETE", path) for each in (owner, member, await aged(clara))]
        assert [answer.status_code for answer in refused] == [403] * 3
        assert refused[2].json()["code"] == "auth.step_up_required"
        assert (await owner("GET", "two-factor")).json()["enabled"] is True

    async def test_nobody_becomes_somebody_who_may_do_more(self, identity: Identity) -> None:
        """Z4: without its second factor an account is half open."""
        boss = await identity.person(policies=["managePeople", "viewAudit"])
        theirs = await identity.browser(boss)
        await theirs.enrol()
        clara = await identity.browser(await identity.person(policies=["managePeople"]))
        answer = await clara("DELETE", f"people/{boss['id']}/two-factor")
        assert (answer.status_code, answer.json()["code"]) == (403, "person.holds_more")
        assert await theirs.record()
        assert (await theirs("GET", "two-factor")).json()["enabled"] is True

    async def test_nobody_is_nobody(self, identity: Identity) -> None:
        fresh = msgspec.structs.replace(ADMIN, proven_at=now())
        assert (await identity.api(fresh, "DELETE", f"people/{uuid4()}/two-factor")).status_code == 404
