"""Lists of people, contacts and clients: their order, what is found in them, and pages of them while names change."""

from typing import Any

import pytest

from tests.identity.rig import ADMIN, Identity

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
