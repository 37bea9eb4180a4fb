"""What the company closes for a client is closed at every door, for its people and who views as them, and for nobody
else (decision 0054).
"""

from collections.abc import Callable, Iterator
from typing import get_args
from uuid import UUID

import httpx2
import msgspec
import pytest

from services.identity.clients.models import Action, Module
from shared.actor import Actor
from tests.isolation.matrix import RIGHTS, ask, is_as_declared
from tests.isolation.routes import SERVICES, Right, shape
from tests.isolation.test_mass_assignment import handlers
from tests.portal_stack import API, Portal

MODULES, ACTIONS = get_args(Module), get_args(Action)
EYES = ("feedback", "viewer", "approver", "viewing")
"""Acme's people, and who views as them."""
OTHERS = ("birch", "member", "subcontractor", "admin", "partner")
APART = [right for right in RIGHTS if right.service in ("projects", "activity") or right.module]
"""The routes of the services whose data a client may be kept from, and what others say of that data."""
OF_SEVERAL = "activity GET /api/client-portal/overview"
"""Leaves out what belongs to a closed module, part by part (tests/activity/overview)."""
Close = Callable[..., None]


@pytest.fixture
def close(portal: Portal) -> Iterator[Close]:
    """Says what is closed for Acme, and waits until each of its people's open sessions feels it."""

    def say(*closed: str) -> None:
        lists = {
            "closed_modules": [each for each in closed if each in MODULES],
            "closed_actions": [each for each in closed if each in ACTIONS],
        }
        path = f"{API}/clients/{portal.me('approver')['client_id']}"
        assert portal.as_("admin").patch(path, json=lists).status_code == 200
        for role in EYES:
            portal.until(lambda role=role: set(felt(portal, role)) == set(lists["closed_modules"]))

    yield say
    say()


def felt(portal: Portal, role: str) -> list[str]:
    """The modules that are closed to the session of this role."""
    probes = {"projects": "projects", "activity": "activity", "figures": "kpis"}
    return [name for name, path in probes.items() if is_closed(portal.as_(role).get(f"{API}/{path}"))]


def is_closed(answer: httpx2.Response) -> bool:
    return answer.status_code == 403 and answer.json()["code"] == "module.closed"


def actor_of(portal: Portal, role: str, closed: str) -> Actor:
    """Whom the gateway's claims name."""
    if role != "viewing":
        actor = portal.actor(role)
        assert actor.closed == {closed}
        return actor
    client_id = UUID(portal.me("approver")["client_id"])
    me = UUID(portal.me(role)["id"])
    return Actor(
        id=me, kind="client", client_id=client_id, is_primary_contact=True, read_only=True, closed=frozenset({closed})
    )


def doors(portal: Portal, role: str, right: Right, ids: dict[str, str], closed: str) -> Iterator[httpx2.Response]:
    """The request through the gateway; of a closed module also at the service's own port, with the same claims."""
    yield ask(portal.as_(role), right, ids)
    if right.module == closed:
        headers = portal.signer().headers(actor_of(portal, role, closed), right.service)
        with httpx2.Client(timeout=30) as http:
            yield ask(http, right, ids, portal.run.services[right.service], headers=headers)


def test_every_route_of_these_services_that_a_client_may_ask_is_part_of_a_module() -> None:
    asked = [right for right in APART if any(right.cells[role] not in (401, 403) for role in (*EYES, "birch"))]
    assert len(asked) >= 6
    assert [right.name for right in asked if right.module not in MODULES] == [OF_SEVERAL]


@pytest.mark.parametrize("service", SERVICES)
def test_the_declared_module_of_a_route_is_the_one_its_guard_looks_at(service: str) -> None:
    real = {route: handler.opt.get("module") for route, handler in handlers(service)}
    declared = {shape(f"{right.method} {right.path}"): right.module for right in RIGHTS if right.service == service}
    assert {route: real[route] for route in declared} == declared


def test_no_name_is_a_module_and_an_action() -> None:
    assert set(MODULES).isdisjoint(ACTIONS)


