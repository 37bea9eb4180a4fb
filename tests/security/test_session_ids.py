"""S1: who a session is changes only together with its id, and an id somebody planted is never worth anything."""

from collections.abc import Callable

import httpx2
import pytest

from tests.portal_stack import API, PASSWORD, PEOPLE, Portal
from tests.security import people
from tests.security.people import cookie_of, status_with

PAGE = {"Accept": "text/html"}
PLANTED = ("a" * 43, "gQ7Yz0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c")


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_id_never_counts(portal: Portal, planted: str) -> None:
    with portal.client() as http:
        http.cookies.set("portal_session", planted)
        body = {"email": PEOPLE["viewer"], "password": PASSWORD}
        answer = http.post(f"{API}/auth/login", json=body, headers={"Cookie": f"portal_session={planted}"})
        assert answer.status_code == 200
        assert planted not in answer.headers["set-cookie"]
    assert status_with(portal, planted) == 401


def test_signing_in_again_ends_the_id_before(portal: Portal) -> None:
    http = portal.sign_in(PEOPLE["viewer"])
    before = cookie_of(http)
    http.post(f"{API}/auth/login", json={"email": PEOPLE["viewer"], "password": PASSWORD}).raise_for_status()
    assert cookie_of(http) != before
    assert status_with(portal, before) == 401
    assert status_with(portal, cookie_of(http)) == 200


def grant(portal: Portal, person_id: str, client_id: str | None) -> None:
    if client_id:
        people.give_role(portal, person_id, {people.project(portal, client_id): "viewer"})
    else:
        answer = portal.as_("admin").put(f"{API}/people/{person_id}/policies", json={"policies": ["viewAudit"]})
        assert answer.status_code == 200, answer.text


def test_changed_right_changes_the_id_with_the_next_page_and_not_before(portal: Portal) -> None:
    """A role in a project, and a policy of staff. Both ids before end after the same while."""
    for http, first in [changed(portal, people.client(portal)), changed(portal, None)]:
        second = cookie_of(http)
        portal.until(lambda first=first: status_with(portal, first) == 401)
        assert not portal_session_of(http.get("/projects", headers=PAGE))
        assert status_with(portal, second) == 200


def changed(portal: Portal, client_id: str | None) -> tuple[httpx2.Client, str]:
    """Somebody whose session has a new id, because of a changed right; and the one before."""
    who = people.person(portal, client_id)
    http = portal.sign_in(who["email"])
    first = cookie_of(http)
    grant(portal, who["id"], client_id)
    answer = http.get(f"{API}/auth/me")
    assert answer.json()["project_roles" if client_id else "policies"]
    for headers in ({}, {"Accept": "text/html", "HX-Request": "true"}):
        assert not portal_session_of(http.get("/projects", headers=headers))
    assert cookie_of(http) == first
    portal.until(lambda: portal_session_of(http.get("/projects", headers=PAGE)))
    second = cookie_of(http)
    assert second != first
    assert status_with(portal, second) == 200
    return http, first


def portal_session_of(answer: httpx2.Response) -> bool:
    """Whether an answer brought a new id, with all that keeps it."""
    lines = [line for line in answer.headers.get_list("set-cookie") if line.startswith("portal_session=")]
    for line in lines:
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in line.split(";")}
    return bool(lines)


Step = Callable[[Portal, httpx2.Client], httpx2.Response]
STEPS: dict[str, list[Step]] = {
    "viewing as a client, and leaving": [
        lambda portal, http: http.post(f"{API}/auth/view-as", json={"client_id": people.client(portal)}),
        lambda _, http: http.post(f"{API}/auth/view-as/end"),
    ],
    "proving oneself anew": [lambda _, http: http.post(f"{API}/auth/step-up", json={"password": PASSWORD})],
    "another password": [
        lambda _, http: http.post(
            f"{API}/people/me/password", json={"password": "another good long one", "current": PASSWORD}
        )
    ],
}


@pytest.mark.parametrize("what", STEPS)
def test_what_makes_a_session_worth_more_or_other_ends_the_id_before_at_once(portal: Portal, what: str) -> None:
    http = portal.sign_in(people.person(portal, None, policies=["viewAsClient"])["email"])
    ids = [cookie_of(http)]
    for step in STEPS[what]:
        answer = step(portal, http)
        assert answer.status_code in (200, 204), answer.text
        ids.append(cookie_of(http))
        assert [status_with(portal, each) for each in ids] == [401] * (len(ids) - 1) + [200]
    assert len(set(ids)) == len(ids)


def test_another_organisation_ends_the_id_before_at_once(portal: Portal) -> None:
    here, there = people.client(portal), people.client(portal)
    who = people.person(portal, here)
    http = portal.sign_in(who["email"])
    people.join(portal, http, there, who["email"])
    before = cookie_of(http)
    answer = http.post(f"{API}/auth/switch-organisation", json={"client_id": there})
    assert answer.json()["client_id"] == there
    assert [status_with(portal, each) for each in (before, cookie_of(http))] == [401, 200]
