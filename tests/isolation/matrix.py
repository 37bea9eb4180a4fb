"""The declared rights, and what asks for them: who gets what on a route, with whose ids, and at which door."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import msgspec
from nats.aio.client import Client

from gateway import routes as gateway
from shared.broker import STREAM, connect
from shared.clock import now, uuid7
from tests.isolation.routes import ROLES, SERVICES, Right, declared
from tests.portal_stack import API, Portal

RIGHTS = list(declared())
REFUSED = {401, 403, 404}
ALLOWED = {200, 201, 202, 204, 303, 409, 412, 422}
CHANGING = {"date", "x-request-id", "traceparent", "content-length", "set-cookie", "server"}
"""Headers that differ between any two answers."""
HTML = {"accept": "text/html"}


def ids_of(portal: Portal) -> dict[str, str]:
    """One of Acme's ids for each name a path may use; what the routes change is made for the purpose."""
    staff = portal.as_("admin")
    acme = portal.me("approver")["client_id"]
    projects = staff.get(f"{API}/projects", params={"client_id": acme, "limit": "100"}).json()["items"]
    project = next(each for each in projects if each["name"] == "Website relaunch")
    milestones = staff.get(f"{API}/projects/{project['id']}").json()["milestones"]
    return {
        "client_id": acme,
        "project_id": project["id"],
        "milestone_id": next(each["id"] for each in milestones if each["status"] == "completed"),
        "open_milestone_id": next(each["id"] for each in milestones if each["status"] != "completed"),
        "person_id": portal.me("viewer")["id"],
        # Without an address, so that nothing becomes of inviting them.
        "contact_id": next(
            each["id"]
            for each in staff.get(f"{API}/clients/{acme}/contacts?limit=100").json()["items"]
            if each["email"] is None
        ),
        "api_client_id": portal.api_client(acme)["id"],
        "webhook_id": portal.webhook(acme)["id"],
        "bulk_id": str(uuid7()),
        "chapter": "managing-projects",  # for staff; like an id, it stands in no answer of its own accord
        "mail": "19700101000000000000.eml",
        "session_id": portal.as_("viewer").get(f"{API}/sessions").json()["items"][0]["id"],
    }


def fill(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], text)


def fill_body(body: Any, ids: dict[str, str]) -> Any:
    return json.loads(fill(json.dumps(body), ids)) if body is not None else None


def ask(http: httpx2.Client, right: Right, ids: dict[str, str], base: str = "", **how: Any) -> httpx2.Response:
    """Send the declared request with these ids in path, query and body."""
    query = {name: fill(value, ids) for name, value in right.query.items()}
    body = fill_body(right.body, ids)
    if right.service == "portal" and right.method == "POST":
        body = {"opened_by": opened_by(http)} | (body or {})
    is_form = right.form or right.service == "portal"
    content = {"data" if is_form else "json": body} if body is not None else {}
    if right.path.startswith("/api/events/"):
        with http.stream(right.method, base + fill(right.path, ids), params=query, **how) as answer:
            if answer.status_code != 200:
                answer.read()
            return answer
    return http.request(right.method, base + fill(right.path, ids), params=query, **content, **how)


def opened_by(http: httpx2.Client) -> str:
    """Whom the forms of a browser name, as each page that it was shown left it behind; "" for nobody."""
    if "portal_person" not in http.cookies and "portal_session" in http.cookies:
        http.get("/", headers=HTML)
    return http.cookies.get("portal_person", "")


FOREIGN = [
    right for right in RIGHTS if re.search(r"\{\w+_id\}", right.path + json.dumps(right.query) + json.dumps(right.body))
]


NOTHING = '{"items":[]}'
"""What a list answers that is asked for things by their ids, and has none of them."""


def is_told_nothing(answer: httpx2.Response) -> bool:
    """Whether it is refused, or a list asked by ids answers that it has none of them."""
    return answer.status_code >= 400 or (answer.status_code == 200 and answer.text == NOTHING)


