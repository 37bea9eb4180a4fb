"""One of everything that works once, and a way to try it: what the races of A2 are run with."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec

from services.identity.invitations.commands import invite
from services.identity.people.models import Person
from tests.identity import partners
from tests.identity.authenticator import Authenticator
from tests.identity.rig import ADMIN, PASSWORD, App, Browser, Identity, full_step, somewhere
from tests.identity.single_sign_on.rig import organisation

Try = Callable[[], Awaitable[httpx2.Response]]
"""One try, from an address of its own. Every one of them by itself would be good."""
Maker = Callable[[Identity], AbstractAsyncContextManager[Try]]
NAMES = {"first_name": "Anna", "last_name": "Keller"}


def tried(identity: Identity, browser: Browser, path: str, body: dict[str, Any]) -> Try:
    """A try to POST this in a copy of the browser: the same cookies and session, elsewhere."""

    async def once() -> httpx2.Response:
        copy = Browser(identity, msgspec.structs.replace(browser.actor, ip=somewhere().ip))
        copy.cookies = dict(browser.cookies)
        return await copy("POST", path, json=body)

    return once


async def somebody(identity: Identity, **fields: Any) -> dict[str, Any]:
    return await identity.person(await identity.client(), **fields)


async def mailed(identity: Identity, **fields: Any) -> tuple[Browser, Any]:
    """A browser that asked for a link, and the mail."""
    person, browser = await somebody(identity, **fields), await identity.browser()
    await browser.ask_for_link(person["email"])
    return browser, await identity.mail_to(person["email"])


@asynccontextmanager
async def magic_link(identity: Identity) -> AsyncIterator[Try]:
    browser, mail = await mailed(identity)
    yield tried(identity, browser, "auth/magic-link/consume", {"token": mail.token})


@asynccontextmanager
async def magic_link_code(identity: Identity) -> AsyncIterator[Try]:
    browser, mail = await mailed(identity)
    yield tried(identity, browser, "auth/magic-link/consume", {"code": mail.code})


async def paused(identity: Identity) -> tuple[Browser, App, list[str]]:
    """A sign-in that waits for its second step."""
    person = await somebody(identity)
    app, codes = await (await identity.browser(person)).enrol()
    browser = await identity.browser()
    assert (await browser.sign_in(person["email"])).json()["next"] == "second_factor"
    return browser, app, codes


@asynccontextmanager
async def second_factor(identity: Identity) -> AsyncIterator[Try]:
    """One sign-in, and another recovery code each time."""
    browser, _, codes = await paused(identity)
    left = iter(codes)

    async def once() -> httpx2.Response:
        return await tried(identity, browser, "auth/second-factor", {"recovery_code": next(left, codes[0])})()

    yield once


@asynccontextmanager
async def recovery_code(identity: Identity) -> AsyncIterator[Try]:
    """One recovery code, and another sign-in each time, as far as there are any."""
    person = await somebody(identity)
    _, codes = await (await identity.browser(person)).enrol()
    browsers: list[Browser] = []
    for _ in range(10):
        browsers.append(await identity.browser())
        await browsers[-1].sign_in(person["email"])
    left = iter(browsers)

    async def once() -> httpx2.Response:
        return await tried(identity, next(left, browsers[0]), "auth/second-factor", {"recovery_code": codes[0]})()

    yield once


@asynccontextmanager
async def enrol(identity: Identity) -> AsyncIterator[Try]:
    person = await identity.person(await identity.client(second_factor="required"))
    browser = await identity.browser()
    await browser.sign_in(person["email"])
    app = App((await browser("POST", "auth/second-factor/enrol")).json()["secret"])
    await full_step()
    yield tried(identity, browser, "auth/second-factor/enrol/confirm", {"code": app.code()})


@asynccontextmanager
async def step_up_code(identity: Identity) -> AsyncIterator[Try]:
    browser, mail = await mailed(identity, password=None)
    await browser.redeem(token=mail.token)
    await browser.refresh()
    await browser("POST", "auth/step-up/mail")
    code = (await identity.mail_to(mail.message["To"], 2)).code
    yield tried(identity, browser, "auth/step-up", {"mail_code": code})


@asynccontextmanager
async def password_reset(identity: Identity) -> AsyncIterator[Try]:
    person, browser = await somebody(identity), await identity.browser()
    await browser("POST", "auth/forgot-password", json={"email": person["email"]})
    token = (await identity.mail_to(person["email"])).token
    yield tried(identity, browser, "auth/reset-password", {"token": token, "password": PASSWORD})


@asynccontextmanager
async def invitation(identity: Identity) -> AsyncIterator[Try]:
    person, browser = await somebody(identity, password=None), await identity.browser()
    async with identity.api.app.state.database.uow(ADMIN) as db:
        found = await db.get(Person, UUID(person["id"]))
        assert found
        await invite(db, ADMIN, found)
    token = (await identity.mail_to(person["email"])).token
    yield tried(identity, browser, "auth/register", {"token": token, **NAMES})


@asynccontextmanager
async def registration(identity: Identity) -> AsyncIterator[Try]:
    domain = f"{uuid4().hex[:12]}.example"
    await identity.client(allowed_domains=[domain])
    browser = await identity.browser()
    await browser("POST", "auth/register", json={"email": f"anna@{domain}", **NAMES})
    token = (await identity.mail_to(f"anna@{domain}")).token
    yield tried(identity, browser, "auth/register", {"token": token, **NAMES})


@asynccontextmanager
async def email_verification(identity: Identity) -> AsyncIterator[Try]:
    person = await somebody(identity)
    browser = await identity.browser(person)
    await browser("POST", "people/me/email/verification")
    token = (await identity.mail_to(person["email"])).token
    yield tried(identity, browser, "auth/verify-email", {"token": token})


async def moving(identity: Identity) -> tuple[Browser, str, str]:
    """Somebody changing their address: a browser, and the links to the old one and to the new one."""
    person = await somebody(identity)
    browser = await identity.browser(person)
    new = f"{uuid4().hex[:16]}@acme.example"
    await browser("POST", "people/me/email", json={"email": new})
    return browser, (await identity.mail_to(person["email"])).token, (await identity.mail_to(new)).token


@asynccontextmanager
async def email_change(identity: Identity) -> AsyncIterator[Try]:
    browser, _, to_new = await moving(identity)
    yield tried(identity, browser, "auth/confirm-email", {"token": to_new})


@asynccontextmanager
async def email_change_notice(identity: Identity) -> AsyncIterator[Try]:
    browser, to_old, _ = await moving(identity)
    yield tried(identity, browser, "auth/confirm-email", {"token": to_old})


async def key(identity: Identity) -> tuple[Browser, Authenticator]:
    """Somebody signed in, with a passkey."""
    browser, device = await identity.browser(await somebody(identity)), Authenticator()
    credential = device.make((await browser("POST", "passkeys/options", json={})).json()["options"])
    answer = await browser("POST", "passkeys", json={"name": "Laptop", "credential": credential})
    assert answer.status_code == 201, answer.text
    return browser, device


@asynccontextmanager
async def passkey_registration(identity: Identity) -> AsyncIterator[Try]:
    """One challenge, and another device each time."""
    browser = await identity.browser(await somebody(identity))
    asked = (await browser("POST", "passkeys/options", json={})).json()["options"]

    async def once() -> httpx2.Response:
        body = {"name": "Laptop", "credential": Authenticator().make(asked)}
        return await tried(identity, browser, "passkeys", body)()

    yield once


@asynccontextmanager
async def passkey_sign_in(identity: Identity) -> AsyncIterator[Try]:
    _, device = await key(identity)
    browser = await identity.browser()
    asked = (await browser("POST", "auth/passkey/options", json={})).json()["options"]
    yield tried(identity, browser, "auth/passkey", {"credential": device.sign(asked)})


@asynccontextmanager
async def passkey_step_up(identity: Identity) -> AsyncIterator[Try]:
    browser, device = await key(identity)
    asked = (await browser("POST", "auth/step-up/passkey/options", json={})).json()["options"]
    yield tried(identity, browser, "auth/step-up/passkey", {"credential": device.sign(asked)})


@asynccontextmanager
async def single_sign_on(identity: Identity) -> AsyncIterator[Try]:
    async with organisation(identity) as acme:
        acme.seat(await acme.person())
        browser = await identity.browser()
        brought = await acme.idp.visit(await acme.leave(browser))
        yield tried(identity, browser, "auth/sso/callback", brought)


@asynccontextmanager
async def client_assertion(identity: Identity) -> AsyncIterator[Try]:
    made = await partners.create(identity, auth_method="private_key_jwt", jwks=partners.JWKS)
    form = partners.assertion(made["id"])

    async def once() -> httpx2.Response:
        return await partners.ask(identity, form=form)

    yield once


MAKERS: dict[str, Maker] = {
    "magic_link": magic_link,
    "magic_link_code": magic_link_code,
    "second_factor": second_factor,
    "enrol": enrol,
    "recovery_code": recovery_code,
    "step_up_code": step_up_code,
    "password_reset": password_reset,
    "invitation": invitation,
    "registration": registration,
    "email_verification": email_verification,
    "email_change": email_change,
    "email_change_notice": email_change_notice,
    "passkey_registration": passkey_registration,
    "passkey_sign_in": passkey_sign_in,
    "passkey_step_up": passkey_step_up,
    "single_sign_on": single_sign_on,
    "client_assertion": client_assertion,
}
"""By the names of the registry in `services.identity.single_use`."""
