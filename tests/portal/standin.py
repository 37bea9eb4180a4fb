"""A local HTTP server that speaks the API contract of identity, projects and activity, holding one story in memory.

The portal's component tests need services that can be slow, broken, empty or hostile on demand. The real ones cannot be made
to misbehave so exactly; end-to-end tests use those. `Standin.state` is plain JSON data a test may change.
"""

import asyncio
import copy
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from aiohttp import web

from services.portal.services import UPSTREAMS
from shared import clock
from shared.contracts.words.telling import LINES
from tests.portal.documents import document

BASE = "/api/client-portal"
ACME = "01900000-0000-7000-8000-00000000ac3e"
BIRCH = "01900000-0000-7000-8000-00000000b12c"
ANNA = "01900000-0000-7000-8000-0000000000a1"
PASSWORD = "demo-portal-2026"


def uid(number: int) -> str:
    return str(UUID(int=0x01900000000070008000000000000000 + number))


def today() -> date:
    """The day that is now, as the portal has it: a run may begin on one and end on the next."""
    return clock.today()


def days(offset: int) -> str:
    return (today() + timedelta(days=offset)).isoformat()


def ago(**kwargs: float) -> str:
    return (datetime.now(UTC) - timedelta(**kwargs)).isoformat()


TEAM = [
    {"name": "Jonas Weber", "role": "Project lead", "email": "jonas@northwind.example", "phone": "+49 30 5550 142"},
    {"name": "Clara Hoffmann", "role": "Account", "email": "clara@northwind.example", "phone": None},
    {"name": "Priya Nair", "role": "Design", "email": "priya@northwind.example", "phone": None},
    {"name": "Łukasz Żak", "role": "Engineering", "email": "lukasz@northwind.example", "phone": None},
    {"name": "Emil Sand", "role": "Engineering", "email": "emil@northwind.example", "phone": None},
]
PLAN = [
    "Kick-off",
    "Discovery",
    "Information architecture",
    "Visual design",
    "Build",
    "Content migration",
    "User testing",
    "Go-live",
]


