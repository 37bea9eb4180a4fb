"""Names as long as they may be, in one word: every page that shows them keeps its width."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import NewPortal
from tests.e2e.appearance import TWO_LOOKS, wider_than_its_window
from tests.e2e.conftest import Sit
from tests.e2e.test_bell import is_told
from tests.portal_stack import API, PASSWORD, Portal

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützen" * 4


@pytest.fixture(scope="module")
def portal(new_portal: NewPortal) -> Iterator[Portal]:
    """One of its own: such names would be in everybody's lists."""
    with new_portal("long") as running:
        yield running


@pytest.fixture(scope="module")
def paths(portal: Portal) -> dict[str, list[str]]:
    """A client, two projects, a milestone and a person, and for whom they are on which pages."""

    def made(path: str, **body: Any) -> str:
        answer = portal.as_("admin").post(f"{API}/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    client = made("clients", name=LONG[:100])
    first = {"client_id": client, "name": "First"}
    portal.until(
        lambda: portal.as_("admin").post(f"{API}/projects", json=first).status_code == 201
    )  # it has heard of it
    project = made("projects", client_id=client, name=LONG, description=LONG, status="on_track")
    made(f"projects/{project}/milestones", name=LONG, target_on="2030-01-01")
    name = {"first_name": LONG[:80], "last_name": LONG[:80]}
    made("people", kind="client", client_id=client, email="long@harbour.example", password=PASSWORD, **name)
    theirs = made("projects", client_id=portal.me("approver")["client_id"], name=LONG, status="on_track")
    portal.until(lambda: is_told(portal, "approver", theirs))
    pages = [f"/projects/{project}", f"/projects/{project}/edit", f"/clients/{client}", f"/clients/{client}/contacts"]
    lists = ["/", "/projects", "/clients", "/activity", "/people?kind=client", f"/activity?project_id={project}"]
    return {
        "admin": [*lists, *pages, f"/contacts/{portal.me('viewer')['id']}"],
        "approver": ["/notifications", "/projects", "/team/new"],
    }


def test_no_page_scrolls_sideways(sit: Sit, paths: dict[str, list[str]]) -> None:
    wide: list[tuple[str, str, str]] = []
    for who, pages in paths.items():
        with sit(who) as seat:
            for path in pages:
                seat.open(path)
                for look in sorted(TWO_LOOKS, key=seat.look.differs):
                    seat.wear(look)
                    wide += [(who, path, str(look))] if wider_than_its_window(seat.page) else []
    assert wide == []
