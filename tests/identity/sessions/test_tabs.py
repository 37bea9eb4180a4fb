"""Sign-ins begun side by side in one browser: in two tabs, or by another method while a mail is on its way."""

from services.identity.second_factors.models import new_recovery_code
from tests.identity.passkeys.rig import options, registered
from tests.identity.rig import Identity
from tests.identity.single_sign_on.rig import organisation


async def test_what_was_begun_in_one_browser_is_finished_there_in_any_order(identity: Identity) -> None:
    """A link, a code, two ways to a provider and back, a passkey and a second step, each for another person."""
    linked, coded = [await identity.person(await identity.client()) for _ in range(2)]
    careful = await identity.person(await identity.client())
    _, codes = await (await identity.browser(careful)).enrol()
    keyed, _, authenticator = await registered(identity)
    async with organisation(identity) as acme:
        acme.seat(await acme.person())
        browser = await identity.browser()
        await browser.ask_for_link(linked["email"])
        ways = [await acme.leave(browser), await acme.leave(browser)]
        assert (await browser.sign_in(careful["email"])).json()["next"] == "second_factor"
        challenge = await options(browser, "auth/passkey/options")
        await browser.ask_for_link(coded["email"])
        mail, other = await identity.mail_to(linked["email"]), await identity.mail_to(coded["email"])
        finished = [
            await browser.redeem(token=mail.token),
            await browser.redeem(code=other.code),
            *[await browser("POST", "auth/sso/callback", json=await acme.idp.visit(way)) for way in ways],
            await browser("POST", "auth/passkey", json={"credential": authenticator.sign(challenge)}),
            await browser("POST", "auth/second-factor", json={"recovery_code": codes[0]}),
        ]
    assert [answer.status_code for answer in finished] == [200] * 6
    people = [finished[at].json()["person"]["id"] for at in (0, 1, 4, 5)]
    assert people == [linked["id"], coded["id"], keyed["id"], careful["id"]]


async def test_what_is_typed_is_a_guess_at_every_code_the_browser_waits_for(identity: Identity) -> None:
    """Several addresses in one browser give nobody more guesses at one of them."""
    first, second = [await identity.person(await identity.client()) for _ in range(2)]
    browser = await identity.browser()
    for person in (first, second):
        await browser.ask_for_link(person["email"])
    mails = [await identity.mail_to(person["email"]) for person in (first, second)]
    wrong = next(code for code in ("000000", "111111", "222222") if code not in {mail.code for mail in mails})
    assert {(await browser.redeem(code=wrong)).status_code for _ in range(5)} == {401}
    assert [(await browser.redeem(code=mail.code)).status_code for mail in mails] == [401, 401]


async def test_a_code_where_nothing_waits_is_not_called_wrong_and_not_used_up(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    _, codes = await (await identity.browser(person)).enrol()
    answer = await (await identity.browser()).show(recovery_code=codes[0])
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.nothing_pending")
    browser = await identity.browser()
    await browser.sign_in(person["email"])
    wrong = await browser.show(recovery_code=new_recovery_code())
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.second_factor_invalid")
    assert (await browser.show(recovery_code=codes[0])).status_code == 200
