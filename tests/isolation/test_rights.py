"""Declared rights are real rights, and knowing somebody else's id gives nothing."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from shared.clock import uuid7
from tests.isolation import page
from tests.isolation.routes import SERVICES, Right, declared, proofs, real_routes, shape
from tests.portal_stack import API, PEOPLE, Portal

RIGHTS = list(declared())
REFUSED = {401, 403, 404}
ALLOWED = {200, 201, 202, 204, 303, 409, 412, 422}
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CHANGING = {"date", "x-request-id", "traceparent", "content-length", "set-cookie", "server"}
"""Headers that differ between any two answers."""


@pytest.fixture(scope="session")
def ids(portal: Portal) -> dict[str, str]:
    return ids_of(portal)


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
            each["id"] for each in staff.get(f"{API}/clients/{acme}/contacts").json()["items"] if each["email"] is None
        ),
        "api_client_id": portal.api_client(acme)["id"],
        "webhook_id": portal.webhook(acme)["id"],
        "bulk_id": str(uuid7()),
        "mail": "19700101000000000000.eml",
        "session_id": portal.as_("viewer").get(f"{API}/sessions").json()["items"][0]["id"],
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_declared_and_nothing_else_is(service: str) -> None:
    said = {shape(f"{right.method} {right.path}") for right in RIGHTS if right.service == service}
    assert said == real_routes(service)


def test_every_line_speaks_of_every_role() -> None:
    assert [right.name for right in RIGHTS if None in right.cells.values()] == []


def test_the_page_of_the_documentation_is_the_declaration() -> None:
    assert page.PAGE.read_text() == page.text(), "run `python -m tests.isolation.page`"


def fill(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], text)


def fill_body(body: Any, ids: dict[str, str]) -> Any:
    return json.loads(fill(json.dumps(body), ids)) if body is not None else None


def ask(http: httpx2.Client, right: Right, ids: dict[str, str], base: str = "", **how: Any) -> httpx2.Response:
    """Send the declared request with these ids in path, query and body."""
    query = {name: fill(value, ids) for name, value in right.query.items()}
    body = fill_body(right.body, ids)
    content = {"data" if right.form else "json": body} if body is not None else {}
    if right.path.startswith("/api/events/"):
        with http.stream(right.method, base + fill(right.path, ids), params=query, **how) as answer:
            if answer.status_code != 200:
                answer.read()
            return answer
    return http.request(right.method, base + fill(right.path, ids), params=query, **content, **how)


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_each_role_gets_what_is_declared(portal: Portal, ids: dict[str, str], right: Right) -> None:
    """All roles in turn on one route: what each of them got instead of what the line says."""
    asked = {role: expected for role, expected in right.cells.items() if expected != "gone"}
    got = {role: answer_to(portal, ids, right, role) for role in asked}
    assert {
        role: f"{answer.status_code} instead of {asked[role]}: {answer.text[:200]}"
        for role, answer in got.items()
        if not (answer.status_code in ALLOWED if asked[role] == "yes" else answer.status_code == asked[role])
    } == {}


def answer_to(portal: Portal, ids: dict[str, str], right: Right, role: str) -> httpx2.Response:
    """What `role` is answered with Acme's ids, or with nobody's session, which would otherwise end."""
    sent = ids | {"session_id": str(uuid4())} if "{session_id}" in right.path else ids
    http = portal.new(role) if right.alone else portal.as_(role)
    if right.alone:
        portal.forget(role)
    return ask(http, right, sent, headers={"accept": "text/html"} if right.service == "portal" else {})


@pytest.mark.parametrize("service", SERVICES)
def test_what_asks_for_a_fresh_proof_is_declared(service: str) -> None:
    said = {shape(f"{right.method} {right.path}") for right in RIGHTS if right.service == service and right.proof}
    assert said == {shape(route) for route, why_not in proofs(service).items() if not why_not}


async def test_an_old_proof_opens_what_asks_for_none_and_nothing_else(portal: Portal, ids: dict[str, str]) -> None:
    """Asked through the gateway, with sessions whose proof is 615 seconds old, as all who may."""
    old = {role: await proven_long_ago(portal, role) for role in ("admin", "approver")}
    wrong: dict[str, str] = {}
    for right in RIGHTS:
        changes = right.service in ("identity", "activity") and right.method != "GET"
        for role in (each for each in old if changes and right.cells[each] not in (401, 403)):
            if not right.proof and (right.alone or right.cells[role] == "gone"):
                continue  # it would change what the others are asked about
            answer = ask(old[role], right, ids | {"session_id": str(uuid4())})
            asked = answer.status_code == 403 and answer.json()["code"] == "auth.step_up_required"
            if asked != right.proof:
                wrong[f"{right.name} {role}"] = f"{answer.status_code} {answer.text[:200]}"
    assert wrong == {}


async def proven_long_ago(portal: Portal, role: str) -> httpx2.Client:
    """A new session that no gateway has seen yet, a little older than a proof counts."""
    http = portal.new(role)
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    newest = "select s.id from identity.sessions s join identity.people p on p.id = s.person_id where p.email = $1"
    aged = f"""update identity.sessions set proven_at = proven_at - interval '615 seconds'
               where id = ({newest} order by s.id desc limit 1) returning 1"""
    assert await connection.fetchval(aged, PEOPLE[role])
    await connection.close()
    return http


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


@pytest.mark.parametrize("right", FOREIGN, ids=lambda right: right.name)
def test_a_foreign_id_is_answered_as_one_that_does_not_exist(portal: Portal, ids: dict[str, str], right: Right) -> None:
    strangers = {name: str(uuid4()) for name in ids}
    http = portal.as_("birch")
    how = {"headers": {"accept": "text/html"}} if right.service == "portal" else {}
    foreign, random = ask(http, right, ids, **how), ask(http, right, strangers, **how)
    assert foreign.status_code not in (200, 201, 204) or foreign.text == NOTHING, foreign.text[:300]
    assert comparable(foreign, ids) == comparable(random, strangers)


@pytest.mark.parametrize(
    "right", [right for right in FOREIGN if right.service != "portal"], ids=lambda right: right.name
)
def test_the_same_holds_at_the_services_own_port(portal: Portal, ids: dict[str, str], right: Right) -> None:
    """A valid token of Birch's, past the gateway."""
    strangers = {name: str(uuid4()) for name in ids}
    headers = portal.signer().headers(portal.actor("birch"), right.service)
    base = portal.run.services[right.service]
    with httpx2.Client() as http:
        foreign = ask(http, right, ids, base, headers=headers)
        random = ask(http, right, strangers, base, headers=headers)
    assert foreign.status_code not in (200, 201, 204) or foreign.text == NOTHING, foreign.text[:300]
    assert comparable(foreign, ids) == comparable(random, strangers)


