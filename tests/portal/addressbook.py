"""The stand-in services as those use them who look after clients and their contacts."""

from typing import Any

from aiohttp import web

from tests.portal.hooks import Hooks
from tests.portal.standin import ACME, BIRCH, ago, missing, one, page, problem, uid

SABINE, JEAN, ANNA_K, OTTO, LAYLA = (uid(number) for number in (81, 82, 83, 84, 85))
BULK = uid(95)
NEVER = {"status": "none", "sent_at": None, "expires_at": None}


def contact(of: str, first: str, last: str, email: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": of,
        "client_id": ACME,
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "email": email,
        "phone": "",
        "title": "",
        "language": "en",
        "active": True,
        "is_primary_contact": False,
        "portal_access": False,
        "has_account": False,
        "two_factor": False,
        "last_sign_in_at": None,
        "invitation": dict(NEVER),
        **more,
    }


def contacts() -> list[dict[str, Any]]:
    """One of each state somebody can be in."""
    invited = {"status": "sent", "sent_at": ago(days=2), "expires_at": ago(days=-12)}
    failed = {"status": "failed", "sent_at": None, "expires_at": ago(days=-12)}
    seen = {"portal_access": True, "has_account": True, "last_sign_in_at": ago(hours=3), "two_factor": True}
    return [
        contact(ANNA_K, "Anna", "Keller", "approver@acme.example", is_primary_contact=True, title="Marketing", **seen),
        contact(SABINE, "Sabine", "Vogt", "sabine.vogt@acme.example", portal_access=True, invitation=invited),
        contact(OTTO, "Otto", "Wrong", "otto@bounces.example", portal_access=True, invitation=failed),
        contact(JEAN, "Jean-Luc", "Martin", None, phone="+33 1 5550 4410", title="Trade fairs"),
        contact(LAYLA, "ليلى", "حداد", "layla@acme.example", title="Managing director", active=False),
    ]


def progress(**more: Any) -> dict[str, Any]:
    """An invitation of 47, a third of the way."""
    counts = {"total": 47, "sent": 15, "failed": 0, "skipped": 1, "waiting": 31}
    return {
        "id": BULK,
        "client_id": None,
        "client_name": None,
        "created_at": ago(seconds=5),
        **counts,
        "done": False,
        "failures": [],
        **more,
    }


FILE = '\ufeff"Vorname","Nachname"\r\n"ليلى","حداد"\r\n'.encode()
"""Not what can be decoded as JSON."""
FAILURES = [
    {"person_id": OTTO, "client_id": ACME, "name": "Otto Wrong", "status": "failed", "reason": "refused"},
    {"person_id": JEAN, "client_id": ACME, "name": "Jean-Luc Martin", "status": "skipped", "reason": "not_found"},
]


