"""The stand-in services as somebody looks after their own access: second factor, step-up, passkeys, sessions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.portal.accounts import Accounts
from tests.portal.standin import ago, missing, person, problem, signed_in, uid

CURRENT, LAPTOP, PHONE = uid(73), uid(81), uid(82)
CODE, RECOVERY, MAIL_CODE = "246810", "k7m2p6qdx3vtk7m2p6qdx3vt", "135791"
SECRET = "JBSWY3DPEHPK3PXP"
URI = f"otpauth://totp/Northwind%20Studio:approver%40acme.example?secret={SECRET}&issuer=Northwind%20Studio"
FLOW = "flow-1"
CODES = [f"{n}abc-{n}def-{n}ghi-{n}jkl-{n}mno-{n}pqr" for n in range(10)]


def ahead(**kwargs: float) -> str:
    return (datetime.now(UTC) + timedelta(**kwargs)).isoformat()


def sessions() -> list[dict[str, Any]]:
    rows = [
        (CURRENT, "desktop", "Firefox 131", "Windows 11", "203.0.113.9", ago(seconds=20), "password", True),
        (LAPTOP, "desktop", "Safari 18", "macOS 15", "198.51.100.24", ago(hours=5), "magic_link", False),
        (PHONE, "mobile", "Chrome 130", "Android 15", "2001:db8::42", ago(days=3), "passkey", False),
    ]
    return [
        {"id": of, "created_at": ago(days=9), "last_seen_at": seen, "ends_at": ahead(days=4), "method": method, "ip": ip,
         "user_agent": "", "device": device, "browser": browser, "platform": platform, "current": current}
        for of, device, browser, platform, ip, seen, method, current in rows
    ]  # fmt: skip


def rotated(answer: web.Response) -> web.Response:
    """The same, and the session goes on under another id."""
    answer.set_cookie("portal_session", "rotated", httponly=True, samesite="Lax", path="/")
    return answer


class Access(Accounts):
    """`state["fresh"]` says whether a proof is fresh, for `fresh_minutes` more; while it is not, what needs one is refused."""

    def reset(self) -> None:
        super().reset()
        self.state |= {
            "sessions": sessions(),
            "me": person("approver@acme.example"),
            "two_factor": {"enabled": False, "required": False, "recovery_codes_left": 0, "since": None},
            "passkeys": [],
            "accepted": ["magic_link", "password", "passkey"],
            "has": ["magic_link", "password"],
            "managed_here": True,
            "fresh": True,
            "fresh_minutes": 9,
            "methods": ["password"],
            "next": None,
        }

    def enrolled(self, *, left: int = 10, required: bool = False) -> None:
        """From now on the person has a second factor."""
        since = ago(days=40)
        self.state["two_factor"] = {"enabled": True, "required": required, "recovery_codes_left": left, "since": since}

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("PATCH", "/people/me", self.change_me),
            ("GET", "/sessions", self.list_sessions),
            ("DELETE", "/sessions/{id}", self.end_session),
            ("POST", "/sessions/revoke-others", self.end_others),
            ("GET", "/passkeys", self.list_passkeys),
            ("GET", "/auth/sign-in-methods", self.sign_in_methods),
            ("POST", "/auth/second-factor", self.second_factor),
            ("POST", "/auth/second-factor/enrol", self.enrol_on_the_way),
            ("POST", "/auth/second-factor/enrol/confirm", self.confirm_on_the_way),
            ("GET", "/two-factor", self.two_factor),
            ("POST", "/two-factor/enrol", self.enrol),
            ("POST", "/two-factor/confirm", self.confirm),
            ("POST", "/two-factor/recovery-codes", self.renew),
            ("DELETE", "/two-factor", self.turn_off),
            ("GET", "/auth/step-up", self.step_up),
            ("POST", "/auth/step-up", self.prove),
            ("POST", "/auth/step-up/mail", self.mail_code),
        ]

    async def login(self, request: web.Request) -> web.Response:
        answer = await super().login(request)
        if answer.status != 200 or not self.state["next"]:
            return answer
        waiting = web.json_response({"person": None, "next": self.state["next"], "methods": ["totp", "recovery_code"]})
        waiting.set_cookie("portal_pending", FLOW, httponly=True, samesite="Lax", path="/")
        return waiting

    async def second_factor(self, request: web.Request) -> web.Response:
        data = await request.json()
        if request.cookies.get("portal_pending") != FLOW:
            return problem(401, "auth.nothing_pending", "Sign in again.")
        if data not in ({"code": CODE}, {"recovery_code": RECOVERY}):
            return problem(401, "auth.second_factor_refused", "This code is not right.")
        return signed_in("approver@acme.example")

    async def enrol_on_the_way(self, request: web.Request) -> web.Response:
        if request.cookies.get("portal_pending") != FLOW:
            return problem(401, "auth.nothing_pending", "Sign in again.")
        return web.json_response({"secret": SECRET, "uri": URI})

    async def confirm_on_the_way(self, request: web.Request) -> web.Response:
        if request.cookies.get("portal_pending") != FLOW:
            return problem(401, "auth.nothing_pending", "Sign in again.")
        if (await request.json())["code"] != CODE:
            return problem(401, "auth.second_factor_refused", "This code is not right.")
        who = person("approver@acme.example") | {"session_recording": self.state.get("recorded", False)}
        answer = web.json_response({"person": who, "recovery_codes": CODES})
        answer.set_cookie("portal_session", "opaque", httponly=True, samesite="Lax", path="/")
        return answer

    async def two_factor(self, request: web.Request) -> web.Response:
        return web.json_response(self.state["two_factor"])

    async def enrol(self, request: web.Request) -> web.Response:
        return self._stale() or web.json_response({"secret": SECRET, "uri": URI})

    async def confirm(self, request: web.Request) -> web.Response:
        if (await request.json())["code"] != CODE:
            return problem(422, "two_factor.wrong_code", "This code is not right.")
        self.enrolled()
        return rotated(web.json_response({"recovery_codes": CODES}))

    async def renew(self, request: web.Request) -> web.Response:
        return self._stale() or rotated(web.json_response({"recovery_codes": CODES}))

    async def turn_off(self, request: web.Request) -> web.Response:
        if stale := self._stale():
            return stale
        if self.state["two_factor"]["required"]:
            return problem(409, "two_factor.required", "Your company asks for a second factor.")
        self.state["two_factor"]["enabled"] = False
        return rotated(web.Response(status=204))

    def _stale(self) -> web.Response | None:
        return None if self.state["fresh"] else problem(403, "auth.step_up_required", "Confirm first that it is you.")

    async def step_up(self, request: web.Request) -> web.Response:
        until = ahead(minutes=self.state["fresh_minutes"]) if self.state["fresh"] else None
        body = {"fresh": self.state["fresh"], "fresh_until": until, "methods": self.state["methods"]}
        return web.json_response(body)

    async def prove(self, request: web.Request) -> web.Response:
        good = [{"code": CODE}, {"recovery_code": RECOVERY}, {"password": " as typed "}, {"mail_code": MAIL_CODE}]
        if await request.json() not in good:
            return problem(401, "auth.step_up_refused", "This is not right.")
        self.state |= {"fresh": True, "fresh_minutes": 9}
        return rotated(web.json_response(self.state["me"]))

    async def mail_code(self, request: web.Request) -> web.Response:
        return web.Response(status=202)

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response(self.state["me"])

    async def change_me(self, request: web.Request) -> web.Response:
        self.state["me"] |= await request.json()
        return web.json_response(self.state["me"])

    async def sign_in_methods(self, _request: web.Request) -> web.Response:
        accepted, has = self.state["accepted"], self.state["has"]
        names = ("magic_link", "password", "passkey", "sso")
        items = [{"method": name, "accepted": name in accepted, "set_up": name in has} for name in names]
        return web.json_response({"items": items, "managed_here": self.state["managed_here"]})

    async def list_passkeys(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.state["passkeys"]})

    async def list_sessions(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.state["sessions"]})

    async def end_session(self, request: web.Request) -> web.Response:
        left = [each for each in self.state["sessions"] if each["id"] != request.match_info["id"]]
        if len(left) == len(self.state["sessions"]):
            return missing()
        self.state["sessions"] = left
        return web.Response(status=204)

    async def end_others(self, request: web.Request) -> web.Response:
        before = len(self.state["sessions"])
        self.state["sessions"] = [each for each in self.state["sessions"] if each["current"]]
        return web.json_response({"revoked": before - len(self.state["sessions"])})