@pytest.mark.parametrize(
    "right", [right for right in RIGHTS if right.service != "portal"], ids=lambda right: right.name
)
def test_a_plain_header_or_another_services_token_opens_nothing(
    portal: Portal, ids: dict[str, str], right: Right
) -> None:
    admin = portal.actor("admin")
    believed = {"X-Portal-Client": ids["client_id"], "X-User-Id": str(admin.id), "X-Portal-Claims": "admin"}
    other = next(service for service in SERVICES if service != right.service)
    base = portal.run.services[right.service]
    with httpx2.Client() as http:
        if right.cells["anonymous"] in REFUSED:
            assert ask(http, right, ids, base, headers=believed).status_code == 401
        assert ask(http, right, ids, base, headers=portal.signer().headers(admin, other)).status_code == 401


def pages(portal: Portal, role: str, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every answer to every GET this role may ask, the portal's pages among them."""
    for right in RIGHTS:
        if right.method == "GET" and "/api/events/" not in right.path:
            answer = ask(
                portal.as_(role), right, ids, headers={"accept": "text/html"} if right.service == "portal" else {}
            )
            yield right.name, answer.text


def test_no_byte_of_acme_is_in_anything_birch_can_read(portal: Portal, ids: dict[str, str]) -> None:
    acme = (
        portal.as_("admin")
        .get(f"{API}/projects", params={"client_id": ids["client_id"], "limit": "100"})
        .json()["items"]
    )
    canaries = {ids["client_id"], "Acme", *(each["name"] for each in acme), *(each["id"] for each in acme)}
    canaries |= {portal.me(who)["id"] for who in ("approver", "viewer", "feedback")}
    canaries -= set(ids.values())  # what is asked with may be said back
    own = {**ids, "client_id": portal.me("birch")["client_id"]}
    found = [(name, canary) for name, text in pages(portal, "birch", own) for canary in canaries if canary in text]
    assert found == []
    assert any(canary in text for _, text in pages(portal, "approver", ids) for canary in canaries)


def test_feedback_people_read_no_content_of_projects(portal: Portal, ids: dict[str, str]) -> None:
    """Seed 004: they may give feedback, and see nothing of scope, milestones or what happened in them."""
    staff = portal.as_("admin")
    projects = staff.get(f"{API}/projects", params={"client_id": ids["client_id"]}).json()["items"]
    milestones = [
        milestone["name"]
        for project in projects
        for milestone in staff.get(f"{API}/projects/{project['id']}").json()["milestones"]
    ]
    seen = [(name, word) for name, text in pages(portal, "feedback", ids) for word in milestones if word in text]
    assert seen == []


async def test_reading_changes_nothing_but_the_log(portal: Portal, ids: dict[str, str]) -> None:
    """S4: no GET has a side effect on business rows."""
    before = await checksums(portal)
    for role in ("birch", "viewer", "admin"):
        for _ in pages(portal, role, ids):
            pass
    assert await checksums(portal) == before


async def checksums(portal: Portal) -> dict[str, str]:
    """One hash for each business table of identity and projects; of mails, which ones there are: the mailer is at work."""
    connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
    sums: dict[str, str] = {}
    tables = """select schemaname || '.' || tablename from pg_tables where schemaname in ('identity', 'projects')
                and tablename not in ('outbox', 'inbox', 'inbox_positions', 'dead_letters', 'sessions') order by 1"""
    for (table,) in await connection.fetch(tables):
        kept = "t.id::text" if table == "identity.mails" else "t::text"
        rows = await connection.fetch(f"select {kept} from {table} t order by 1")
        sums[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    await connection.close()
    assert sums
    return sums


def test_ids_are_time_ordered(ids: dict[str, str]) -> None:
    assert {UUID(value).version for name, value in ids.items() if name.endswith("_id")} == {7}