class AddressBook(Hooks):
    """`state["bulk"]` is the one invitation of many there is, `state["preview"]` what it would do."""

    def reset(self) -> None:
        super().reset()
        self.state["contacts"] = contacts()
        self.state["preview"] = {"eligible": 47, "already_invited": 12, "total": 64, "running": None}
        self.state["bulk"] = progress()
        for client in self.state["clients"]:
            client |= {"portal_user_id": None, "sign_in_methods": ["magic_link"], "second_factor": "optional"}
            client |= {"allowed_networks": [], "allowed_domains": [], "team_invites": True, "language": "en"}
            client |= {"closed_modules": [], "closed_actions": []}
        self.state["clients"][0] |= {"portal_user_id": ANNA_K, "allowed_networks": ["192.0.2.0/24", "2001:db8::/32"]}

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("GET", "/clients/{id}/contacts", self.list_contacts),
            ("GET", "/clients/{id}/contacts.csv", self.export_contacts),
            ("POST", "/clients/{id}/contacts", self.create_contact),
            ("POST", "/clients/{id}/portal/{what}", self.switch_portal),
            ("GET", "/contacts/{id}", self.get_contact),
            ("PATCH", "/contacts/{id}", self.change_contact),
            ("POST", "/contacts/{id}/move", self.change_contact),
            ("POST", "/contacts/{id}/portal-access/{what}", self.switch_access),
            ("POST", "/contacts/{id}/invitation/resend", self.get_contact),
            ("GET", "/invitations/bulk/preview", self.get_preview),
            ("GET", "/invitations/bulk/recipients", self.recipients),
            ("GET", "/invitations/bulk/{id}/recipients", self.outcomes),
            ("POST", "/invitations/bulk", self.start_bulk),
            ("GET", "/invitations/bulk/{id}", self.get_bulk),
        ]

    async def clients(self, request: web.Request) -> web.Response:
        def fits(client: dict[str, Any]) -> bool:
            asked = {"active": str(client["active"]).lower(), "portal": str(client["portal_enabled"]).lower()}
            wanted = {name: request.query[name] for name in asked if name in request.query}
            of = request.query.get("variant", client["variant"])
            return of == client["variant"] and all(asked[name] == value for name, value in wanted.items())

        needle = request.query.get("q", "").lower()
        return page([each for each in self.state["clients"] if needle in each["name"].lower() and fits(each)], request)

    async def export_contacts(self, _request: web.Request) -> web.Response:
        return web.Response(body=FILE, content_type="text/csv", charset="utf-8")

    async def list_contacts(self, request: web.Request) -> web.Response:
        of, needle = request.match_info["id"], request.query.get("q", "").lower()
        if of not in (ACME, BIRCH):
            return missing()
        found = [each for each in self.state["contacts"] if each["client_id"] == of and needle in each["name"].lower()]
        if request.query.get("reachable") == "true":
            found = [each for each in found if each["active"] and each["email"]]
        return page(found, request)

    async def create_contact(self, request: web.Request) -> web.Response:
        body = await request.json()
        made = contact(uid(89), body["first_name"], body["last_name"], None) | body
        self.state["contacts"].append(made | {"client_id": request.match_info["id"]})
        return web.json_response(self.state["contacts"][-1], status=201)

    async def switch_portal(self, request: web.Request) -> web.Response:
        client = next(each for each in self.state["clients"] if each["id"] == request.match_info["id"])
        on = request.match_info["what"] == "enable"
        body = await request.json() if on else {}
        client |= {"portal_enabled": on, "portal_user_id": body.get("user_id", client["portal_user_id"])}
        return web.json_response(client)

    async def get_contact(self, request: web.Request) -> web.Response:
        found = [*self.state["contacts"], *(each for each in self.state["people"] if each["client_id"])]
        return one(found, request)

    async def change_contact(self, request: web.Request) -> web.Response:
        found = next(each for each in self.state["contacts"] if each["id"] == request.match_info["id"])
        changes = await request.json()
        found |= changes | ({"invitation": dict(NEVER)} if "email" in changes else {})  # a link is for one address
        return web.json_response(found)

    async def switch_access(self, request: web.Request) -> web.Response:
        found = next(each for each in self.state["contacts"] if each["id"] == request.match_info["id"])
        if request.match_info["what"] == "enable" and not found["email"]:
            lacks = {"field": "email", "message": "The contact has no e-mail address."}
            return problem(422, "contact.not_ready", lacks["message"], errors=[lacks])
        found["portal_access"] = request.match_info["what"] == "enable"
        return web.json_response(found)

    async def get_preview(self, _request: web.Request) -> web.Response:
        return web.json_response(self.state["preview"])

    async def recipients(self, request: web.Request) -> web.Response:
        def told(each: dict[str, Any], reason: str) -> dict[str, Any]:
            known = {name: each[name] for name in ("client_id", "name", "email")}
            projects = [{"name": "Website relaunch", "role": "approver"}] if each["id"] == OTTO else []
            person = {"person_id": each["id"], "client_name": "Acme GmbH", "reason": reason, "projects": projects}
            return {**known, **person}

        _, sabine, otto, jean, _ = self.state["contacts"]
        left_out = [told(sabine, "invited"), told(jean, "no_address")]
        return page([told(otto, "")] if request.query["invited"] == "true" else left_out, request)

    async def outcomes(self, request: web.Request) -> web.Response:
        rows = [("sent", "", SABINE, "Sabine Vogt"), ("failed", "refused", OTTO, "Otto Wrong")]
        told = [
            {"person_id": of, "client_id": ACME, "name": name, "email": None, "status": status, "reason": reason}
            for status, reason, of, name in rows
        ]
        return page(told, request) if request.match_info["id"] == BULK else missing()

    async def start_bulk(self, request: web.Request) -> web.Response:
        self.state["bulk"] |= {"client_id": (await request.json())["client_id"]}
        return web.json_response(self.state["bulk"], status=202)

    async def get_bulk(self, request: web.Request) -> web.Response:
        return web.json_response(self.state["bulk"]) if request.match_info["id"] == BULK else missing()
