"""Somebody who works for two clients, as the tests make them."""

from typing import Any

import httpx2
import pytest

from tests.identity.rig import ADMIN, Browser, Identity

HOME = {"sign_in_methods": ["magic_link", "password", "passkey"]}


class Consultant:
    """Anna signs in at Acme with a password, and is invited by Birch."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def arrive(self, **birch: Any) -> "Consultant":
        identity = self.identity
        self.acme = await identity.client("Acme GmbH", **HOME)
        self.birch = await identity.client("Birch Ltd", **HOME | birch)
        self.anna = await identity.person(self.acme)
        self.email: str = self.anna["email"]
        self.guest, self.token = await self.invite(self.birch)
        self.browser = await identity.browser(self.anna)
        return self

    async def invite(self, client_id: str, email: str = "") -> tuple[dict[str, Any], str]:
        """A contact of this client with Anna's address, and the token of their invitation."""
        email = email or self.email
        before = len(await self.identity.mails_written(email))
        body = {"first_name": "Anna", "last_name": "Keller-Birch", "email": email}
        answer = await self.identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
        assert answer.status_code == 201, answer.text
        guest = await self.staff("POST", f"contacts/{answer.json()['id']}/portal-access/enable")
        assert guest.json()["invitation"]["status"] in ("waiting", "sent")
        return guest.json(), (await self.identity.mail_to(email, before + 1)).token

    async def staff(self, method: str, path: str, **request: Any) -> httpx2.Response:
        answer = await self.identity.api(ADMIN, method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer

    async def join(self, browser: Browser | None = None, token: str = "") -> httpx2.Response:
        browser = browser or self.browser
        return await browser("POST", "auth/organisations/join", json={"token": token or self.token})

    async def joined(self) -> "Consultant":
        answer = await self.join()
        assert (answer.status_code, answer.json()) == (200, {"client_id": self.birch}), answer.text
        return self

    async def switch(self, client_id: str, browser: Browser | None = None) -> httpx2.Response:
        """Ask to go there; the browser is then whom the gateway takes it for."""
        browser = browser or self.browser
        answer = await browser("POST", "auth/switch-organisation", json={"client_id": client_id})
        if answer.status_code == 200:
            await browser.refresh()
        return answer

    async def organisations(self, browser: Browser | None = None) -> list[dict[str, Any]]:
        return (await (browser or self.browser)("GET", "auth/organisations")).json()["items"]

    async def signs_in(self, **more: str) -> Browser:
        """A new browser, signed in with the password."""
        browser = await self.identity.browser()
        answer = await browser.sign_in(self.email, **more)
        assert answer.status_code == 200, answer.text
        return browser

    async def row(self, person: dict[str, Any]) -> dict[str, Any]:
        ((row),) = await self.identity.execute("select * from people where id = $1", person["id"])
        return dict(row)

    async def told(self, client_id: str) -> str:
        """All that the outbox has for one client."""
        return "\n".join(str(each) for each in await self.identity.api.published() if str(each.clientid) == client_id)


@pytest.fixture
async def invited(identity: Identity) -> Consultant:
    return await Consultant(identity).arrive()


@pytest.fixture
async def both(identity: Identity) -> Consultant:
    return await (await Consultant(identity).arrive()).joined()