def comparable(answer: httpx2.Response, sent: dict[str, str]) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers and body with what is new in every answer, and the ids that were sent, taken out."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in CHANGING)
    body = "" if answer.status_code == 200 and "event-stream" in answer.headers["content-type"] else answer.text
    for value in sent.values():
        body = body.replace(value, "ID")
        headers = [(name, text.replace(value, "ID")) for name, text in headers]
    return answer.status_code, headers, body


def is_as_declared(answer: httpx2.Response, cell: Any) -> bool:
    return answer.status_code in ALLOWED if cell == "yes" else answer.status_code == cell


def asked_as(right: Right) -> list[str]:
    """The roles that a route is asked as: all of them. A page is asked as nobody, as everybody whom its line names, and
    as one of the others, who is another one from line to line: what the rest get follows from its guards
    (test_rights.py), and each page is opened as most of them in test_reads.py and test_viewing.py.
    """
    if right.service != "portal":
        return [role for role in ROLES if right.cells[role] != "gone"]
    others = [role for role in ROLES if role not in (*right.named, "anonymous", "partner")]
    turn = others[RIGHTS.index(right) % len(others)] if others else ""
    asked = {"anonymous", "partner", turn, *right.named} - {"", "others"}
    return [role for role in ROLES if role in asked and right.cells[role] != "gone"]


Ask = Callable[[], httpx2.Response]


class Matrix:
    """Asks everything there is to know of one route at once; one for all routes of a portal."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.ids = ids_of(portal)
        self._signer = portal.signer()
        self._actors = {who: portal.actor(who) for who in ("birch", "admin")}
        self._threads = ThreadPoolExecutor(len(ROLES))
        self._http = httpx2.Client(timeout=30)

    def close(self) -> None:
        self._threads.shutdown()
        self._http.close()

    def wrong_with(self, right: Right) -> dict[str, str]:
        """What is not as declared, by who asks: with Acme's ids as each role; as somebody of another client, who must
        not learn from the answer that these ids exist; and past the gateway, where only its own word counts.
        """
        strangers = {name: str(uuid4()) for name in self.ids}
        roles = sorted(asked_as(right), key=lambda role: right.cells[role] not in (401, 403))
        beliefs, doors = self._beliefs(right), self._doors(right) if right in FOREIGN else {}
        asks = beliefs | {f"foreign {door}": asked(self.ids) for door, asked in doors.items()}
        asks |= {f"random {door}": asked(strangers) for door, asked in doors.items()}
        asks |= {role: self._as(right, role) for role in roles}
        at_once = map if right.alone else self._threads.map  # in this order where one may end another's session
        answers = dict(zip(asks, at_once(lambda each: each(), asks.values()), strict=True))
        wrong = {
            role: f"{answers[role].status_code} instead of {right.cells[role]}: {answers[role].text[:200]}"
            for role in roles
            if not is_as_declared(answers[role], right.cells[role])
        }
        wrong |= {
            what: f"{answers[what].status_code} instead of 401: {answers[what].text[:200]}"
            for what in beliefs
            if answers[what].status_code != 401
        }
        for door in doors:
            foreign, random = answers[f"foreign {door}"], answers[f"random {door}"]
            told, nothing = comparable(foreign, self.ids), comparable(random, strangers)
            if told != nothing or (foreign.status_code in (200, 201, 204) and foreign.text != NOTHING):
                wrong[f"another client {door}"] = f"{told}, and for what is not there {nothing}"
        return wrong

    def _as(self, right: Right, role: str) -> Ask:
        """With Acme's ids, or with nobody's session, which would otherwise end. Who is refused ends none."""
        ids = self.ids | {"session_id": str(uuid4())} if "{session_id}" in right.path else self.ids
        headers = HTML if right.service == "portal" else {}
        if right.alone and right.cells[role] not in (401, 403):
            return lambda: ask(self._on_its_own(role), right, ids, headers=headers)
        http = self.portal.as_(role)
        return lambda: ask(http, right, ids, headers=headers)

    def _on_its_own(self, role: str) -> httpx2.Client:
        """With a session that nobody else uses. That person's others may end by what it asks."""
        http = self.portal.new(role)
        for each in ("admin", "viewing") if role in ("admin", "viewing") else (role,):
            self.portal.forget(each)
        return http

    def _doors(self, right: Right) -> dict[str, Callable[[dict[str, str]], Ask]]:
        """Where Birch's approver may ask: at the gateway, and with a valid token at the service's own port."""
        how = {"headers": HTML} if right.service == "portal" else {}
        http = self.portal.as_("birch")
        doors: dict[str, Callable[[dict[str, str]], Ask]] = {
            "at the gateway": lambda ids: lambda: ask(http, right, ids, **how)
        }
        if right.service != "portal":
            doors["at the service"] = lambda ids: self._past(right, "birch", right.service, ids)
        return doors

    def _beliefs(self, right: Right) -> dict[str, Ask]:
        """What opens nothing at a service's own port: plain headers, and a token for another service."""
        if right.service == "portal":
            return {}
        other = next(service for service in SERVICES if service != right.service)
        beliefs = {"another service's token": self._past(right, "admin", other, self.ids)}
        if right.cells["anonymous"] in REFUSED - {404}:  # public, and not there
            admin = str(self._actors["admin"].id)
            plain = {"X-Portal-Client": self.ids["client_id"], "X-User-Id": admin, "X-Portal-Claims": "admin"}
            base = self.portal.run.services[right.service]
            beliefs["plain headers"] = lambda: ask(self._http, right, self.ids, base, headers=plain)
        return beliefs

    def _past(self, right: Right, who: str, audience: str, ids: dict[str, str]) -> Ask:
        """At the service's own port, as somebody who has just proven who they are."""
        actor = msgspec.structs.replace(self._actors[who], proven_at=now())
        headers = self._signer.headers(actor, audience)
        return lambda: ask(self._http, right, ids, self.portal.run.services[right.service], headers=headers)


