"""One name is enough, and it has something to see."""

from typing import Any
from uuid import uuid4

import pytest

from services.identity.people.models import NameNeeded, Person
from services.portal import letters
from shared.actor import SYSTEM
from tests.identity.rig import ADMIN, PASSWORD, Identity, colleague_of, somewhere

ONE = [{"first_name": "Suharto"}, {"last_name": "Suharto"}, {"first_name": "", "last_name": "Suharto"}]


def address() -> str:
    return f"{uuid4().hex}@acme.example"


@pytest.mark.parametrize("names", ONE)
async def test_one_name_is_enough_for_everybody_who_is_added(identity: Identity, names: dict[str, Any]) -> None:
    client_id = await identity.client()
    lead = colleague_of(client_id, is_primary_contact=True, proven_at=ADMIN.proven_at)
    made = [
        await identity.api(ADMIN, "POST", "people", json={"kind": "staff", "email": address(), **names}),
        await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=names),
        await identity.api(lead, "POST", "team", json={"email": address(), **names}),
    ]
    assert [(each.status_code, each.json()["name"]) for each in made] == [(201, "Suharto")] * 3, made[2].text
    listed = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts")
    assert [each["name"] for each in listed.json()["items"]] == ["Suharto"] * 2


async def test_one_name_is_enough_for_who_registers_and_stays_so(identity: Identity) -> None:
    asked = {"email": address(), "last_name": "Suharto"}
    assert (await identity.api(somewhere(), "POST", "auth/register", json=asked)).status_code == 202
    person = await identity.person(first_name="Suharto", last_name="")
    browser = await identity.browser(person)
    assert (await browser("GET", "auth/me")).json()["name"] == "Suharto"
    changed = await browser("PATCH", "people/me", json={"first_name": "", "last_name": "Suharto"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Suharto")
    refused = await browser("PATCH", "people/me", json={"last_name": ""})
    assert (refused.status_code, refused.json()["code"]) == (422, "person.name_needed")


@pytest.mark.parametrize("names", [{}, {"first_name": "", "last_name": ""}, {"first_name": "\u200b", "last_name": "K"}])
async def test_nobody_is_without_a_name(identity: Identity, names: dict[str, Any]) -> None:
    client_id = await identity.client()
    answers = [
        await identity.api(ADMIN, "POST", "people", json={"kind": "staff", "email": address(), **names}),
        await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=names),
        await identity.api(somewhere(), "POST", "auth/register", json={"email": address(), **names}),
    ]
    assert [each.status_code for each in answers] == [422] * 3
    assert all("first_name" in each.json()["errors"][0]["field"] for each in answers)


async def test_a_name_is_kept_composed(identity: Identity) -> None:
    person = await identity.person(first_name="Ju\u0308rgen", password=PASSWORD)
    assert person["first_name"] == "Jürgen"


@pytest.mark.parametrize(
    "name",
    [
        "Größl",
        "A\u0308rzte",
        "ÅNGSTRÖM",
        "Łódź",
        "ﬁx Œuvre",
        "İstanbul ıslak",
        "Æþelred",
        "a\u200bb",
        "李 शर्मा",
        "１２",
    ],
)
async def test_pages_fold_letters_as_the_database_does(identity: Identity, name: str) -> None:
    (row,) = await identity.execute(
        "select folded($1), (select bool_and(found_by($1) like each) from unnest(wanted($1)) each)", name
    )
    assert (row[0], row[1]) == (letters.folded(name), True)
    (row,) = await identity.execute("select found_by($1)", name)
    assert set(row[0].split()) <= set(letters.found_by(name).split())


def test_a_name_is_a_rule_of_the_person() -> None:
    with pytest.raises(NameNeeded):
        Person(kind="staff", email="a@b.example", first_name="", last_name="")
    person = Person(kind="staff", email="a@b.example", first_name="Suharto", last_name="")
    assert (person.name, person.called) == ("Suharto", "Suharto")
    with pytest.raises(NameNeeded):
        person.change(SYSTEM, {"first_name": ""})
