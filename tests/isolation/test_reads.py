"""Everything that can be read, read by everybody: nothing is in it that they may not see, and reading changes nothing."""

from typing import NamedTuple

import pytest

from tests.isolation.matrix import checksums, pages, settle
from tests.isolation.test_private import NAMES, keep
from tests.portal_stack import API, Portal

ACMES = ("feedback", "viewer", "approver", "viewing")
"""Acme's people, and who views as the client."""


class Read(NamedTuple):
    """What each role was answered, once, as route and text; and the business rows before and after."""

    answers: dict[str, list[tuple[str, str]]]
    kept: dict[str, str]
    """Acme's ids, with those of a project that is private and of its milestone."""
    before: dict[str, str]
    after: dict[str, str]

    def found(self, role: str, words: set[str]) -> list[tuple[str, str]]:
        """Which of these words stand in what this role read, and where."""
        return [(name, word) for name, text in self.answers[role] for word in words if word in text]


@pytest.fixture(scope="module")
async def read(portal: Portal, ids: dict[str, str]) -> Read:
    """Acme's people ask with Acme's ids, Birch's with Birch as the client, and staff also with what is private."""
    kept = keep(portal, ids)
    asked = dict.fromkeys(ACMES, ids) | {"birch": ids | {"client_id": portal.me("birch")["client_id"]}, "admin": kept}
    for role in asked:
        portal.forget(role)  # nobody's kept session gets too old while they read
        portal.as_(role)
    await settle(portal)
    before = await checksums(portal)
    answers = {role: list(pages(portal, role, own)) for role, own in asked.items()}
    return Read(answers, kept, before, await checksums(portal))


def test_reading_changes_nothing_but_the_log(read: Read) -> None:
    """S4: no GET has a side effect on business rows."""
    assert read.after == read.before


def test_no_byte_of_acme_is_in_anything_birch_can_read(portal: Portal, ids: dict[str, str], read: Read) -> None:
    query = {"client_id": ids["client_id"], "limit": "100"}
    acme = portal.as_("admin").get(f"{API}/projects", params=query).json()["items"]
    canaries = {ids["client_id"], "Acme", *(each["name"] for each in acme), *(each["id"] for each in acme)}
    canaries |= {portal.me(who)["id"] for who in ("approver", "viewer", "feedback")}
    canaries -= set(ids.values())  # what is asked with may be said back
    assert read.found("birch", canaries) == []
    assert read.found("approver", canaries)


def test_feedback_people_read_no_content_of_projects(portal: Portal, ids: dict[str, str], read: Read) -> None:
    """Seed 004: they may give feedback, and see nothing of scope, milestones or what happened in them."""
    staff = portal.as_("admin")
    projects = staff.get(f"{API}/projects", params={"client_id": ids["client_id"]}).json()["items"]
    milestones = {
        milestone["name"]
        for project in projects
        for milestone in staff.get(f"{API}/projects/{project['id']}").json()["milestones"]
    }
    assert read.found("feedback", milestones) == []
    assert read.found("approver", milestones)


@pytest.mark.parametrize("role", ACMES)
def test_no_word_of_what_is_private_is_in_anything_the_client_can_read(read: Read, role: str) -> None:
    assert read.found(role, {*NAMES, read.kept["project_id"], read.kept["milestone_id"]}) == []


def test_staff_read_all_of_what_is_private(read: Read) -> None:
    """Else the client's not finding it would prove nothing."""
    assert {word for _, word in read.found("admin", set(NAMES))} == set(NAMES)
