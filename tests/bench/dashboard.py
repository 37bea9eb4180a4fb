"""The dashboard page, everything on it, of a client with 50 projects, through the gateway as a browser asks for it."""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.bench import load
from tests.bench.report import Row
from tests.portal_stack import API, PASSWORD, Portal, running_portal

PROJECTS = 50
PAGES = 200
CONNECTIONS = 8


def measure() -> list[Row]:
    """One page after the other on an idle portal, then as many as it can serve; the feed the same way."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with running_portal(Path(folder) / "data") as portal:
            http = _client_with_many_projects(portal)
            cookie = "; ".join(f"{each.name}={each.value}" for each in http.cookies.jar)
            alone = _one_after_the_other(http, "/")
            headers = {"Cookie": cookie}
            pages = load.median_of(3, portal.gateway + "/", connections=CONNECTIONS, headers=headers)
            feed = load.median_of(3, f"{portal.gateway}{API}/activity", connections=CONNECTIONS, headers=headers)
    p95 = statistics.quantiles(alone, n=20)[-1]
    return [
        Row("dashboard, 50 projects, p50", statistics.median(alone), "ms"),
        Row("dashboard, 50 projects, p95", p95, "ms", None, "60 ms", p95 < 60),
        Row("dashboards through the gateway", pages.per_second, "/s", None, "150 /s", pages.per_second >= 150),
        Row("feed requests through the gateway", feed.per_second, "/s", None, "1,000 /s", feed.per_second >= 1000),
    ]


def _one_after_the_other(http: httpx2.Client, path: str) -> list[float]:
    """Milliseconds of each page, after a few that warm everything up."""
    took: list[float] = []
    for number in range(PAGES + 20):
        began = time.perf_counter()
        answer = http.get(path)
        if answer.status_code != 200 or 'aria-busy="true"' in answer.text:
            raise RuntimeError(f"{answer.status_code}: a widget came late or not at all")
        if number >= 20:
            took.append((time.perf_counter() - began) * 1000)
    return took


def _client_with_many_projects(portal: Portal) -> httpx2.Client:
    """A client of its own with 50 projects of four milestones, and its primary contact, signed in."""
    staff = portal.as_("admin")
    client = _post(staff, "clients", {"name": "Many Projects AG"})["id"]
    staff.patch(f"{API}/clients/{client}", json={"sign_in_methods": ["magic_link", "password"]}).raise_for_status()
    person = {"kind": "client", "client_id": client, "email": "many@bench.example", "first_name": "Max"}
    _post(staff, "people", person | {"last_name": "Meier", "password": PASSWORD, "is_primary_contact": True})
    portal.until(lambda: staff.post(f"{API}/projects", json={"client_id": client, "name": "First"}).status_code == 201)
    for number in range(PROJECTS - 1):
        team = [{"name": "Jonas Weber", "role": "Lead"}, {"name": "Clara Hoffmann", "role": "Account"}]
        body = {"client_id": client, "name": f"Project {number}", "description": "What it is about.", "team": team}
        project = _post(staff, "projects", body)["id"]
        for step in range(4):
            _post(
                staff, f"projects/{project}/milestones", {"name": f"Step {step}", "target_on": f"2031-0{step + 1}-01"}
            )
    return portal.sign_in("many@bench.example")


def _post(http: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = http.post(f"{API}/{path}", json=body)
    if answer.status_code >= 300:
        raise RuntimeError(answer.text)
    return answer.json()
