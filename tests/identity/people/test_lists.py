"""Lists of people, contacts and clients: their order, what is found in them, and pages of them while names change."""

from typing import Any
from uuid import uuid4

import pytest

from tests.identity.rig import ADMIN, Identity, colleague_of

NAMES = [("Ä", "Ahrens"), ("", "Äberle"), ("Jürgen", "Größl"), ("Ju\u0308rgen", "Grossmann"), ("Zoë", "Zabel")]
"""In the order in which people expect them, which is not the order they are made in."""
IN_ORDER = ["Äberle", "Ä Ahrens", "Jürgen Größl", "Jürgen Grossmann", "Zoë Zabel"]


async def book(identity: Identity) -> str:
    client_id = await identity.client()
    for first, last in reversed(NAMES):
        body = {"first_name": first, "last_name": last}
        answer = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
        assert answer.status_code == 201, answer.text
    return client_id


async def names(identity: Identity, path: str, **query: Any) -> list[str]:
    answer = await identity.api(ADMIN, "GET", path, params=query)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def test_people_stand_where_their_letters_do(identity: Identity) -> None:
    client_id = await book(identity)
    assert await names(identity, f"clients/{client_id}/contacts") == IN_ORDER
    assert await names(identity, "people", client_id=client_id) == IN_ORDER


@pytest.mark.parametrize(
    "typed",
    [
        "jurgen groessl",
        "groessl",
        "GRÖẞL",
        "grossl",
        "Größl Jürgen",
        "juergen größl",
        "Gro\u0308ßl",
        "gr\u00f6\u200bssl",
        "rgen ößl",
    ],
    ids=ascii,
)
async def test_people_are_found_however_their_name_is_typed(identity: Identity, typed: str) -> None:
    client_id = await book(identity)
    assert await names(identity, f"clients/{client_id}/contacts", q=typed) == ["Jürgen Größl"]
    assert await names(identity, "people", client_id=client_id, q=typed) == ["Jürgen Größl"]


@pytest.mark.parametrize(
    ("domain", "typed"),
    [
        ("müller-bau.example", "müller-bau"),
        ("müller-bau.example", "xn--mller-bau-q9a"),
        ("xn--mller-bau-q9a.example", "mueller-b"),
        ("xn--mller-bau-q9a.example", "anna@müller-bau.example"),
        ("büro.größl.example", "buro.grossl"),
        ("点看.example", "看"),
        ("ليلى.example", "ليلى.example"),
        ("пример.example", "ПРИМЕР"),
    ],
)
async def test_people_are_found_by_their_domain_as_it_is_written(identity: Identity, domain: str, typed: str) -> None:
    client_id = await book(identity)
    body = {"first_name": "Anna", "last_name": "Bauer", "email": f"anna@{domain}"}
    assert (await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)).status_code == 201
    assert await names(identity, f"clients/{client_id}/contacts", q=typed) == ["Anna Bauer"]
    assert await names(identity, "people", client_id=client_id, q=typed) == ["Anna Bauer"]


@pytest.mark.parametrize("typed", ["grossl zabel", "%", "gr_ssl", "\\", "jurgen\\"])
async def test_what_is_typed_is_no_pattern(identity: Identity, typed: str) -> None:
    client_id = await book(identity)
    assert await names(identity, f"clients/{client_id}/contacts", q=typed) == []


async def test_clients_are_found_and_ordered_by_their_letters(identity: Identity) -> None:
    for name in ("Zug Łódź AG", "Änderung Łódź", "Ærø Łódź Havn"):
        await identity.client(name)
    assert await names(identity, "clients", q="lodz") == ["Ærø Łódź Havn", "Änderung Łódź", "Zug Łódź AG"]
    assert await names(identity, "clients", q="aero lodz") == ["Ærø Łódź Havn"]


@pytest.mark.parametrize("listed", ["contacts", "people"])
async def test_a_page_follows_though_the_last_one_was_renamed(identity: Identity, listed: str) -> None:
    client_id = await book(identity)
    path, query = (
        (f"clients/{client_id}/contacts", {}) if listed == "contacts" else ("people", {"client_id": client_id})
    )
    first = (await identity.api(ADMIN, "GET", path, params=query | {"limit": 2})).json()
    renamed = {"first_name": "Zzz", "last_name": "Zzz"}
    await identity.api(ADMIN, "PATCH", f"contacts/{first['items'][-1]['id']}", json=renamed)
    assert await names(identity, path, **query, cursor=first["next_cursor"]) == [*IN_ORDER[2:], "Zzz Zzz"]


