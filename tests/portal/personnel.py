"""The stand-in services as those use them who decide what people may do: people, policies, a client's team, the audit log."""

from typing import Any

import msgspec
from aiohttp import web

from services.identity.policies.models import ADMIN_POLICIES, GROUPS, POLICIES
from tests.portal.access import ahead
from tests.portal.keyring import Keyring
from tests.portal.standin import ACME, BIRCH, ago, missing, page, problem, uid

ANNA_ID, MIA_ID, CLARA_ID, JONAS_ID, EMIL_ID, FELIX_ID = (uid(number) for number in (61, 62, 63, 64, 67, 68))
LINK = "https://portal.test/reset-password?token=abc"


def people() -> list[dict[str, Any]]:
    """Acme's and Birch's people as ever, and three of staff."""
    rows = [
        (61, "Anna Keller", "approver@acme.example", ACME, True, True, []),
        (68, "Felix Brandt", "viewer@acme.example", ACME, False, True, []),
        (62, "Mia Lorenz", "feedback@acme.example", ACME, False, False, []),
        (69, "Oliver Reed", "approver@birch.example", BIRCH, True, True, []),
        (63, "Clara Hoffmann", "admin@northwind.example", None, False, True, list(ADMIN_POLICIES)),
        (64, "Jonas Weber", "member@northwind.example", None, False, True, ["manageProjects"]),
        (67, "Emil Sand", "emil@northwind.example", None, False, True, ["manageProjects", "viewAudit"]),
    ]
    return [
        {
            "id": uid(number),
            "name": name,
            "first_name": name.split()[0],
            "last_name": name.split()[1],
            "email": email,
            "kind": "client" if of else "staff",
            "client_id": of,
            "client_name": {ACME: "Acme GmbH", BIRCH: "Birch Ltd"}.get(of or ""),
            "title": "" if of else "Project lead",
            "phone": "",
            "language": "en",
            "is_primary_contact": primary,
            "active": active,
            "portal_access": True,
            "policies": policies,
            "limited": number == 67,
            "assigned_projects": [uid(1)] if number == 67 else [],
            "project_roles": {uid(1): "viewer"} if number == 68 else {},
            "two_factor": not of,
            "reset_link_possible": True,
            "last_sign_in_at": ago(hours=number) if active else None,
            "has_account": True,
            "invitation": {"status": "accepted" if of else "none"},
            "version": 7,
        }
        for number, name, email, of, primary, active, policies in rows
    ]


def attempts() -> list[dict[str, Any]]:
    """Refused sign-ins as the audit log has them."""
    rows = [
        ("unknown", "password", uid(801), "198.51.100.7", "Chrome 130", "Windows 11"),
        ("wrong", "password", FELIX_ID, "203.0.113.9", "Firefox 131", "Windows 11"),
        ("network", "magic_link", FELIX_ID, "198.51.100.24", "Safari 18", "iOS 18"),
        ("second_factor", "password", JONAS_ID, "192.0.2.44", "", ""),
    ]
    return [
        {
            "id": uid(810 + n),
            "seq": 100 - n,
            "type": "failed_login",
            "subject": subject,
            "client_id": ACME if reason in ("wrong", "network") else None,
            "at": ago(minutes=7 + 50 * n),
            "detail": {"reason": reason, "method": method},
            "session": {
                "id": uid(820 + n),
                "ip": ip,
                "device_type": "desktop",
                "browser": browser,
                "platform": platform,
            },
        }
        for n, (reason, method, subject, ip, browser, platform) in enumerate(rows)
    ]


SESSION = uid(71)
_LINES: list[tuple[str, str, str, str]] = [
    ("login", "", "", ""),
    ("session_visited", "GET", "/", "page"),
    ("session_visited", "GET", f"/projects/{uid(1)}", "page"),
    ("view_project", "", "", ""),
    ("session_visited", "GET", "/clients/*/contacts", "page"),
    ("session_visited", "POST", "/milestones/*/complete", "action"),
    ("milestone_completed", "", "", ""),
    ("session_visited", "GET", "/widgets/dashboard/kpis", "refresh"),
    ("session_visited", "GET", f"/api/events/{ACME}", "stream"),
    ("session_visited", "GET", "/api/client-portal/projects", "api"),
]
_SHOWN = {"opened": ("page", "action", "api", ""), "actions": ("action", "")}


