"""How a client's people may come in, and what else staff say of a client."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.identity.clients import allowed
from services.identity.clients.allowed import NotADomain, NotANetwork, PublicDomain
from tests.identity.rig import ADMIN, Identity, colleague_of, staff

EVERYTHING = {
    "sign_in_methods": ["password", "passkey", "password"],
    "second_factor": "required",
    "allowed_networks": ["192.0.2.7", "2001:DB8::/32", "192.0.2.7/32"],
    "allowed_domains": [" Acme.Example", "@mail.acme.example"],
    "team_invites": False,
    "closed_modules": ["figures", "activity", "figures"],
    "closed_actions": ["edit_profile"],
    "session_recording": True,
    "language": "de",
    "settings": {"colour": "#0a5", "deep": {"list": [1, None, "ü"]}},
}


async def test_everything_that_is_said_of_a_client_is_kept_in_one_form(identity: Identity) -> None:
    client_id = await identity.client(allowed_domains=[])
    sent = EVERYTHING | {"allowed_domains": [f" {uuid4().hex}.Example"]}
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=sent)
    assert answer.status_code == 200, answer.text
    client = answer.json()
    assert client == (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json()
    assert client["sign_in_methods"] == ["passkey", "password"]
    assert client["allowed_networks"] == ["192.0.2.7/32", "2001:db8::/32"]
    assert client["allowed_domains"] == [sent["allowed_domains"][0].strip().lower()]
    assert (client["closed_modules"], client["closed_actions"]) == (["activity", "figures"], ["edit_profile"])
    for name in ("second_factor", "team_invites", "session_recording", "language", "settings"):
        assert client[name] == EVERYTHING[name]
    (event,) = await identity.events("client_updated", client_id)
    told = msgspec.json.decode(event.data)
    assert told["fields"] == sorted(EVERYTHING)
    assert "192.0.2" not in str(told)


async def test_its_own_people_see_what_concerns_them_and_no_more(identity: Identity) -> None:
    client_id = await identity.client()
    seen = (await identity.api(colleague_of(client_id), "GET", f"clients/{client_id}")).json()
    assert {"sign_in_methods", "second_factor", "team_invites", "session_recording", "language"} <= set(seen)
    for_staff = {
        "recorded_since",
        "allowed_networks",
        "allowed_domains",
        "closed_modules",
        "closed_actions",
        "settings",
        "portal_user_id",
    }
    assert seen.keys().isdisjoint(for_staff)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sign_in_methods": []}, "sign_in_methods"),
        ({"sign_in_methods": ["carrier_pigeon"]}, "sign_in_methods[0]"),
        ({"sign_in_methods": None}, "sign_in_methods"),
        ({"second_factor": "never"}, "second_factor"),
        ({"allowed_networks": ["192.0.2.0/33"]}, "allowed_networks"),
        ({"allowed_networks": ["everywhere"]}, "allowed_networks"),
        ({"allowed_networks": ["192.0.2.1"] * 51}, "allowed_networks"),
        ({"allowed_domains": ["acme"]}, "allowed_domains"),
        ({"allowed_domains": ["gmail.com"]}, "allowed_domains"),
        ({"allowed_domains": ["x.example"] * 21}, "allowed_domains"),
        ({"closed_modules": ["billing"]}, "closed_modules[0]"),
        ({"closed_modules": "projects"}, "closed_modules"),
        ({"closed_actions": ["edit_profile", "sign_out"]}, "closed_actions[1]"),
        ({"language": "fr"}, "language"),
        ({"team_invites": "yes"}, "team_invites"),
        ({"settings": []}, "settings"),
        ({"settings": {"long": "x" * 16_384}}, "settings"),
        ({"settings": {"nul": "\x00"}}, "settings"),
        ({"portal_user_id": str(uuid4())}, "portal_user_id"),
    ],
)
async def test_what_cannot_be_meant_is_422_and_changes_nothing(
    identity: Identity, body: dict[str, Any], field: str
) -> None:
    client_id = await identity.client()
    before = (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json()
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"name": "New", **body})
    assert answer.status_code == 422, answer.text
    assert field.partition("[")[0] in str(answer.json()["errors"] or answer.text)
    assert (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json() == before
    assert await identity.events("client_updated", client_id) == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("192.0.2.77/24", "192.0.2.0/24"),
        (" 192.0.2.1 ", "192.0.2.1/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    ],
)
def test_a_network_has_one_form(typed: str, kept: str) -> None:
    assert allowed.networks([typed, kept]) == [kept]


@pytest.mark.parametrize("typed", ["", "192.0.2", "192.0.2.1-9", "192.0.2.0/24/24", "fe80::1%eth0/64", "*"])
def test_what_is_no_network_is_refused_by_its_number(typed: str) -> None:
    with pytest.raises(NotANetwork, match="Entry 2"):
        allowed.networks(["192.0.2.1", typed])


@pytest.mark.parametrize(
    "typed", ["", "acme", ".example", "acme.", "a b.example", "-a.example", "a@b.example", "*.example"]
)
def test_what_is_no_domain_is_refused_by_its_number(typed: str) -> None:
    with pytest.raises(NotADomain, match="Entry 2"):
        allowed.domains(["acme.example", typed])


@pytest.mark.parametrize("typed", ["gmail.com", "@GMX.de", "Web.DE"])
def test_a_domain_where_anybody_gets_an_address_lets_nobody_register(typed: str) -> None:
    with pytest.raises(PublicDomain):
        allowed.domains([typed])


async def test_a_domain_leads_to_one_client_only(identity: Identity) -> None:
    acme, birch = await identity.client(), await identity.client()
    domain = f"{uuid4().hex}.example"
    tries = [
        identity.api(ADMIN, "PATCH", f"clients/{each}", json={"allowed_domains": [domain]}) for each in (acme, birch)
    ]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert (refused["code"], refused["errors"][0]["field"]) == ("client.domain_taken", "allowed_domains")
    held = await identity.execute("select id from clients where $1 = any(allowed_domains)", domain)
    assert len(held) == 1


async def test_single_sign_on_alone_needs_a_provider(identity: Identity) -> None:
    client_id = await identity.client()
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"sign_in_methods": ["sso"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "client.no_identity_provider")
    both = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"sign_in_methods": ["sso", "password"]})
    assert both.status_code == 200


async def test_a_new_allow_list_is_what_running_sessions_are_held_to(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"allowed_networks": ["192.0.2.0/24"]})
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    record = await browser.record()
    assert record
    assert record["networks"] == ["192.0.2.0/24"]


async def test_settings_need_the_policy(identity: Identity) -> None:
    client_id = await identity.client()
    for actor in (staff("managePortalAccess"), colleague_of(client_id, is_primary_contact=True)):
        answer = await identity.api(actor, "PATCH", f"clients/{client_id}", json={"sign_in_methods": ["password"]})
        assert answer.status_code == 403