def pages(portal: Portal, role: str, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every answer to every GET this role may ask, the portal's pages among them."""
    http = portal.as_(role)
    for right in RIGHTS:
        if right.method == "GET" and "/api/events/" not in right.path:
            yield right.name, ask(http, right, ids, headers=HTML if right.service == "portal" else {}).text


async def settle(portal: Portal) -> None:
    """Wait until nothing is on its way: each event is published, and what it changes elsewhere has changed."""
    waiting = " union all ".join(f"select 1 from {each}.outbox where published_at is null" for each in gateway.SERVICES)
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    client = await connect(portal.run.addresses["PORTAL_NATS_URL"], "tests")
    async with asyncio.timeout(60):
        before, after = {}, await checksums(portal)
        while before != after or await connection.fetch(waiting) or await is_folding(client):
            await asyncio.sleep(0.5)
            before, after = after, await checksums(portal)
    await client.close()
    await connection.close()


async def is_folding(client: Client) -> bool:
    """Whether a service has still to hear of something."""
    durables = await client.jetstream().consumers_info(STREAM)
    return any(each.num_pending or each.num_ack_pending for each in durables)


async def checksums(portal: Portal) -> dict[str, str]:
    """One hash for each business table of identity and projects; of mails, which ones there are: the mailer is at work.
    `viewings` remembers what the log was told of readings (0092).
    """
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    sums: dict[str, str] = {}
    tables = """select schemaname || '.' || tablename from pg_tables where schemaname in ('identity', 'projects')
                and tablename not in ('outbox', 'inbox', 'inbox_positions', 'dead_letters', 'sessions',
                'viewings') order by 1"""
    for (table,) in await connection.fetch(tables):
        kept = "t.id::text" if table == "identity.mails" else "t::text"
        rows = await connection.fetch(f"select {kept} from {table} t order by 1")
        sums[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    await connection.close()
    assert sums
    return sums
