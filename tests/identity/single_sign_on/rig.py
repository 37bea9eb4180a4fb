"""A client whose people sign in at their own provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2

from services.identity.single_sign_on.openid import CALLBACK
from tests.identity.idp import CLIENT, SECRET, IdentityProvider, running_idp
from tests.identity.rig import ADMIN, PUBLIC_URL, Browser, Identity, somewhere

REFUSED = (401, "auth.sso_refused")


class Organisation:
    """A client, its provider, and a domain of its own."""

    def __init__(self, identity: Identity, idp: IdentityProvider, client_id: str) -> None:
        self.identity = identity
        self.idp = idp
        self.client_id = client_id
        self.domain = f"{uuid4().hex[:12]}.example"

    async def configure(self, **changes: Any) -> httpx2.Response:
        body = {
            "issuer": self.idp.url,
            "oauth_client_id": CLIENT,
            "client_secret": SECRET,
            "domains": [self.domain],
            **changes,
        }
        body = {name: value for name, value in body.items() if value is not None}
        return await self.identity.api(ADMIN, "PUT", self.settings, json=body)

    @property
    def settings(self) -> str:
        return f"clients/{self.client_id}/single-sign-on"

    async def person(self, **fields: Any) -> dict[str, Any]:
        """Somebody of the client with an address of its domain."""
        fields = {"email": f"{uuid4().hex[:8]}@{self.domain}", **fields}
        return await self.identity.person(self.client_id, **fields)

    def seat(self, person: dict[str, Any] | None = None, **user: Any) -> None:
        """Sit somebody down at the provider: who they are there, and the address it vouches for."""
        email = person["email"] if person else f"nobody@{self.domain}"
        self.idp.user = {"sub": f"subject of {email}", "email": email, "email_verified": True, **user}

    async def leave(self, browser: Browser) -> str:
        """Set out for the provider: where the browser is sent."""
        answer = await browser("POST", "auth/sso", json={"email": f"anybody@{self.domain}"})
        assert answer.status_code == 200, answer.text
        return answer.json()["location"]

    async def come_in(self, browser: Browser | None = None, **changes: Any) -> httpx2.Response:
        """All of it: there and back, with what the provider answered or `changes` to that."""
        browser = browser or Browser(self.identity, somewhere())
        brought = await self.idp.visit(await self.leave(browser)) | changes
        return await browser(
            "POST", "auth/sso/callback", json={name: value for name, value in brought.items() if value is not None}
        )


@asynccontextmanager
async def organisation(identity: Identity, **columns: Any) -> AsyncIterator[Organisation]:
    """A client with a provider of its own, set up and running."""
    async with running_idp() as idp:
        made = Organisation(identity, idp, await identity.client(**columns))
        answer = await made.configure()
        assert answer.status_code == 200, answer.text
        yield made


def seen(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


REDIRECT_URI = PUBLIC_URL + CALLBACK
