"""What staff have not shared does not exist for the client: on no route, in no answer, for none of its people.

Asked with a private project's ids, each route answers the client as it does for ids that nobody has.
"""

from uuid import uuid4

import pytest

from tests.isolation.matrix import RIGHTS, ask, comparable, pages
from tests.isolation.routes import Right
from tests.portal_stack import API, Portal

ROLES = ("viewer", "approver", "viewing")
WORK = ("project_id", "milestone_id", "open_milestone_id")
NAMES = ("Canary of the works council", "Canary under wraps")
ABOUT_WORK = [
    right for right in RIGHTS if any(f"{{{name}}}" in f"{right.path}{right.query}{right.body}" for name in WORK)
]


@pytest.fixture(scope="module")
def kept(portal: Portal, ids: dict[str, str]) -> dict[str, str]:
    return keep(portal, ids)


def keep(portal: Portal, ids: dict[str, str]) -> dict[str, str]:
    """`ids` with those of a new private project of the client, and of its milestone."""
    staff = portal.as_("admin")
    body = {"client_id": ids["client_id"], "name": NAMES[0], "private": True}
    project = staff.post(f"{API}/projects", json=body).json()["id"]
    step = {"name": NAMES[1], "target_on": "2030-01-01"}
    milestone = staff.post(f"{API}/projects/{project}/milestones", json=step).json()["id"]
    return ids | {"project_id": project, "milestone_id": milestone, "open_milestone_id": milestone}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("right", ABOUT_WORK, ids=lambda right: right.name)
def test_a_private_id_is_answered_as_one_that_nobody_has(
    portal: Portal, kept: dict[str, str], right: Right, role: str
) -> None:
    own = {name: kept[name] for name in WORK}
    random = {name: str(uuid4()) for name in WORK}
    how = {"headers": {"accept": "text/html"}} if right.service == "portal" else {}
    http = portal.as_(role)
    private, nobodys = ask(http, right, kept, **how), ask(http, right, kept | random, **how)
    assert comparable(private, own) == comparable(nobodys, random)


def test_there_is_something_to_ask() -> None:
    assert len(ABOUT_WORK) >= 40


@pytest.mark.parametrize("role", ROLES)
def test_no_word_of_it_is_in_anything_the_client_can_read(
    portal: Portal, kept: dict[str, str], ids: dict[str, str], role: str
) -> None:
    canaries = {*NAMES, kept["project_id"], kept["milestone_id"]}
    found = [(name, canary) for name, text in pages(portal, role, ids) for canary in canaries if canary in text]
    assert found == []


def test_staff_read_all_of_it(portal: Portal, kept: dict[str, str], ids: dict[str, str]) -> None:
    """Else the client's not finding it would prove nothing."""
    found = {name for _, text in pages(portal, "admin", kept) for name in NAMES if name in text}
    assert found == set(NAMES)
