"""The rules about people, without anything else."""

import pytest

from services.identity.people.models import KindContradiction, Person, RolesNeedClient
from shared.actor import SYSTEM
from shared.clock import uuid7


def person(**fields: object) -> Person:
    return Person(**{"kind": "client", "email": "a@b.c", "first_name": "Anna", "last_name": "Keller"} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "client"}, "client_id"),
        ({"kind": "client", "client_id": uuid7(), "policies": ["viewAudit"]}, "policies"),
        ({"kind": "staff", "client_id": uuid7()}, "client_id"),
        ({"kind": "staff", "is_primary_contact": True}, "is_primary_contact"),
    ],
)
def test_kind_and_the_rest_must_agree(fields: dict[str, object], field: str) -> None:
    with pytest.raises(KindContradiction) as refused:
        person(**fields).created(SYSTEM)
    assert refused.value.field == field


def test_a_new_name_raises_the_version_and_the_same_one_does_not() -> None:
    anna = person(client_id=uuid7())
    assert anna.change(SYSTEM, {"first_name": "Anna"}) is None
    assert anna.version == 1
    renamed = anna.change(SYSTEM, {"first_name": "Anne", "last_name": "Keller"})
    assert renamed is not None
    assert (renamed.fields, anna.name, anna.version) == (["first_name"], "Anne Keller", 2)


def test_new_roles_raise_the_version_and_the_same_ones_do_not() -> None:
    anna, project = person(client_id=uuid7()), uuid7()
    assert anna.take_roles({project: "viewer"}, {project: "viewer"}) is None
    assert anna.version == 1
    assert anna.take_roles({project: "approver"}, {project: "viewer"}) is not None
    assert anna.version == 2


def test_staff_have_no_project_roles() -> None:
    with pytest.raises(RolesNeedClient):
        person(kind="staff").take_roles({}, {})


def test_a_password_hash_does_not_show_in_a_log() -> None:
    assert "argon2" not in repr(person(password_hash="$argon2id$..."))
