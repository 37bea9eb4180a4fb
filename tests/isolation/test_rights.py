"""The declaration of rights is complete, is what the documentation shows, and is what guards and proofs really are."""

from inspect import isawaitable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import msgspec
import pytest
from litestar import Request
from litestar.handlers import HTTPRouteHandler

from services.portal.forms import OPENED_BY
from services.portal.look import whose
from shared.actor import Actor
from shared.errors import DomainError
from tests.isolation import page
from tests.isolation.matrix import RIGHTS, ask, asked_as
from tests.isolation.routes import ROLES, SERVICES, Right, proofs, real_routes, shape
from tests.isolation.test_mass_assignment import handlers
from tests.portal_stack import PEOPLE, Portal


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_declared_and_nothing_else_is(service: str) -> None:
    said = {shape(f"{right.method} {right.path}") for right in RIGHTS if right.service == service}
    assert said == real_routes(service)


def test_every_line_speaks_of_every_role() -> None:
    assert [right.name for right in RIGHTS if None in right.cells.values()] == []


def test_the_page_of_the_documentation_is_the_declaration() -> None:
    assert page.PAGE.read_text() == page.text(), "run `python -m tests.isolation.page`"


async def test_what_a_page_was_not_asked_follows_from_its_guards(portal: Portal) -> None:
    """Each page's guards, with every role: they refuse nobody who is declared to get in, and where a role is declared to
    be refused, they refuse it, or the page is asked as that role, or is refused to everybody alike.
    """
    actors = {role: portal.actor(role) for role in PEOPLE}
    actors |= {"anonymous": Actor(), "viewing": through_acmes_eyes(portal)}
    limits = {uuid4(): UUID(portal.me("birch")["client_id"])}
    actors["subcontractor"] = msgspec.structs.replace(actors["subcontractor"], assignments=limits)
    assert actors.keys() == set(ROLES) - {"partner"}
    known, wrong = dict(handlers("portal")), list[str]()
    for right in (each for each in RIGHTS if each.service == "portal"):
        handler = known[shape(f"{right.method} {right.path}")]
        for role, actor in actors.items():
            cell, refused = right.cells[role], await refuse(handler, right, actor)
            if refused and cell != (303 if role == "anonymous" else 403):
                wrong.append(f"{right.name} {role}: its guards refuse who gets {cell}")
            if not refused and cell == 403 and right.named and role not in asked_as(right):
                wrong.append(f"{right.name} {role}: no guard refuses; let the line name the role")
    assert wrong == [], "\n".join(wrong)


def through_acmes_eyes(portal: Portal) -> Actor:
    """Who views as the client as a whole."""
    acme = UUID(portal.me("approver")["client_id"])
    return Actor(id=uuid4(), kind="client", client_id=acme, is_primary_contact=True, read_only=True)


async def refuse(handler: HTTPRouteHandler, right: Right, actor: Actor) -> bool:
    """Whether one of the handler's guards refuses this caller, who sends a form that was opened for them."""

    async def sent() -> Any:
        return {"type": "http.request", "body": f"{OPENED_BY}={whose(actor)}".encode(), "more_body": False}

    scope: Any = {
        "type": "http",
        "method": right.method,
        "path": right.path,
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "query_string": b"",
        "state": {},
        "auth": actor,
        "route_handler": handler,
    }
    for guard in handler.resolve_guards():
        try:
            done = guard(Request(scope, sent), handler)
            if isawaitable(done):
                await done
        except DomainError:
            return True
    return False


@pytest.mark.parametrize("service", SERVICES)
def test_what_asks_for_a_fresh_proof_is_declared(service: str) -> None:
    said = {shape(f"{right.method} {right.path}") for right in RIGHTS if right.service == service and right.proof}
    assert said == {shape(route) for route, why_not in proofs(service).items() if not why_not}


async def test_an_old_proof_opens_what_asks_for_none_and_nothing_else(portal: Portal, ids: dict[str, str]) -> None:
    """Asked through the gateway, with sessions whose proof is 615 seconds old, as all who may."""
    old = {role: await proven_long_ago(portal, role) for role in ("admin", "approver")}
    wrong: dict[str, str] = {}
    for right in RIGHTS:
        changes = right.service in ("identity", "notifications") and right.method != "GET"
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


def test_ids_are_time_ordered(ids: dict[str, str]) -> None:
    assert {UUID(value).version for name, value in ids.items() if name.endswith("_id")} == {7}