def recordings() -> list[dict[str, Any]]:
    """Acme's recorded sessions: Anna's, and one of Clara viewing as the client."""
    device = {"ip": "203.0.113.7", "device_type": "desktop", "browser": "Firefox 140", "platform": "Linux"}
    return [
        {
            "client_id": ACME,
            "actor": {"id": of, "name": name, "kind": kind},
            "session": {"id": session, "user_agent": "x", **device},
            "began_at": ago(hours=2),
            "last_at": ago(hours=1),
            "ended_at": ended,
            "visits": visits,
        }
        for of, name, kind, session, ended, visits in (
            (ANNA_ID, "Anna Keller", "client", SESSION, ago(minutes=50), 7),
            (CLARA_ID, "Clara <b>Hoffmann", "viewing", uid(73), None, 1),
            (uid(65), None, "client", uid(75), None, 3),
        )
    ]


def records() -> list[dict[str, Any]]:
    """Anna's, as the audit log has them."""
    return [
        {
            "id": uid(700 + number),
            "type": kind,
            "at": ago(minutes=100 - number),
            "subject": uid(1),
            "detail": {"method": method, "path": path, "kind": how} if path else {"name": f"Name of {kind}"},
        }
        for number, (kind, method, path, how) in enumerate(_LINES)
    ]