async def test_a_page_of_clients_follows_though_the_last_one_was_renamed(identity: Identity) -> None:
    made = [await identity.client(f"Kursor {letter}") for letter in "ABC"]
    first = (await identity.api(ADMIN, "GET", "clients", params={"q": "kursor", "limit": 1})).json()
    await identity.api(ADMIN, "PATCH", f"clients/{made[0]}", json={"name": "Kursor Z"})
    following = await names(identity, "clients", q="kursor", cursor=first["next_cursor"])
    assert following == ["Kursor B", "Kursor C", "Kursor Z"]


async def test_the_longest_names_still_have_a_next_page(identity: Identity) -> None:
    client_id = await identity.client()
    for _ in range(2):
        body = {"first_name": "\ufdfa" * 100, "last_name": "語" * 100}
        await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
    path = f"clients/{client_id}/contacts"
    first = (await identity.api(ADMIN, "GET", path, params={"limit": 1})).json()
    assert len(await names(identity, path, cursor=first["next_cursor"])) == 1


async def pages(identity: Identity, path: str, **query: Any) -> list[str]:
    """The names of a list, read two at a time."""
    seen: list[str] = []
    while True:
        answer = await identity.api(ADMIN, "GET", path, params={"limit": 2, **query})
        assert answer.status_code == 200, answer.text
        seen += [each["name"] for each in answer.json()["items"]]
        query["cursor"] = answer.json()["next_cursor"]
        if query["cursor"] is None:
            return seen


SIGNED_IN = {
    "Zoë Zabel": "2026-03-01 10:00:00.5+00",
    "Ä Ahrens": "2026-03-01 10:00:00.25+00",
    "Äberle": "2025-12-31 23:59+00",
}
LAST_FIRST = ["Zoë Zabel", "Ä Ahrens", "Äberle", "Jürgen Größl", "Jürgen Grossmann"]
"""Who never signed in is at the end in both directions, by when they were added: `book` adds them in this order's reverse."""


@pytest.mark.parametrize("listed", ["contacts", "people"])
async def test_people_are_sorted_both_ways_over_several_pages(identity: Identity, listed: str) -> None:
    client_id = await book(identity)
    for name, at in SIGNED_IN.items():
        await identity.execute(
            f"update people set last_sign_in_at = '{at}', portal_access = false"
            " where client_id = $1 and trim(first_name || ' ' || last_name) = $2",
            client_id,
            name,
        )
    path, query = (
        (f"clients/{client_id}/contacts", {}) if listed == "contacts" else ("people", {"client_id": client_id})
    )
    assert await pages(identity, path, **query, sort="name") == IN_ORDER
    assert await pages(identity, path, **query, sort="-name") == IN_ORDER[::-1]
    assert await pages(identity, path, **query, sort="-last_sign_in_at") == LAST_FIRST
    assert await pages(identity, path, **query, sort="last_sign_in_at") == [*LAST_FIRST[2::-1], *LAST_FIRST[:2:-1]]
    assert await pages(identity, path, **query, sort="-name", q="jurgen") == ["Jürgen Grossmann", "Jürgen Größl"]