@pytest.mark.parametrize("module", MODULES)
def test_a_closed_module_is_refused_at_every_door_and_the_other_modules_are_as_ever(
    portal: Portal, ids: dict[str, str], close: Close, module: str
) -> None:
    close(module)
    wrong = [
        f"{right.name} {role}: {answer.status_code} {answer.text[:100]}"
        for right in APART
        for role in EYES
        for answer in doors(portal, role, right, ids, module)
        if not (is_closed(answer) if right.module == module else is_as_declared(answer, right.cells[role]))
    ]
    assert wrong == []


def test_with_everything_closed_for_one_client_the_others_and_staff_have_it_as_ever(
    portal: Portal, ids: dict[str, str], close: Close
) -> None:
    close(*MODULES, *ACTIONS)
    changed = [
        f"{right.name} {role}: {answer.status_code}"
        for right in APART
        for role in OTHERS
        if right.cells[role] != "gone"
        if not is_as_declared(answer := ask(portal.as_(role), right, ids), right.cells[role])
    ]
    assert changed == []


def test_with_everything_closed_people_still_look_after_themselves_and_their_team(
    portal: Portal, ids: dict[str, str], close: Close
) -> None:
    """Security, sessions and the team: nothing of them is a module."""
    close(*MODULES, *ACTIONS)
    picture = f"{API}/people/me/picture"  # changing one's own details is an action that is closed
    apart = [right for right in RIGHTS if right.service == "identity" and not (right.alone or right.module)]
    own = [right for right in apart if right.path != picture]
    assert len(own) > 50
    wrong = [
        f"{right.name} {role}: {answer.status_code} {answer.text[:100]}"
        for right in own
        for role in EYES
        if right.cells[role] != "gone" and "{session_id}" not in right.path
        if not is_as_declared(answer := ask(portal.as_(role), right, ids), right.cells[role])
    ]
    assert wrong == []
    viewer = portal.as_("viewer")
    for refused in (viewer.patch(f"{API}/people/me", json={"title": "Head of Everything"}), viewer.delete(picture)):
        assert (refused.status_code, refused.json()["code"]) == (403, "action.closed")


def test_an_open_stream_ends_with_a_reason_and_is_refused_until_it_is_open_again(
    portal: Portal, ids: dict[str, str], close: Close
) -> None:
    events = f"/api/events/{ids['client_id']}"
    for role in ("viewer", "viewing"):
        with portal.as_(role).stream("GET", events) as stream:
            lines = stream.iter_lines()
            next(lines)
            close("activity")
            assert 'data: {"reason":"access_changed"}' in list(lines), role
        refused = portal.as_(role).get(events)
        assert (refused.status_code, refused.json()["code"]) == (403, "module.closed")
        close()
        with portal.as_(role).stream("GET", events) as stream:
            assert stream.status_code == 200


def test_the_log_tells_which_settings_were_changed_and_by_whom(portal: Portal, close: Close) -> None:
    close("figures", "edit_profile")
    client_id = portal.me("approver")["client_id"]

    def told() -> list[list[str]]:
        listed = portal.as_("admin").get(f"{API}/audit", params={"client_id": client_id, "type": "client_updated"})
        return [
            each["detail"]["fields"]
            for each in listed.json()["items"]
            if each["actor"]["id"] == portal.me("admin")["id"]
        ]

    assert portal.until(lambda: (found := told()) and "closed_actions" in found[0] and found)[0] == [
        "closed_actions",
        "closed_modules",
    ]


def test_a_system_of_the_client_has_what_its_scopes_say(portal: Portal, close: Close) -> None:
    """Staff chose the scopes, for this very purpose."""
    client_id = portal.me("approver")["client_id"]
    headers = {"Authorization": f"Bearer {portal.token(portal.api_client(client_id))}"}
    close(*MODULES)
    for service, path in (("projects", "projects"), ("activity", "activity"), ("activity", "kpis")):
        for base in (portal.gateway, portal.run.services[service]):
            assert httpx2.get(f"{base}{API}/{path}", headers=headers, timeout=30).status_code == 200, f"{base} {path}"


def test_a_member_of_another_client_is_who_they_are_there(portal: Portal, close: Close) -> None:
    close(*MODULES)
    assert felt(portal, "birch") == []
    assert portal.me("birch")["closed"] == []
    assert msgspec.convert(portal.me("viewer")["closed"], set[str]) == set(MODULES)
