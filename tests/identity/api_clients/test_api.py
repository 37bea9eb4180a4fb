"""Api clients: who may make them, what comes of it, and how their access ends."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from services.identity.api_clients.models import POLICY_OF, SCOPES
from services.identity.policies.models import ADMIN_POLICIES
from shared.clock import now, uuid7
from tests.identity.partners import (
    EVERY_SCOPE,
    JWKS,
    KEYS,
    ask,
    assertion,
    basic,
    call,
    create,
    manager,
    token_of,
)
from tests.identity.rig import ADMIN, Identity, colleague_of, staff
from tests.identity.test_public_keys import rsa

NEW = {"name": "Acme ERP", "scopes": ["projects:read"], "client_id": None}


async def test_a_secret_is_shown_once_and_kept_as_a_hash(identity: Identity) -> None:
    made = await create(identity)
    assert len(made["client_secret"]) == 43  # 256 bits
    shown = (await identity.api(ADMIN, "GET", f"api-clients/{made['id']}")).json()
    assert "client_secret" not in shown
    assert {**shown, "client_secret": made["client_secret"]} == made
    assert await identity.kept(made["client_secret"]) == []


async def test_a_secret_is_answered_again_to_who_has_the_key_and_kept_sealed(identity: Identity) -> None:
    headers = {"Idempotency-Key": str(uuid7())}
    first, second = [await identity.api(ADMIN, "POST", "api-clients", json=NEW, headers=headers) for _ in range(2)]
    assert (first.status_code, second.content) == (201, first.content)
    kept = await identity.execute("select id::text || answer::text as row from idempotency_keys")
    assert len(kept) > 0
    secret = first.json()["client_secret"]
    assert await identity.kept(secret) == []
    assert all(secret.encode().hex() not in str(row) for row in kept)


async def test_a_secret_is_not_answered_again_without_a_fresh_proof(identity: Identity) -> None:
    headers = {"Idempotency-Key": str(uuid7())}
    assert (await identity.api(ADMIN, "POST", "api-clients", json=NEW, headers=headers)).status_code == 201
    stale = msgspec.structs.replace(ADMIN, proven_at=now() - timedelta(minutes=11))
    again = await identity.api(stale, "POST", "api-clients", json=NEW, headers=headers)
    assert (again.status_code, again.json()["code"]) == (403, "auth.step_up_required")


async def test_it_is_made_for_one_client_or_for_all(identity: Identity) -> None:
    client = await identity.client("Birch AG")
    bound = await create(identity, client_id=client, scopes=["projects:read", "activity:read", "projects:read"])
    assert (bound["client_id"], bound["client_name"]) == (client, "Birch AG")
    assert bound["scopes"] == ["activity:read", "projects:read"]
    assert (await create(identity))["client_id"] is None
    [event] = await identity.events("api_client_created", bound["id"])
    assert str(event.clientid) == client
    listed = (await identity.api(ADMIN, "GET", "api-clients", params={"client_id": client})).json()
    assert [each["id"] for each in listed["items"]] == [bound["id"]]


async def test_pages_of_the_list_are_whole(identity: Identity) -> None:
    client = await identity.client()
    made = [(await create(identity, client_id=client))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"client_id": client, "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await identity.api(ADMIN, "GET", "api-clients", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


async def test_the_list_is_sorted_by_what_it_shows(identity: Identity) -> None:
    """Without a token they are at the end, whichever way it is sorted."""
    client = await identity.client()
    for name, day in (("B", 0), ("Ä", 3), ("c", 5)):
        made = await create(identity, client_id=client, name=name)
        used = f"2026-03-{day:02} 09:00+00" if day else None
        statement = "update api_clients set last_used_at = $2::text::timestamptz where id = $1"
        await identity.execute(statement, UUID(made["id"]), used)
    for sort, expected in (
        ("name", "ÄBc"),
        ("-name", "cBÄ"),
        ("last_used_at", "ÄcB"),
        ("-last_used_at", "cÄB"),
        ("client_name", "BÄc"),
        ("created_at", "BÄc"),
    ):
        names, asked = "", {"client_id": client, "sort": sort, "limit": "2"}
        while asked:
            page = (await identity.api(ADMIN, "GET", "api-clients", params=asked)).json()
            names += "".join(each["name"] for each in page["items"])
            asked = {**asked, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
        assert names == expected, sort


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["everything"]}, "scopes"),
    ({"scopes": "projects:read"}, "scopes"),
    ({"client_id": "x"}, "client_id"),
    ({"auth_method": "none"}, "auth_method"),
    ({"version": 7}, "version"),
    ({"revoked_at": None}, "revoked_at"),
    ({"jwks": JWKS}, "jwks"),
    ({"auth_method": "private_key_jwt"}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": []}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [7]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519"}]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [KEYS["Ed25519"].as_dict(private=True)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [KEYS["RS256"].as_dict(private=True)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [ECKey.generate_key("P-521").as_dict(private=False)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [RSAKey.generate_key(1024).as_dict(private=False)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [rsa(16384)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": [rsa(2048, 2**64 + 1)]}}, "jwks"),
    ({"auth_method": "private_key_jwt", "jwks": {"keys": JWKS["keys"] * 4}}, "jwks"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "field"), WRONG)
async def test_what_is_wrong_is_named(identity: Identity, wrong: dict[str, Any], field: str) -> None:
    answer = await identity.api(manager(), "POST", "api-clients", json=NEW | wrong)
    assert (answer.status_code, field in answer.text) == (422, True), answer.text


async def test_a_client_nobody_knows_is_none(identity: Identity) -> None:
    answer = await identity.api(manager(), "POST", "api-clients", json=NEW | {"client_id": str(uuid7())})
    assert answer.status_code == 404


async def test_only_staff_with_the_policy_get_near_them(identity: Identity) -> None:
    client = await identity.client()
    made = await create(identity, client_id=client)
    others = (
        colleague_of(client, is_primary_contact=True, proven_at=now()),
        manager("manageClients", "managePeople", "manageProjects", "viewAudit", "managePortalAccess"),
    )
    requests = [
        ("GET", "api-clients", None),
        ("GET", "api-clients/scopes", None),
        ("POST", "api-clients", NEW),
        ("GET", f"api-clients/{made['id']}", None),
        ("PATCH", f"api-clients/{made['id']}", {"name": "Mine"}),
        ("POST", f"api-clients/{made['id']}/rotate", {}),
        ("DELETE", f"api-clients/{made['id']}", None),
    ]
    for other in others:
        for method, path, body in requests:
            assert (await identity.api(other, method, path, json=body)).status_code == 403, (other.kind, method, path)
    token = await token_of(identity, made)
    for method, path, body in requests:
        answer = await call(identity, token, method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.insufficient_scope")


async def test_changes_need_a_fresh_proof(identity: Identity) -> None:
    made = await create(identity)
    stale = msgspec.structs.replace(ADMIN, proven_at=now() - timedelta(minutes=11))
    for method, path in (
        ("POST", "api-clients"),
        ("PATCH", f"api-clients/{made['id']}"),
        ("POST", f"api-clients/{made['id']}/rotate"),
        ("DELETE", f"api-clients/{made['id']}"),
    ):
        answer = await identity.api(stale, method, path, json=NEW if method == "POST" else {})
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.step_up_required"), path


@pytest.mark.parametrize(("scope", "policy"), POLICY_OF.items())
async def test_nobody_hands_out_what_they_do_not_have(identity: Identity, scope: str, policy: str) -> None:
    made = await create(identity, scopes=[scope])
    plain = await create(identity, scopes=["projects:read"])
    without = manager(*(each for each in ADMIN_POLICIES if each != policy))
    refused = [
        await identity.api(without, "POST", "api-clients", json=NEW | {"scopes": [scope]}),
        await identity.api(without, "PATCH", f"api-clients/{plain['id']}", json={"scopes": [scope]}),
        await identity.api(without, "POST", f"api-clients/{made['id']}/rotate", json={}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (403, "api_client.grants_beyond_own")
    }
    taken = await identity.api(without, "PATCH", f"api-clients/{made['id']}", json={"scopes": ["activity:read"]})
    assert taken.status_code == 200


async def test_every_scope_stands_for_a_capability(identity: Identity) -> None:
    items = (await identity.api(staff("manageApiClients"), "GET", "api-clients/scopes")).json()["items"]
    assert {each["key"]: each["name"] for each in items} == SCOPES
    assert set(POLICY_OF) == {scope for scope in SCOPES if scope.endswith(":write")} | {"audit:read"}


async def test_rotation_with_an_overlap_fails_nobody(identity: Identity) -> None:
    """A7: while the secret is changed and the old one is still in use somewhere, every request gets its token."""
    made = await create(identity)
    used, statuses = [made["client_secret"]], []
    stop = asyncio.Event()

    async def partner() -> None:
        while not stop.is_set():
            statuses.append((await ask(identity, basic(made["id"], used[-1]))).status_code)
            statuses.append((await ask(identity, basic(made["id"], used[0]))).status_code)

    async def until_asked(times: int) -> None:
        enough = len(statuses) + times
        while len(statuses) < enough and not running.done():
            await asyncio.sleep(0.01)

    running = asyncio.create_task(partner())
    for _ in range(2):
        await until_asked(10)
        answer = await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate")
        assert answer.status_code == 200
        used.append(answer.json()["client_secret"])
    await until_asked(10)
    stop.set()
    await running
    assert len(set(used)) == 3
    assert set(statuses) == {200}
    until = datetime.fromisoformat(answer.json()["old_valid_until"])
    assert timedelta(hours=23) < until - now() <= timedelta(hours=24)
    shown = (await identity.api(ADMIN, "GET", f"api-clients/{made['id']}")).json()
    assert datetime.fromisoformat(shown["old_secret_until"]) == until


async def test_a_token_outlives_the_rotation_of_its_secret(identity: Identity) -> None:
    made = await create(identity)
    token = await token_of(identity, made)
    await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate", json={"overlap_hours": 0})
    assert (await call(identity, token, "GET", "/oauth/whoami")).status_code == 200


async def test_without_an_overlap_the_old_secret_ends_at_once(identity: Identity) -> None:
    made = await create(identity)
    answer = await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate", json={"overlap_hours": 0})
    assert (await ask(identity, basic(made["id"], made["client_secret"]))).status_code == 401
    assert (await ask(identity, basic(made["id"], answer.json()["client_secret"]))).status_code == 200
    kept = await identity.execute("select 1 from api_client_secrets where api_client_id = $1", made["id"])
    assert len(kept) == 1


async def test_a_secret_that_has_run_out_counts_no_more(identity: Identity) -> None:
    made = await create(identity)
    await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate", json={"overlap_hours": 1})
    assert (await ask(identity, basic(made["id"], made["client_secret"]))).status_code == 200
    await identity.execute(
        "update api_client_secrets set expires_at = now() - interval '1 second' where api_client_id = $1 and expires_at is not null",
        made["id"],
    )
    assert (await ask(identity, basic(made["id"], made["client_secret"]))).status_code == 401


@pytest.mark.parametrize("hours", [-1, 24 * 7 + 1, "soon", 1.5])
async def test_the_overlap_has_its_bounds(identity: Identity, hours: object) -> None:
    made = await create(identity)
    answer = await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate", json={"overlap_hours": hours})
    assert answer.status_code == 422


async def test_revoked_is_over_for_token_and_secret(identity: Identity) -> None:
    made = await create(identity)
    token = await token_of(identity, made)
    assert (await call(identity, token, "GET", "/oauth/whoami")).status_code == 200
    for _ in range(2):
        assert (await identity.api(manager(), "DELETE", f"api-clients/{made['id']}")).status_code == 204
    answer = await call(identity, token, "GET", "/oauth/whoami")
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert (await ask(identity, basic(made["id"], made["client_secret"]))).status_code == 401
    assert len(await identity.events("api_client_revoked", made["id"])) == 1
    for method, path in (("PATCH", ""), ("POST", "/rotate")):
        later = await identity.api(manager(), method, f"api-clients/{made['id']}{path}", json={})
        assert (later.status_code, later.json()["code"]) == (409, "api_client.revoked")


async def test_a_scope_taken_away_ends_the_tokens_that_have_it(identity: Identity) -> None:
    made = await create(identity, scopes=["projects:read", "projects:write"])
    token = await token_of(identity, made)
    path = f"api-clients/{made['id']}"
    for harmless in ({"name": "Other"}, {"scopes": [*EVERY_SCOPE]}):
        assert (await identity.api(manager(), "PATCH", path, json=harmless)).status_code == 200
        assert (await call(identity, token, "GET", "/oauth/whoami")).status_code == 200
    less = await identity.api(manager(), "PATCH", path, json={"scopes": ["projects:read"]})
    assert less.json()["scopes"] == ["projects:read"]
    assert (await call(identity, token, "GET", "/oauth/whoami")).status_code == 401
    again = await call(identity, await token_of(identity, made), "GET", "/oauth/whoami")
    assert again.json()["scopes"] == ["projects:read"]
    fields = [
        msgspec.json.decode(event.data)["fields"] for event in await identity.events("api_client_updated", made["id"])
    ]
    assert fields == [["name"], ["scopes"], ["scopes"]]


async def test_what_is_so_already_is_no_event(identity: Identity) -> None:
    made = await create(identity, scopes=["projects:read"])
    same = {"name": made["name"], "scopes": ["projects:read"]}
    assert (await identity.api(manager(), "PATCH", f"api-clients/{made['id']}", json=same)).status_code == 200
    assert await identity.events("api_client_updated", made["id"]) == []


async def test_with_the_client_it_is_bound_to_its_access_is_over(identity: Identity) -> None:
    client = await identity.client()
    made = await create(identity, client_id=client)
    token = await token_of(identity, made)
    await identity.api(ADMIN, "PATCH", f"clients/{client}", json={"active": False})
    assert (await call(identity, token, "GET", "/oauth/whoami")).status_code == 401
    assert (await ask(identity, basic(made["id"], made["client_secret"]))).status_code == 401


async def test_keys_are_changed_by_their_owner_and_never_rotated_here(identity: Identity) -> None:
    made = await create(identity, auth_method="private_key_jwt", jwks={"keys": [KEYS["ES256"].as_dict(private=False)]})
    assert (await ask(identity, form=assertion(made["id"], "RS256"))).status_code == 401
    both = {"keys": [KEYS[alg].as_dict(private=False) for alg in ("ES256", "RS256")]}
    changed = await identity.api(manager(), "PATCH", f"api-clients/{made['id']}", json={"jwks": both})
    assert changed.json()["jwks"] == both
    for alg in ("ES256", "RS256"):
        assert (await ask(identity, form=assertion(made["id"], alg))).status_code == 200
    rotated = await identity.api(manager(), "POST", f"api-clients/{made['id']}/rotate")
    assert (rotated.status_code, rotated.json()["code"]) == (409, "api_client.no_secret")
    with_secret = await create(identity)
    no_keys = await identity.api(manager(), "PATCH", f"api-clients/{with_secret['id']}", json={"jwks": both})
    assert (no_keys.status_code, no_keys.json()["code"]) == (422, "api_client.keys")


async def test_one_that_is_not_there(identity: Identity) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/rotate"), ("DELETE", "")):
        answer = await identity.api(
            manager(), method, f"api-clients/{uuid7()}{path}", json={} if method != "GET" else None
        )
        assert answer.status_code == 404, method