async def test_names_alike_stand_in_one_order_over_their_pages(identity: Identity) -> None:
    client_id = await identity.client()
    made: list[str] = []
    for _ in range(5):
        body = {"first_name": "Anna", "last_name": "Bauer"}
        answer = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
        made.append(answer.json()["id"])
    for sort, expected in (
        ("name", made),
        ("-name", made[::-1]),
        ("portal_access", made),
        ("-portal_access", made[::-1]),
    ):
        seen: list[str] = []
        query: dict[str, Any] = {"sort": sort, "limit": 2}
        while True:
            page = (await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts", params=query)).json()
            seen += [each["id"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == expected


async def test_people_of_all_clients_stand_by_client_and_staff_at_the_end(identity: Identity) -> None:
    for client in ("Zäh AG", "Äthna"):
        await identity.person(await identity.client(client), first_name="Sorta", last_name=client)
    await identity.person(first_name="Sorta", last_name="Staff")
    assert await pages(identity, "people", q="sorta", sort="client_name") == [
        "Sorta Äthna",
        "Sorta Zäh AG",
        "Sorta Staff",
    ]
    assert await pages(identity, "people", q="sorta", sort="-client_name") == [
        "Sorta Zäh AG",
        "Sorta Äthna",
        "Sorta Staff",
    ]


async def test_colleagues_cannot_sort_by_what_they_are_not_shown(identity: Identity) -> None:
    anna = colleague_of(await book(identity))
    for sort in ("last_sign_in_at", "-active", "created_at"):
        answer = await identity.api(anna, "GET", "people", params={"sort": sort})
        assert (answer.status_code, answer.json()["code"]) == (422, "sort.not_shown")
    assert (await identity.api(anna, "GET", "people", params={"sort": "-name"})).status_code == 200


async def test_who_sees_a_project_is_asked_of_everybody_with_access(identity: Identity) -> None:
    """And not concluded from the first hundred."""
    client_id = await identity.client()
    project = await identity.project(client_id)

    async def person(last_name: str, role: str = "", **fields: Any) -> str:
        made = await identity.person(client_id, first_name="", last_name=last_name, **fields)
        roles = {"roles": {project: role} if role else {}}
        answer = await identity.api(ADMIN, "PUT", f"people/{made['id']}/project-roles", json=roles)
        assert answer.status_code == 200, answer.text
        return made["id"]

    await person("Primary", is_primary_contact=True)
    await person("Viewer", "viewer")
    await person("Feedback", "feedback_only")
    await person("Nothing")
    gone = await person("Gone", "approver", is_primary_contact=True)
    await identity.api(ADMIN, "PATCH", f"people/{gone}", json={"active": False})
    for last_name, roles in (("Invited", {project: "viewer"}), ("Listed", None)):
        body = {"last_name": last_name, "email": f"{uuid4().hex}@acme.example"}
        contact = (await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)).json()["id"]
        if roles:
            path = f"contacts/{contact}/portal-access/enable"
            assert (await identity.api(ADMIN, "POST", path, json={"project_roles": roles})).status_code == 200
    asked = {"client_id": client_id, "project_id": project}
    assert await names(identity, "people", **asked) == ["Invited", "Primary", "Viewer"]
    assert await names(identity, "people", **asked, sees="false") == ["Feedback", "Nothing"]
    assert await names(identity, "people", **asked, q="view") == ["Viewer"]
    await identity.person(await identity.client(), last_name="Elsewhere", is_primary_contact=True)
    assert await names(identity, "people", project_id=project) == ["Invited", "Primary", "Viewer"]
    assert await names(identity, "people", project_id=project, sees="false") == ["Feedback", "Nothing"]


async def test_primary_contacts_are_asked_for_by_the_flag_and_by_access(identity: Identity) -> None:
    """A colleague asks whom of them to turn to, and learns of nobody else who has access."""
    client_id = await identity.client()
    for last_name in ("Gone", "Primary"):
        made = await identity.person(client_id, first_name="", last_name=last_name, is_primary_contact=True)
        if last_name == "Gone":
            await identity.api(ADMIN, "PATCH", f"people/{made['id']}", json={"active": False})
    await identity.person(client_id, first_name="", last_name="Viewer")
    body = {"last_name": "Listed", "is_primary_contact": True}
    assert (await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)).status_code == 201
    of, primary, access = {"client_id": client_id}, {"primary": "true"}, {"access": "true"}
    assert await names(identity, "people", **of, **primary) == ["Gone", "Listed", "Primary"]
    assert await names(identity, "people", **of, **access) == ["Primary", "Viewer"]
    assert await names(identity, "people", **of, **primary, **access) == ["Primary"]
    anna = colleague_of(client_id)
    found = (await identity.api(anna, "GET", "people", params=primary | access)).json()["items"]
    assert [each["name"] for each in found] == ["Primary"]
    for asked in (access, {"project_id": str(uuid4())}):
        refused = await identity.api(anna, "GET", "people", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (422, "filter.not_shown")


async def test_clients_are_sorted_both_ways_over_several_pages(identity: Identity) -> None:
    made = [(name, await identity.client(f"Ordnung {name}")) for name in ("C", "Ä", "B")]
    await identity.execute("update clients set active = false where id = $1", made[2][1])
    for sort, expected in {
        "name": "ÄBC",
        "-name": "CBÄ",
        "created_at": "CÄB",
        "-created_at": "BÄC",
        "active": "BCÄ",
        "-portal_enabled": "BÄC",
    }.items():
        assert await pages(identity, "clients", q="ordnung", sort=sort) == [f"Ordnung {each}" for each in expected], (
            sort
        )


@pytest.mark.parametrize("path", ["people", "clients", "clients/{}/contacts"])
async def test_an_order_that_does_not_exist_is_refused_and_so_is_a_cursor_of_another(
    identity: Identity, path: str
) -> None:
    path = path.format(await book(identity))
    await identity.client()
    first = (await identity.api(ADMIN, "GET", path, params={"sort": "name", "limit": 1})).json()
    for query, field in (
        ({"sort": "password_hash"}, "sort"),
        ({"sort": "name,id"}, "sort"),
        ({"sort": ""}, "sort"),
        ({"sort": "-name", "cursor": first["next_cursor"]}, "cursor"),
    ):
        answer = await identity.api(ADMIN, "GET", path, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
