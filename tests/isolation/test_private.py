"""What staff have not shared does not exist for the client: asked with a private project's ids, each route answers its
people as it does for ids that nobody has. That nothing they read holds a word of it is in test_reads.py.
"""

from uuid import uuid4

import pytest

from tests.isolation.matrix import RIGHTS, ask, comparable
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
