"""The stand-in services as somebody comes in for the first time, forgets a password, or changes an address."""

from typing import Any

from aiohttp import web

from tests.portal.standin import ACME, BIRCH, Standin, person, problem, signed_in, uid

TOKEN = "t" * 43
"""The one link that works, for whatever it is shown."""
ACCEPTED = "a" * 43
"""The one that was accepted."""
INVITED = "mara@acme.example"


class Accounts(Standin):
    """`state["invitation"]` is what the link lets in to; `state["waiting_for"]` whose confirmation is missing."""

    def reset(self) -> None:
        super().reset()
        self.state |= {
            "invitation": {
                "email": INVITED,
                "first_name": "Mara",
                "last_name": "Voss",
                "client_name": "Acme GmbH",
                "company_name": "Northwind Studio",
                "sign_in_methods": ["magic_link", "password"],
                "expires_at": "2026-12-01T12:00:00Z",
                "invited_by": "Lena Fuchs",
                "ahead": {"projects": [{"name": "Relaunch", "role": "viewer"}], "more": 2, "every_project": False},
            },
            "waiting_for": "old",
            "organisations": [
                {
                    "client_id": ACME,
                    "person_id": uid(61),
                    "name": "Acme GmbH",
                    "current": True,
                    "home": True,
                    "obstacle": "",
                },
            ],
            "join_refused": "",
            "elsewhere": False,
        }

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("POST", "/auth/forgot-password", self.accepted),
            ("POST", "/auth/reset-password", self.with_link),
            ("POST", "/auth/verify-email", self.with_link),
            ("POST", "/auth/confirm-email", self.confirm_address),
            ("POST", "/auth/invitation", self.look),
            ("POST", "/auth/mailed-link", self.look_at_mailed_link),
            ("POST", "/auth/register", self.register),
            ("GET", "/auth/organisations", self.organisations),
            ("POST", "/auth/organisations/join", self.join),
            ("POST", "/auth/switch-organisation", self.switch),
            ("POST", "/people/me/email", self.accepted),
            ("POST", "/people/me/email/verification", self.accepted),
            ("POST", "/people/me/password", self.change_password),
        ]

    async def accepted(self, _request: web.Request) -> web.Response:
        return web.json_response(None, status=202)

    async def look_at_mailed_link(self, request: web.Request) -> web.Response:
        return await self._refusal(request) or web.json_response({"email": INVITED})

    async def with_link(self, request: web.Request) -> web.Response:
        return await self._refusal(request) or web.Response(status=204)

    async def confirm_address(self, request: web.Request) -> web.Response:
        waiting = self.state["waiting_for"]
        return await self._refusal(request) or web.json_response({"done": not waiting, "waiting_for": waiting})

    async def look(self, request: web.Request) -> web.Response:
        if self.state["invitation"].get("elsewhere"):
            return problem(403, "organisation.network", "This organisation is open from certain networks only.")
        return await self._refusal(request) or web.json_response(self.state["invitation"])

    async def register(self, request: web.Request) -> web.Response:
        if "email" in await request.json():
            return web.Response(status=202)
        return await self._refusal(request) or signed_in("approver@acme.example")

    async def organisations(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.state["organisations"]})

    async def join(self, request: web.Request) -> web.Response:
        if code := self.state["join_refused"]:
            return problem(401 if code.startswith("auth") else 409, code, "This was asked to fail.")
        return await self._refusal(request) or web.json_response({"client_id": BIRCH})

    async def switch(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["client_id"]
        found = next((each for each in self.state["organisations"] if each["client_id"] == wanted), None)
        if found is None:
            return problem(404, "not_found", "There is nothing here, or it is not yours to see.")
        if found["obstacle"]:
            return problem(409, "organisation.sign_in_again", "Sign in again.")
        answer = web.json_response(person("approver@acme.example") | {"client_name": found["name"]})
        answer.set_cookie("portal_session", "elsewhere", httponly=True, samesite="Lax", path="/")
        return answer

    async def change_password(self, request: web.Request) -> web.Response:
        if self.state["elsewhere"]:
            return problem(
                409, "account.elsewhere", "You manage your sign-in methods at another of your organisations."
            )
        if (await request.json())["current"] != "my present words":
            wrong = {"errors": [{"field": "current", "message": "This is not your current password."}]}
            return problem(422, "person.current_password_wrong", "This is not your current password.", **wrong)
        answer = web.Response(status=204)
        answer.set_cookie("portal_session", "renewed", httponly=True, samesite="Lax")
        return answer

    async def _refusal(self, request: web.Request) -> web.Response | None:
        body = await request.json()
        if body["token"] == ACCEPTED:
            return problem(401, "auth.invitation_accepted", "This invitation was accepted already. Sign in.")
        if body["token"] != TOKEN:
            return problem(401, "auth.token_invalid", "This link cannot be used.")
        if body.get("password") == "password1234":
            easy = {"errors": [{"field": "password", "message": "This password is too easy to guess."}]}
            return problem(422, "person.password_too_easy", "This password is too easy to guess.", **easy)
        return None
