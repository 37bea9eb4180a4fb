"""People whose sessions these tests may end, and what is open in their browsers."""

import itertools
import threading
import time
from typing import Any

import httpx2

from tests.e2e.test_account import link_to
from tests.portal_stack import API, PASSWORD, Portal

_numbers = itertools.count(1)


def client(portal: Portal) -> str:
    """A client of the test's own."""
    made = portal.as_("admin").post(f"{API}/clients", json={"name": f"Harbour {next(_numbers)} Ltd"})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def person(portal: Portal, client_id: str | None, **more: Any) -> dict[str, Any]:
    """Somebody who signs in with a password; staff without a client."""
    if client_id:
        methods = {"sign_in_methods": ["magic_link", "password"]}
        portal.as_("admin").patch(f"{API}/clients/{client_id}", json=methods).raise_for_status()
    body = {
        "kind": "client" if client_id else "staff",
        "client_id": client_id,
        "email": f"person{next(_numbers)}@harbour.example",
        "first_name": "Ida",
        "last_name": "Berg",
        "password": PASSWORD,
        **more,
    }
    made = portal.as_("admin").post(f"{API}/people", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def post_project(portal: Portal, staff: httpx2.Client, body: dict[str, Any]) -> httpx2.Response:
    """What making a project is answered as soon as projects has heard of the client."""

    def made() -> httpx2.Response | None:
        answer = staff.post(f"{API}/projects", json=body)
        return None if answer.status_code == 404 else answer

    return portal.until(made)


def project(portal: Portal, client_id: str) -> str:
    """A project of a client that may have been made just now."""
    body = {"client_id": client_id, "name": "Quay wall", "status": "on_track"}
    made = post_project(portal, portal.as_("admin"), body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def give_role(portal: Portal, person_id: str, roles: dict[str, str]) -> None:
    """As soon as identity knows the projects."""
    path = f"{API}/people/{person_id}/project-roles"
    portal.until(lambda: portal.as_("admin").put(path, json={"roles": roles}).status_code == 200)


def reader(portal: Portal) -> tuple[dict[str, Any], str]:
    """Somebody at a client of its own, who reads this project of it."""
    client_id = client(portal)
    who = person(portal, client_id)
    made = project(portal, client_id)
    give_role(portal, who["id"], {made: "viewer"})
    return who, made


def join(portal: Portal, http: httpx2.Client, client_id: str, email: str) -> None:
    """Who is signed in with `http` is this client's person, too."""
    staff = portal.as_("admin")
    methods = {"sign_in_methods": ["magic_link", "password"]}
    staff.patch(f"{API}/clients/{client_id}", json=methods).raise_for_status()
    body = {"first_name": "Ida", "last_name": "Berg", "email": email}
    contact = staff.post(f"{API}/clients/{client_id}/contacts", json=body).raise_for_status().json()
    staff.post(f"{API}/contacts/{contact['id']}/portal-access/enable").raise_for_status()
    token = link_to(portal, email, "invitation").partition("=")[2]
    http.post(f"{API}/auth/organisations/join", json={"token": token}).raise_for_status()


def cookie_of(http: httpx2.Client) -> str:
    return http.cookies["portal_session"]


def status_with(portal: Portal, cookie: str, path: str = f"{API}/auth/me") -> int:
    """What this session's id gets now."""
    with portal.client() as http:
        return http.get(path, headers={"Cookie": f"portal_session={cookie}"}).status_code


class Stream:
    """An open stream of live events, read until somebody ends it."""

    def __init__(self, http: httpx2.Client, client_id: str) -> None:
        self.is_open, self.ended = threading.Event(), threading.Event()
        self.said = b""
        self.ended_at = 0.0
        """By `time.perf_counter`."""
        self._thread = threading.Thread(target=self._read, args=(http, f"/api/events/{client_id}"), daemon=True)
        self._thread.start()
        assert self.is_open.wait(30)

    def _read(self, http: httpx2.Client, path: str) -> None:
        try:
            with http.stream("GET", path, timeout=60) as answer:
                assert answer.status_code == 200
                for part in answer.iter_bytes():
                    self.said += part
                    self.is_open.set()
                    if b"event: closed" in self.said:
                        break
        except httpx2.HTTPError:
            pass
        self.ended_at = time.perf_counter()
        self.ended.set()


def watch(http: httpx2.Client, client_id: str) -> Stream:
    """A stream that stays: shortly after a change of rights the first ones are sent away at once."""
    while (stream := Stream(http, client_id)).ended.wait(0.5):
        time.sleep(0.2)
    return stream
