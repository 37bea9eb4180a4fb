"""P1: each change, each way in and each refusal is one record of the audit log, with who, whose, what, when and from where."""

from collections.abc import Callable
from typing import Any

import httpx2

from tests.portal_stack import API, PASSWORD, PEOPLE, Portal
from tests.security import people

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Step = tuple[Callable[[], httpx2.Response], int, list[str]]


class Trail:
    """The records of one client, oldest first. What a mail is about is on record once the mail is written."""

    def __init__(self, portal: Portal, client_id: str) -> None:
        self._portal = portal
        self._client_id = client_id

    def read(self) -> list[dict[str, Any]]:
        found = self._portal.as_("admin").get(f"{API}/audit", params={"client_id": self._client_id, "limit": 100})
        return found.json()["items"][::-1]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        return self._portal.until(lambda: len(found := self.read()) >= count and found)


def test_every_outcome_is_one_record(portal: Portal) -> None:
    staff = portal.sign_in(PEOPLE["admin"])  # has just proven who they are
    who = {"kind": "client", "email": "trail@trail.example", "first_name": "Ida", "last_name": "Berg"}
    client_id = people.client(portal)
    trail = Trail(portal, client_id)
    made: dict[str, Any] = {}
    guest = portal.client()
    guest.headers["User-Agent"] = FIREFOX

    def keep(name: str, answer: httpx2.Response) -> httpx2.Response:
        made[name] = answer.json()
        return answer

    def client(**changes: Any) -> httpx2.Response:
        return staff.patch(f"{API}/clients/{client_id}", json=changes)

    def sign_in(password: str) -> httpx2.Response:
        return guest.post(f"{API}/auth/login", json={"email": who["email"], "password": password})

    def token(secret: str) -> httpx2.Response:
        keys = (made["system"]["id"], secret)
        return guest.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=keys)

    system = {"name": "Trail", "scopes": ["projects:read"], "client_id": client_id}
    contact = {"first_name": "Nils", "last_name": "Olsen", "email": "nils@trail.example"}
    project = {"client_id": client_id, "name": "Quay wall", "status": "on_track"}
    steps: list[Step] = [
        (lambda: client(sign_in_methods=["magic_link", "password"]), 200, ["client_created", "client_updated"]),
        (
            lambda: keep(
                "person", staff.post(f"{API}/people", json=who | {"client_id": client_id, "password": PASSWORD})
            ),
            201,
            ["person_created"],
        ),
        (
            lambda: keep("contact", staff.post(f"{API}/clients/{client_id}/contacts", json=contact)),
            201,
            ["contact_created"],
        ),
        (
            lambda: staff.post(f"{API}/contacts/{made['contact']['id']}/portal-access/enable"),
            200,
            ["portal_access_granted", "invitation_sent"],
        ),
        (
            lambda: staff.patch(f"{API}/contacts/{made['contact']['id']}", json={"title": "Site"}),
            200,
            ["update_profile"],
        ),
        (
            lambda: staff.post(f"{API}/contacts/{made['contact']['id']}/portal-access/disable"),
            200,
            ["portal_access_revoked"],
        ),
        (lambda: sign_in("not this one at all"), 401, ["failed_login"]),
        (lambda: sign_in(PASSWORD), 200, ["login"]),
        (lambda: keep("project", people.post_project(portal, staff, project)), 201, ["project_created"]),
        (
            lambda: (
                people.give_role(portal, made["person"]["id"], {made["project"]["id"]: "viewer"})
                or guest.get("/healthz")
            ),
            200,
            ["project_roles_changed"],
        ),
        (lambda: guest.post(f"{API}/auth/step-up", json={"password": "not this one at all"}), 422, ["step_up_failed"]),
        (lambda: guest.post(f"{API}/auth/logout"), 204, ["session_revoked", "logout"]),
        (
            lambda: guest.post(f"{API}/auth/forgot-password", json={"email": who["email"]}),
            202,
            ["password_reset_requested"],
        ),
        (lambda: guest.post(f"{API}/auth/magic-link", json={"email": who["email"]}), 202, ["sign_in_link_requested"]),
        (lambda: staff.post(f"{API}/clients/{client_id}/portal/disable"), 200, ["client_updated", "portal_disabled"]),
        (lambda: sign_in(PASSWORD), 401, ["failed_login"]),
        (
            lambda: staff.post(f"{API}/clients/{client_id}/portal/enable", json={"user_id": made["person"]["id"]}),
            200,
            ["client_updated", "portal_enabled"],
        ),
        (lambda: keep("system", staff.post(f"{API}/api-clients", json=system)), 201, ["api_client_created"]),
        (lambda: token(made["system"]["client_secret"]), 200, ["api_token_issued"]),
        (lambda: token("not this one at all"), 401, ["api_token_refused"]),
        (lambda: staff.post(f"{API}/api-clients/{made['system']['id']}/rotate", json={}), 200, ["api_client_rotated"]),
        (lambda: staff.delete(f"{API}/api-clients/{made['system']['id']}"), 204, ["api_client_revoked"]),
        (lambda: staff.post(f"{API}/auth/view-as", json={"client_id": client_id}), 200, ["view_as_started"]),
        (lambda: staff.post(f"{API}/projects", json=project), 403, []),
        (lambda: staff.post(f"{API}/auth/view-as/end"), 200, ["view_as_ended"]),
        (lambda: client(name="Trail & Sons"), 200, ["client_updated"]),
    ]
    expected: list[str] = []
    for number, (act, status, types) in enumerate(steps):
        answer = act()
        assert answer.status_code == status, (number, answer.text)
        expected += types
        trail.wait_for(len(expected))
    records = trail.read()
    assert [each["type"] for each in records] == expected
    assert all(each["client_id"] == client_id and each["at"] for each in records)
    by_mail = ("invitation_sent", "sign_in_link_requested", "password_reset_requested")
    assert all(each["session"] for each in records)
    assert all(each["trace_id"] for each in records if each["type"] not in by_mail)
    doors = [each for each in records if each["type"] in ("login", "failed_login", "api_token_refused", *by_mail[1:])]
    assert {each["session"]["browser"] for each in doors} == {"Firefox 140"}
    assert {each["session"]["device_type"] for each in doors} == {"desktop"}
    assert all(each["session"]["ip"] and each["security"] for each in doors)
