"""Staff's settings of a client's provider."""

import json
from typing import Any

import msgspec
import pytest

from shared.clock import uuid7
from shared.sealing import Sealer
from tests.identity.idp import CLIENT, SECRET
from tests.identity.rig import ADMIN, Identity, colleague_of, staff
from tests.identity.single_sign_on.rig import REDIRECT_URI, REFUSED, Organisation, seen


async def test_settings_are_kept_and_the_secret_never_comes_back(acme: Organisation, identity: Identity) -> None:
    answer = await identity.api(ADMIN, "GET", acme.settings)
    shown = answer.json()
    assert shown.pop("updated_at")
    assert shown == {
        "issuer": acme.idp.url,
        "oauth_client_id": CLIENT,
        "domains": [acme.domain],
        "linked_people": 0,
        "redirect_uri": REDIRECT_URI,
    }
    assert SECRET not in answer.text
    (row,) = await identity.execute("select secret from identity_providers where client_id = $1", acme.client_id)
    assert SECRET.encode() not in row["secret"]
    (event,) = await identity.events("single_sign_on_changed", acme.client_id)
    assert json.loads(bytes(event.data)) == {"fields": ["domains", "issuer", "oauth_client_id", "secret"]}
    acme.seat(await acme.person())
    await acme.come_in()
    assert (await identity.api(ADMIN, "GET", acme.settings)).json()["linked_people"] == 1


async def test_a_client_without_a_provider_shows_what_to_register(identity: Identity) -> None:
    answer = await identity.api(ADMIN, "GET", f"clients/{await identity.client()}/single-sign-on")
    assert answer.json() == {
        "issuer": None,
        "oauth_client_id": None,
        "domains": [],
        "linked_people": 0,
        "updated_at": None,
        "redirect_uri": REDIRECT_URI,
    }


async def test_what_is_kept_stays_without_a_new_secret(acme: Organisation, identity: Identity) -> None:
    answer = await acme.configure(client_secret=None, domains=[acme.domain, "second.example", acme.domain])
    assert answer.json()["domains"] == sorted([acme.domain, "second.example"])
    acme.seat(await acme.person())
    assert (await acme.come_in()).status_code == 200
    assert (await acme.configure(client_secret=None, domains=[acme.domain])).status_code == 200
    assert (await acme.configure(client_secret=None, domains=[acme.domain])).status_code == 200
    assert len(await identity.events("single_sign_on_changed", acme.client_id)) == 3


async def test_a_secret_does_not_follow_to_another_issuer(acme: Organisation, identity: Identity) -> None:
    await identity.execute(
        "update identity_providers set issuer = 'https://before.example' where client_id = $1", acme.client_id
    )
    for changes in ({}, {"oauth_client_id": "another"}):
        answer = await acme.configure(client_secret=None, **changes)
        assert seen(answer) == (422, "single_sign_on.secret_needed")
        assert answer.json()["errors"][0]["field"] == "client_secret"
    fresh = Organisation(identity, acme.idp, await identity.client())
    assert seen(await fresh.configure(client_secret=None)) == (422, "single_sign_on.secret_needed")


async def test_a_secret_opens_for_its_own_client_only(acme: Organisation, identity: Identity) -> None:
    (row,) = await identity.execute("select secret from identity_providers where client_id = $1", acme.client_id)
    birch = Organisation(identity, acme.idp, await identity.client())
    assert (await birch.configure()).status_code == 200
    await identity.execute(
        "update identity_providers set secret = $2 where client_id = $1", birch.client_id, row["secret"]
    )
    answer = await (await identity.browser())("POST", "auth/sso", json={"email": f"a@{birch.domain}"})
    assert seen(answer) == (503, "auth.sso_away")
    with pytest.raises(ValueError, match="another"):
        Sealer("A" * 43).open(row["secret"], f"single-sign-on/{acme.client_id}".encode())


async def test_a_domain_belongs_to_one_client(acme: Organisation, identity: Identity) -> None:
    birch = Organisation(identity, acme.idp, await identity.client())
    answer = await birch.configure(domains=[birch.domain, acme.domain])
    assert seen(answer) == (409, "single_sign_on.domain_taken")
    assert answer.json()["errors"][0]["field"] == "domains"
    assert (await birch.configure()).status_code == 200