class Personnel(Keyring):
    """`state["team_open"]` says whether the primary contact may change the team."""

    def reset(self) -> None:
        super().reset()
        self.state |= {"people": people(), "attempts": attempts(), "team_open": True, "invitations": {}}
        self.state |= {"recordings": recordings(), "records": records()}

    def person(self, of: str) -> dict[str, Any]:
        return next(each for each in self.state["people"] if each["id"] == of)

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("GET", "/people", self.list_people),
            ("GET", "/policies", self.list_policies),
            ("GET", "/project-teams", self.list_project_teams),
            ("GET", "/audit", self.list_audit),
            ("GET", "/audit/recordings", self.list_recordings),
            ("POST", "/people", self.create_person),
            ("GET", "/people/{id}", self.get_person),
            ("PATCH", "/people/{id}", self.change_person),
            ("PUT", "/people/{id}/{what}", self.set_rights),
            ("PATCH", "/people/{id}/{what}", self.set_rights),
            ("DELETE", "/people/{id}/two-factor", self.reset_two_factor),
            ("POST", "/people/{id}/reset-link", self.reset_link),
            ("GET", "/team", self.get_team),
            ("POST", "/team", self.invite),
            ("PATCH", "/team/{id}/project-roles", self.set_team_roles),
            ("POST", "/team/{id}/deactivate", self.deactivate),
        ]

    async def list_people(self, request: web.Request) -> web.Response:
        of, kind, q = (request.query.get(name) for name in ("client_id", "kind", "q"))
        wanted = [
            each
            for each in self.state["people"]
            if of in (None, each["client_id"])
            and kind in (None, each["kind"])
            and (each["active"] or "active" not in request.query)
            and (each["is_primary_contact"] or "primary" not in request.query)
            and self._is_audience(each, request)
            and (q or "").lower() in each["name"].lower()
        ]
        return page(wanted, request)

    @staticmethod
    def _is_audience(person: dict[str, Any], request: web.Request) -> bool:
        if (project := request.query.get("project_id")) is None:
            return True
        roles = [person[kind].get(project) for kind in ("project_roles", "offered_roles") if kind in person]
        sees = person["is_primary_contact"] or bool({"approver", "viewer"}.intersection(roles))
        return person["active"] and person["portal_access"] and sees == (request.query.get("sees") != "false")

    async def list_project_teams(self, request: web.Request) -> web.Response:
        staff = {each["id"]: each for each in self.state["people"] if each["kind"] == "staff"}
        items = [
            {
                "project_id": project["id"],
                "person_id": person["id"],
                "name": person["name"],
                "email": person["email"] if person["active"] else None,
                "phone": (person["phone"] or None) if person["active"] else None,
                "active": person["active"],
            }
            for project in self.state["projects"]
            if project["id"] in request.query.getall("id")
            for member in project["team"]
            if (person := staff.get(member.get("person_id")))
        ]
        return web.json_response({"items": items})

    async def list_policies(self, _request: web.Request) -> web.Response:
        policies = [{"key": each.key, "name": each.name, "description": each.description} for each in POLICIES]
        groups = [{"key": each.key, "name": each.name, "policies": each.policies} for each in GROUPS]
        return web.json_response({"groups": groups, "policies": policies})

    async def list_audit(self, request: web.Request) -> web.Response:
        of = request.query.get("client_id")
        if "session_id" in request.query:
            kinds = _SHOWN.get(request.query["visits"])
            return page(
                [each for each in self.state["records"] if not kinds or each["detail"].get("kind", "") in kinds],
                request,
            )
        return page([each for each in self.state["attempts"] if of in (None, each["client_id"])], request)

    async def list_recordings(self, request: web.Request) -> web.Response:
        of, session = request.query["client_id"], request.query.get("session_id")
        kept = self.state["recordings"]
        return page(
            [each for each in kept if each["client_id"] == of and session in (None, each["session"]["id"])], request
        )

    async def get_person(self, request: web.Request) -> web.Response:
        known = [*self.state["people"], *self.state.get("contacts", [])]
        found = [each for each in known if each["id"] == request.match_info["id"]]
        return web.json_response(found[0]) if found else missing()

    async def create_person(self, request: web.Request) -> web.Response:
        body = await request.json()
        made = people()[5] | {"id": uid(900), "name": f"{body['first_name']} {body['last_name']}"} | body
        self.state["people"].append(made)
        return web.json_response(made, status=201)

    async def change_person(self, request: web.Request) -> web.Response:
        found = self.person(request.match_info["id"])
        found |= await request.json()
        return web.json_response(found)

    async def set_rights(self, request: web.Request) -> web.Response:
        found, body = self.person(request.match_info["id"]), await request.json()
        if stale := self._outdated(request, found):
            return stale
        if "group" in body:
            found["policies"] = next(list(each.policies) for each in GROUPS if each.key == body["group"])
        self._change_roles(found, body.get("roles", {}))
        held = found["policies" if request.match_info["what"] == "policies" else "assigned_projects"]
        held[:] = sorted(set(held) - set(body.get("remove", [])) | set(body.get("add", [])))
        found["limited"] = body.get("limited", found["limited"])
        return web.json_response(found)

    def _outdated(self, request: web.Request, found: dict[str, Any]) -> web.Response | None:
        asked = request.headers.get("If-Match")
        return problem(412, "stale", "Somebody changed this.") if asked not in (None, f'"{found["version"]}"') else None

    def _change_roles(self, found: dict[str, Any], roles: dict[str, str | None]) -> None:
        kept = found["project_roles"] | roles
        found["project_roles"] = {project: role for project, role in kept.items() if role}

    async def reset_two_factor(self, request: web.Request) -> web.Response:
        if not self.state["fresh"]:
            return problem(403, "auth.step_up_required", "Confirm first that it is you.")
        self.person(request.match_info["id"])["two_factor"] = False
        return web.Response(status=204)

    async def reset_link(self, _request: web.Request) -> web.Response:
        if not self.state["fresh"]:
            return problem(403, "auth.step_up_required", "Confirm first that it is you.")
        return web.json_response({"link": LINK, "expires_at": ahead(hours=1)}, status=201)

    async def get_team(self, request: web.Request) -> web.Response:
        one, q = request.query.get("id"), request.query.get("q", "").lower()
        theirs = [each for each in self.state["people"] if each["client_id"] == ACME and one in (None, each["id"])]
        found = [self._member(each) for each in theirs if q in each["name"].lower()]
        if request.query.get("sort") == "-name":
            found.sort(key=lambda each: each["name"], reverse=True)
        listed = msgspec.json.decode(page(found, request).body)
        return web.json_response({**listed, "open": self.state["team_open"]})

    async def invite(self, request: web.Request) -> web.Response:
        body = await request.json()
        made = self.person(FELIX_ID) | body | {"id": uid(901), "name": f"{body['first_name']} {body['last_name']}"}
        made |= {"last_sign_in_at": None, "has_account": False}
        self.state["people"].append(made)
        self.state["invitations"][made["id"]] = "waiting"
        return web.json_response(self._member(made), status=201)

    async def set_team_roles(self, request: web.Request) -> web.Response:
        found = self.person(request.match_info["id"])
        if stale := self._outdated(request, found):
            return stale
        self._change_roles(found, (await request.json())["roles"])
        return web.json_response(self._member(found))

    async def deactivate(self, request: web.Request) -> web.Response:
        found = self.person(request.match_info["id"])
        found["active"] = False
        return web.json_response(self._member(found))

    def _member(self, found: dict[str, Any]) -> dict[str, Any]:
        return found | {"invitation": self.state["invitations"].get(found["id"], "none")}
