"""Who may see what, decided in one place."""

import pytest

from shared.actor import SYSTEM, Actor
from shared.clock import uuid7

OWN, OTHER = uuid7(), uuid7()
A, B, C = uuid7(), uuid7(), uuid7()
ROLES = {A: "approver", B: "feedback_only"}


def person(*, primary: bool = False) -> Actor:
    return Actor(kind="client", client_id=OWN, project_roles=ROLES, is_primary_contact=primary)


def test_a_client_person_reads_the_projects_they_have_a_reading_role_in() -> None:
    assert person().readable_projects() == {A}
    assert [person().role_in(project) for project in (A, B, C)] == ["approver", "feedback_only", None]


def test_a_primary_contact_is_a_viewer_at_least_and_both_answers_agree() -> None:
    assert person(primary=True).readable_projects() is None
    assert [person(primary=True).role_in(project) for project in (A, B, C)] == ["approver", "viewer", "viewer"]


@pytest.mark.parametrize(
    ("kind", "own", "other"), [("client", True, False), ("staff", True, True), ("anonymous", False, False)]
)
def test_whose_data_may_be_named(kind: str, own: bool, other: bool) -> None:
    actor = Actor(kind=kind, client_id=OWN if kind == "client" else None)  # type: ignore[arg-type]
    assert (actor.sees(OWN), actor.sees(OTHER)) == (own, other)


def test_policies_are_for_staff_alone() -> None:
    held = frozenset({"manageProjects"})
    assert Actor(kind="staff", policies=held).can("manageProjects")
    assert not Actor(kind="client", policies=held).can("manageProjects")
    assert not SYSTEM.can("manageProjects")


def test_a_subcontractor_sees_named_projects_and_no_policy_widens_that() -> None:
    everything = frozenset({"manageProjects", "manageClients", "managePeople", "viewAudit", "viewAsClient"})
    limited = Actor(kind="staff", policies=everything, assignments={A: OWN})
    assert limited.readable_projects() == {A}
    assert (limited.sees(OWN), limited.sees(OTHER)) == (True, False)
    assert {policy for policy in everything if limited.can(policy)} == {"manageProjects"}
    nowhere = Actor(kind="staff", policies=everything, assignments={})
    assert (nowhere.readable_projects(), nowhere.sees(OWN)) == (frozenset(), False)
