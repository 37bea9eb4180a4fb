"""The stand-in services as somebody uses passkeys, and an organisation's own sign-in."""

from typing import Any

from aiohttp import web

from tests.portal.access import FLOW, Access, rotated
from tests.portal.standin import ago, missing, person, problem, signed_in, uid

CREDENTIAL = {"id": "abc", "response": {"signature": "good"}}
PROVIDER = "https://login.acme.example/authorize?client_id=portal&state=s-1&scope=openid+email"
DOMAIN = "acme.example"
SETTINGS = {
    "issuer": "https://login.acme.example",
    "oauth_client_id": "portal",
    "domains": ["acme.de", "acme.example"],
    "linked_people": 2,
    "updated_at": ago(days=2),
}
NO_SETTINGS = {"issuer": None, "oauth_client_id": None, "domains": [], "linked_people": 0, "updated_at": None}


class Keyring(Access):
    """A credential is good if it is `CREDENTIAL`; an address is an organisation's if its domain is `DOMAIN`."""

    def reset(self) -> None:
        super().reset()
        self.state["single_sign_on"] = dict(NO_SETTINGS)

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("POST", "/passkeys", self.add_passkey),
            ("PATCH", "/passkeys/{id}", self.rename_passkey),
            ("DELETE", "/passkeys/{id}", self.remove_passkey),
            ("POST", "/auth/passkey", self.enter_by_passkey),
            ("POST", "/auth/step-up/passkey", self.prove_by_passkey),
            ("POST", "/auth/sso", self.begin_sso),
            ("POST", "/auth/sso/domain", self.look_at_domain),
            ("POST", "/auth/sso/callback", self.finish_sso),
            ("GET", "/clients/{id}/single-sign-on", self.get_settings),
            ("PUT", "/clients/{id}/single-sign-on", self.put_settings),
            ("DELETE", "/clients/{id}/single-sign-on", self.delete_settings),
        ]

    async def add_passkey(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data["credential"] != CREDENTIAL:
            return problem(422, "passkey.unusable", "The passkey could not be added. Start again.")
        made = {"id": uid(300), "name": data["name"], "created_at": ago(seconds=1), "last_used_at": None}
        self.state["passkeys"].append(made)
        return web.json_response(made, status=201)

    async def rename_passkey(self, request: web.Request) -> web.Response:
        passkey = self._passkey(request)
        if passkey is None:
            return missing()
        passkey |= await request.json()
        return web.json_response(passkey)

    async def remove_passkey(self, request: web.Request) -> web.Response:
        if stale := self._stale():
            return stale
        passkey = self._passkey(request)
        if passkey is None:
            return missing()
        self.state["passkeys"].remove(passkey)
        return rotated(web.Response(status=204))

    def _passkey(self, request: web.Request) -> dict[str, Any] | None:
        return next((each for each in self.state["passkeys"] if each["id"] == request.match_info["id"]), None)

    async def enter_by_passkey(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data["credential"] is None:
            return problem(422, "invalid", "Some of what was sent is not right.")
        if data["credential"] != CREDENTIAL or request.cookies.get("portal_flow") != FLOW:
            return problem(401, "auth.passkey_refused", "This passkey was not accepted.")
        return signed_in("approver@acme.example")

    async def prove_by_passkey(self, request: web.Request) -> web.Response:
        if (await request.json())["credential"] != CREDENTIAL:
            return problem(422, "auth.proof_invalid", "This does not prove that it is you. Try again.")
        self.state |= {"fresh": True, "fresh_minutes": 9}
        return rotated(web.json_response(person("approver@acme.example")))

    async def look_at_domain(self, request: web.Request) -> web.Response:
        return web.json_response({"known": (await request.json())["email"].endswith(f"@{DOMAIN}")})

    async def begin_sso(self, request: web.Request) -> web.Response:
        known = (await request.json())["email"].endswith(f"@{DOMAIN}")
        answer = web.json_response({"location": PROVIDER if known else None})
        answer.set_cookie("portal_flow", FLOW, httponly=True, samesite="Lax", path="/")
        return answer

    async def finish_sso(self, request: web.Request) -> web.Response:
        good = await request.json() == {"code": "c-1", "state": "s-1", "iss": "https://login.acme.example"}
        if not good or request.cookies.get("portal_flow") != FLOW:
            return problem(401, "auth.sso_refused", "Your organisation's sign-in leads to no account here.")
        return signed_in("approver@acme.example")

    async def get_settings(self, request: web.Request) -> web.Response:
        redirect = {"redirect_uri": "https://portal.example/sign-in/sso/callback"}
        return web.json_response(self.state["single_sign_on"] | redirect)

    async def put_settings(self, request: web.Request) -> web.Response:
        if stale := self._stale():
            return stale
        data = await request.json()
        data.pop("client_secret", None)
        self.state["single_sign_on"] = SETTINGS | data
        return await self.get_settings(request)

    async def delete_settings(self, request: web.Request) -> web.Response:
        self.state["single_sign_on"] = dict(NO_SETTINGS)
        return self._stale() or web.Response(status=204)