async def test_another_issuer_knows_nobody_yet(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    acme.seat(person)
    assert (await acme.come_in()).status_code == 200
    await identity.execute(
        "update identity_providers set issuer = 'https://before.example' where client_id = $1", acme.client_id
    )
    await identity.execute(
        "update federated_identities set issuer = 'https://before.example' where client_id = $1", acme.client_id
    )
    assert (await acme.configure()).json()["linked_people"] == 0
    assert (await acme.come_in()).json()["person"]["id"] == person["id"]


async def test_the_only_way_in_is_not_removed(acme: Organisation, identity: Identity) -> None:
    narrowed = await identity.api(ADMIN, "PATCH", f"clients/{acme.client_id}", json={"sign_in_methods": ["sso"]})
    assert narrowed.status_code == 200, narrowed.text
    refused = await identity.api(ADMIN, "DELETE", acme.settings)
    assert (refused.status_code, refused.json()["code"]) == (409, "single_sign_on.only_way_in")
    assert (await identity.api(ADMIN, "GET", acme.settings)).json()["issuer"]


async def test_removing_ends_it_and_forgets_who_was_who(acme: Organisation, identity: Identity) -> None:
    acme.seat(await acme.person())
    browser = await identity.browser()
    assert (await acme.come_in(browser)).status_code == 200
    waiting = await identity.browser()
    brought = await acme.idp.visit(await acme.leave(waiting))
    assert (await identity.api(ADMIN, "DELETE", acme.settings)).status_code == 204
    assert (await identity.api(ADMIN, "DELETE", acme.settings)).status_code == 204
    assert (await identity.api(ADMIN, "GET", acme.settings)).json()["issuer"] is None
    assert await acme.leave(await identity.browser()) is None
    assert seen(await waiting("POST", "auth/sso/callback", json=brought)) == REFUSED
    assert await browser.record() is not None
    assert not await identity.execute("select 1 from federated_identities where client_id = $1", acme.client_id)
    events = await identity.events("single_sign_on_changed", acme.client_id)
    assert [json.loads(bytes(event.data))["fields"] for event in events][1:] == [[]]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"issuer": "ftp://login.example"}, "issuer"),
    ({"issuer": "https://login.example/?x=1"}, "issuer"),
    ({"issuer": "https://login.example#x"}, "issuer"),
    ({"issuer": "https://login example"}, "issuer"),
    ({"issuer": "http://login.example"}, "issuer"),
    ({"issuer": "http://127.0.0.1:1"}, "issuer"),
    ({"oauth_client_id": ""}, "oauth_client_id"),
    ({"oauth_client_id": "a\nb"}, "oauth_client_id"),
    ({"client_secret": ""}, "client_secret"),
    ({"client_secret": "é"}, "client_secret"),
    ({"domains": []}, "domains"),
    ({"domains": ["example"]}, "domains"),
    ({"domains": ["-b.example"]}, "domains"),
    ({"domains": ["a@b.example"]}, "domains"),
    ({"domains": [f"d{number}.example" for number in range(21)]}, "domains"),
    ({"linked_people": 7}, ""),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
async def test_what_cannot_be_is_named(acme: Organisation, changes: dict[str, Any], field: str) -> None:
    answer = await acme.configure(**changes)
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]


async def test_an_issuer_with_another_slash_is_told_how_it_calls_itself(acme: Organisation) -> None:
    answer = await acme.configure(issuer=f"{acme.idp.url}/")
    assert answer.status_code == 422
    assert f"calls itself {acme.idp.url}." in answer.json()["errors"][0]["message"]


async def test_only_staff_with_the_policy_and_a_fresh_proof(acme: Organisation, identity: Identity) -> None:
    body = {"issuer": acme.idp.url, "oauth_client_id": CLIENT, "client_secret": SECRET, "domains": [acme.domain]}
    stale = msgspec.structs.replace(ADMIN, proven_at=None)
    primary = colleague_of(acme.client_id, is_primary_contact=True, proven_at=ADMIN.proven_at)
    for method, content in (("PUT", {"json": body}), ("DELETE", {})):
        for actor in (primary, staff("managePeople"), staff()):
            assert seen(await identity.api(actor, method, acme.settings, **content)) == (403, "forbidden")
        assert seen(await identity.api(stale, method, acme.settings, **content)) == (403, "auth.step_up_required")
    assert (await identity.api(stale, "GET", acme.settings)).status_code == 200
    assert (await identity.api(primary, "GET", acme.settings)).status_code == 403


async def test_a_client_that_does_not_exist_has_no_settings(identity: Identity, acme: Organisation) -> None:
    body = {"issuer": acme.idp.url, "oauth_client_id": CLIENT, "client_secret": SECRET, "domains": ["new.example"]}
    for method, content in (("GET", {}), ("PUT", {"json": body}), ("DELETE", {})):
        answer = await identity.api(ADMIN, method, f"clients/{uuid7()}/single-sign-on", **content)
        assert answer.status_code == 404