def milestones(project: str, done: int, start: int, *, step: int = 14, late: bool = False) -> list[dict[str, Any]]:
    """A plan with `done` completed steps; with `late` the next one is overdue."""
    items: list[dict[str, Any]] = []
    for number, name in enumerate(PLAN):
        target = start + number * step
        status = "completed" if number < done else "upcoming"
        if number == done:
            status = "overdue" if late else "in_progress"
        items.append(
            {
                "id": uid(int(project[-4:], 16) * 100 + number),
                "project_id": project,
                "name": name,
                "description": "Clickable prototype of the five main journeys." if number == 3 else "",
                "phase": PHASES[number // 2],
                "starts_on": days(target - step),
                "target_on": days(target),
                "completed_on": days(target + (2 if number == 1 else 0)) if number < done else None,
                "status": status,
                "depends_on": [uid(int(project[-4:], 16) * 100 + number - 1)] if number in (4, 7) else [],
            }
        )
    return items


PHASES = ["Prepare", "Design", "Build", "Launch"]


def project(
    number: int, name: str, status: str, description: str, plan: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    done = [item for item in plan if item["status"] == "completed"]
    ahead = [item for item in plan if item["status"] != "completed"]
    return {
        "id": uid(number),
        "client_id": ACME,
        "client_name": "Acme GmbH",
        "name": name,
        "description": description,
        "scope": "Strategy, design and build of the public site.\n\nIncluded: five page types, CMS, migration of 240 pages, two rounds of testing.\nNot included: photography, translations.",
        "status": status,
        "phase": ahead[0]["phase"] if ahead else "Launch",
        "starts_on": plan[0]["starts_on"],
        "ends_on": plan[-1]["target_on"],
        "completion": round(100 * len(done) / len(plan)) if plan else 0,
        "next_milestone": {key: ahead[0][key] for key in ("id", "name", "target_on")} if ahead else None,
        "team": TEAM,
        "last_activity_at": ago(hours=number * 3),
        "milestones_total": len(plan),
        "milestones_completed": len(done),
        "milestones": plan,
        "version": 3,
        **more,
    }


def entry(
    number: int, kind: str, title: str, at: str, *, of: int = 1, who: str = "Jonas Weber", text: str | None = None
) -> dict[str, Any]:
    return {
        "id": uid(9000 + number),
        "seq": 1000 - number,
        "type": kind,
        "title": title,
        "description": text or "",
        "actor": {"id": uid(7), "name": who},
        "project_id": uid(of),
        "target": {"type": "project", "id": uid(of), "url": f"/projects/{uid(of)}"},
        "at": at,
        **({"many": f"{who} {line.many}"} if (line := LINES.get(kind)) and line.many else {}),
    }


def story() -> dict[str, Any]:
    """Acme: three projects in different states and a few weeks of history."""
    projects = [
        project(
            1,
            "Website relaunch",
            "on_track",
            "New corporate site with a product finder and a newsroom.",
            milestones(uid(1), 4, -52),
        ),
        project(
            2,
            "Customer portal",
            "at_risk",
            "Self-service for dealers: orders, returns, spare parts.",
            milestones(uid(2), 2, -30, late=True),
        ),
        project(
            3,
            "Brand refresh",
            "completed",
            "Logo, type and colour system, templates for all teams.",
            milestones(uid(3), 8, -150),
        ),
    ]
    feed = [
        entry(1, "milestone_completed", "Jonas Weber finished Visual design", ago(minutes=4), text="Website relaunch"),
        entry(
            2,
            "project_status_changed",
            "Customer portal is now at risk",
            ago(hours=3),
            of=2,
            text="Was on track. The order interface arrives a week later.",
        ),
        entry(3, "milestone_updated", "Milestone moved: User testing", ago(hours=26), text="Website relaunch"),
        entry(
            4,
            "milestone_completed",
            "Clara Hoffmann finished Discovery",
            ago(days=3),
            of=2,
            who="Clara Hoffmann",
            text="Customer portal",
        ),
        entry(5, "milestone_completed", "Jonas Weber finished Go-live", ago(days=9), of=3, text="Brand refresh"),
        entry(6, "project_status_changed", "Jonas Weber completed Brand refresh", ago(days=9), of=3),
        entry(7, "project_created", "Clara Hoffmann started Customer portal", ago(days=31), of=2, who="Clara Hoffmann"),
    ]
    kpis = [
        {
            "key": "active_projects",
            "label": "Active projects",
            "format": "number",
            "value": 2,
            "previous": 1,
            "change": 1,
            "direction": "up",
            "good": True,
            "comparison_label": "vs 12 Feb",
            "href": "/projects",
        },
        {
            "key": "milestones_completed",
            "label": "Milestones completed",
            "format": "number",
            "value": 6,
            "previous": 8,
            "change": -2,
            "direction": "down",
            "good": False,
            "comparison_label": "vs 1–12 Feb",
            "href": "/activity",
        },
        {
            "key": "next_deadline",
            "label": "Next deadline",
            "format": "days",
            "value": 4,
            "previous": None,
            "change": None,
            "direction": None,
            "good": None,
            "comparison_label": "Build, Website relaunch",
            "href": None,
        },
    ]
    clients = [
        {
            "id": ACME,
            "name": "Acme GmbH",
            "active": True,
            "portal_enabled": True,
            "variant": "delivery",
            "people_count": 3,
            "created_at": ago(days=200),
        },
        {
            "id": BIRCH,
            "name": "Birch Ltd",
            "active": True,
            "portal_enabled": True,
            "variant": "services",
            "people_count": 1,
            "created_at": ago(days=90),
        },
    ]
    link_of = "approver@acme.example"
    attention = [{"id": ACME, "name": "Acme GmbH", "overdue": 2, "company": 1, "client": 0, "newest": feed[0]}]
    return {
        "projects": projects,
        "activity": feed,
        "kpis": kpis,
        "clients": clients,
        "link_of": link_of,
        "attention": attention,
        "notifications": [],
    }


class Call(NamedTuple):
    """What the portal asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    """Looked up whatever their case."""
    body: Any


class Standin:
    """One server for all services. `delay` (seconds by path prefix) and `refuse` make it misbehave; `calls` remembers."""

    def __init__(self) -> None:
        self.state = copy.deepcopy(story())
        self.delay: dict[str, float] = {}
        self.refusals: dict[str, tuple[int, str, dict[str, str]]] = {}
        self.calls: list[Call] = []
        self.answers: list[str] = []
        """The texts of what was answered."""
        self.strange: list[str] = []
        """What was answered that no service would."""
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(middlewares=[self._misbehave])
        app.add_routes([web.route(method, BASE + path, handler) for method, path, handler in self._routes()])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = site._server.sockets[0].getsockname()  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{self.url[1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def reset(self) -> None:
        self.state = copy.deepcopy(story())
        self.delay, self.refusals, self.calls, self.answers, self.strange = {}, {}, [], [], []

    def refuse(
        self, prefix: str, status: int, code: str = "test.failure", *, headers: dict[str, str] | None = None
    ) -> None:
        """Answer every path below `prefix` with this status from now on."""
        self.refusals[prefix] = status, code, headers or {}

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            ("POST", "/auth/login", self.login),
            ("POST", "/auth/magic-link", self.ask_link),
            ("POST", "/auth/magic-link/look", self.look_at_link),
            ("POST", "/auth/magic-link/consume", self.consume),
            ("POST", "/auth/logout", self.logout),
            ("POST", "/auth/view-as", self.view_as),
            ("POST", "/auth/view-as/end", self.view_as),
            ("GET", "/auth/me", self.me),
            ("GET", "/auth/contacts", self.contacts),
            ("GET", "/clients", self.clients),
            ("GET", "/clients/{id}", self.client),
            ("GET", "/projects", self.projects),
            ("GET", "/projects/{id}", self.project),
            ("GET", "/activity", self.activity),
            ("GET", "/kpis", self.kpis),
            ("GET", "/overview", self.overview),
            ("GET", "/notifications", self.notifications),
            ("GET", "/notifications/unread", self.unread),
            ("POST", "/notifications/read-all", self.read_all),
            ("POST", "/notifications/{id}/read", self.read),
        ]

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path.removeprefix(BASE)
        body = await request.json() if request.can_read_body else None
        calls, strange = self.calls, self.strange
        """Those of the test that asks: an answer that is late may be given while the next one runs."""
        if path != "/brand":  # which the portal asks beside the requests, at a time of its own
            calls.append(Call(request.method, path, dict(request.query), request.headers.copy(), body))
        for prefix, seconds in self.delay.items():
            if path.startswith(prefix):
                await asyncio.sleep(seconds)
        for prefix, (status, code, headers) in self.refusals.items():
            if path.startswith(prefix):
                answer = problem(status, code, "This was asked to fail.")
                answer.headers.update(headers)
                return answer
        answer = await handler(request)
        if answer.status < 300 and answer.content_type == "application/json":
            self._tell(request.method, path.strip("/"), answer, strange)
        return answer

    def _tell(self, method: str, path: str, answer: web.Response, strange: list[str]) -> None:
        """The answer as the service itself would give it: what it does not tell is left out, what it would is there."""
        for described in map(document, UPSTREAMS):
            if (schema := described.answer_at(method, path)) is not None:
                value = described.told(json.loads(answer.body), schema)
                strange += described.strange(value, schema, f"{method} {path}")
                answer.body = json.dumps(value).encode()
                self.answers.append(json.dumps(value, ensure_ascii=False).replace("\\n", "\n"))
                return
        strange.append(f"{method} {path}: no service has this route")

    async def login(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data.get("password") != PASSWORD:
            return problem(401, "auth.invalid_credentials", "E-mail or password is not right.")
        return signed_in(data["email"])

    async def ask_link(self, request: web.Request) -> web.Response:
        answer = web.Response(status=202)
        answer.set_cookie("portal_flow", "flow-1", httponly=True, samesite="Lax", path="/")
        return answer

    async def look_at_link(self, request: web.Request) -> web.Response:
        if (await request.json())["token"] != "good-token":
            return problem(401, "auth.link_invalid", "This link or code cannot be used. Ask for a new one.")
        here = request.cookies.get("portal_flow") == "flow-1"
        return web.json_response({"here": here, "email": self.state["link_of"] if here else ""})

    async def consume(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data.get("code") == "654321":
            return problem(401, "auth.link_not_accepted", "Your link is right, but it is not accepted here.")
        good = data.get("token") == "good-token" or data.get("code") == "123456"
        if not good or request.cookies.get("portal_flow") != "flow-1":
            return problem(401, "auth.link_invalid", "This link or code cannot be used. Ask for a new one.")
        return signed_in("approver@acme.example")

    async def logout(self, request: web.Request) -> web.Response:
        answer = web.Response(status=204)
        answer.del_cookie("portal_session", path="/")
        return answer

    async def view_as(self, request: web.Request) -> web.Response:
        answer = web.json_response(person("admin@northwind.example"))
        answer.set_cookie("portal_session", "another", httponly=True, samesite="Lax", path="/")
        return answer

    async def contacts(self, _request: web.Request) -> web.Response:
        return web.json_response({"company": self.state.get("company_contact")})

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response(person("approver@acme.example"))

    async def clients(self, request: web.Request) -> web.Response:
        needle = request.query.get("q", "").lower()
        return page([client for client in self.state["clients"] if needle in client["name"].lower()], request)

    async def client(self, request: web.Request) -> web.Response:
        return one(self.state["clients"], request)

    async def projects(self, request: web.Request) -> web.Response:
        needle, status = request.query.get("q", "").lower(), request.query.get("status")
        found = [
            item
            for item in self.state["projects"]
            if needle in item["name"].lower()
            and (not status or item["status"] == status)
            and request.query.get("client_id") in (None, item["client_id"])
            and ("id" not in request.query or item["id"] in request.query.getall("id"))
        ]
        if request.query.get("sort") == "-status":
            found.sort(key=lambda item: ("delayed", "at_risk", "on_track", "completed").index(item["status"]))
        return page(found, request)

    async def project(self, request: web.Request) -> web.Response:
        return one([item | {"phases": phases(item)} for item in self.state["projects"]], request)

    async def activity(self, request: web.Request) -> web.Response:
        wanted = request.query.get("project_id")
        return page([item for item in self.state["activity"] if not wanted or item["project_id"] == wanted], request)

    async def notifications(self, request: web.Request) -> web.Response:
        unread = request.query.get("unread") == "true"
        return page([each for each in self.state["notifications"] if not (unread and each["read"])], request)

    async def unread(self, _request: web.Request) -> web.Response:
        count = sum(not each["read"] for each in self.state["notifications"])
        return web.json_response({"count": min(count, 100), "more": count > 100})

    async def read(self, request: web.Request) -> web.Response:
        found = next((each for each in self.state["notifications"] if each["id"] == request.match_info["id"]), None)
        if found is None:
            return missing()
        found["read"] = True
        return web.json_response(found)

    async def read_all(self, _request: web.Request) -> web.Response:
        for each in self.state["notifications"]:
            each["read"] = True
        return web.Response(status=204)

    async def kpis(self, request: web.Request) -> web.Response:
        return web.json_response(self._kpis())

    def _kpis(self) -> dict[str, Any]:
        return {"items": self.state["kpis"], "computed_at": ago(seconds=2)}

    async def overview(self, request: web.Request) -> web.Response:
        """Milestones that are not done are due; what waits for somebody, a test says in `state["turn"]`. Of all clients
        there are `state["attention"]` instead.
        """
        steps = [thing(step, each) for each in self.state["projects"] for step in each["milestones"]]
        due = sorted((each for each in steps if each["status"] != "completed"), key=lambda each: each["due_on"])
        newest = {"items": self.state["activity"][:20], "next_cursor": None}
        parts: dict[str, Any] = {"kpis": self._kpis(), "newest": newest}
        if "client_id" in request.query:
            parts |= {"turn": self.state.get("turn", []), "due": due[:20], "clients": None}
        else:
            parts |= {"turn": None, "due": None, "clients": {"items": self.state["attention"], "total": 7}}
        wanted = request.query.getall("part", [*parts])
        return web.json_response({name: part if name in wanted else None for name, part in parts.items()})


def thing(step: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
    """A milestone as the overview has it."""
    return {
        "id": step["id"],
        "kind": "milestone",
        "title": step["name"],
        "status": step["status"],
        "project": {"id": project["id"], "title": project["name"]},
        "due_on": step["target_on"],
        "done_on": step["completed_on"],
        "at": ago(hours=1),
    }


def notice(number: int, title: str, *, read: bool = False, kind: str = "milestone_completed", **more: Any) -> Any:
    """Something somebody is told of; `url` is where it leads."""
    url = more.pop("url", f"/projects/{uid(1)}")
    told = entry(number, kind, title, ago(hours=number), text="Website relaunch")
    kept = {name: told[name] for name in ("id", "type", "title", "description", "actor", "project_id", "target", "at")}
    return kept | {"target": told["target"] | {"url": url}, "read": read, **more}


def person(email: str) -> dict[str, Any]:
    return {
        "id": ANNA, "email": email, "first_name": "Anna", "last_name": "Keller", "name": "Anna Keller", "kind": "client",
        "client_id": ACME, "client_name": "Acme GmbH", "policies": [], "project_roles": {}, "is_primary_contact": True, "two_factor": False,
        "language": "en",
    }  # fmt: skip


def signed_in(email: str) -> web.Response:
    answer = web.json_response({"person": person(email)})
    answer.set_cookie("portal_session", "opaque", httponly=True, samesite="Lax", path="/")
    return answer


def phases(project: dict[str, Any]) -> list[dict[str, Any]]:
    """The phases of a plan, as the service tells them with it."""
    found = []
    for name in PHASES:
        if not (steps := [step for step in project["milestones"] if step["phase"] == name]):
            continue
        done = sum(step["status"] == "completed" for step in steps)
        begun = "in_progress" if done or name == project["phase"] else "upcoming"
        status = "completed" if done == len(steps) else begun
        progress = {"status": status, "completion": round(100 * done / len(steps))}
        found.append({"name": name, "target_on": max(step["target_on"] for step in steps), **progress})
    return found


def page(items: list[dict[str, Any]], request: web.Request) -> web.Response:
    start, limit = int(request.query.get("cursor", 0)), int(request.query.get("limit", 20))
    more = str(start + limit) if start + limit < len(items) else None
    return web.json_response({"items": items[start : start + limit], "next_cursor": more})


def one(items: list[dict[str, Any]], request: web.Request) -> web.Response:
    found = next((item for item in items if item["id"] == request.match_info["id"]), None)
    return web.json_response(found, headers={"ETag": '"3"'}) if found else missing()


def missing() -> web.Response:
    return problem(404, "not_found", "There is nothing here, or it is not yours to see.")


def problem(status: int, code: str, detail: str, **extra: Any) -> web.Response:
    body = {
        "type": f"urn:portal:problem:{code}",
        "title": "Problem",
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    return web.json_response(body, status=status, content_type="application/problem+json")
