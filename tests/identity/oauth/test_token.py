"""`POST /oauth/token`: who gets a token, what it says, and how a refusal looks (RFC 6749, RFC 9068)."""

import asyncio
import base64
import json
import time
from collections import Counter
from typing import Any

import msgspec
import pytest
from joserfc.jwk import OctKey, OKPKey

from services.identity.oauth.server import MAX_LIFE
from services.identity.sessions.limits import TOKEN
from tests.identity.partners import EVERY_SCOPE, JWKS, KEYS, PUBLIC_URL, ask, assertion, basic, call, create, token_of
from tests.identity.rig import ADMIN, Identity, somewhere


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


async def test_a_token_says_what_rfc_9068_asks_for(identity: Identity) -> None:
    client = await identity.client()
    made = await create(identity, client_id=client, scopes=["projects:read", "activity:read"])
    answer = await ask(identity, basic(made["id"], made["client_secret"]), form={"scope": "projects:read"})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "projects:read")
    assert "refresh_token" not in body
    head, claims = part(body["access_token"], 0), part(body["access_token"], 1)
    assert (head["typ"], head["alg"]) == ("at+jwt", "Ed25519")
    assert head["kid"] in [key["kid"] for key in (await identity.api(None, "GET", "/oauth/jwks.json")).json()["keys"]]
    assert {name: claims[name] for name in ("iss", "aud", "sub", "client_id", "scope", "cid", "ver")} == {
        "iss": PUBLIC_URL, "aud": "client-portal", "sub": made["id"], "client_id": made["id"], "scope": "projects:read",
        "cid": client, "ver": 1,
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == MAX_LIFE == 600
    assert abs(claims["iat"] - time.time()) < 60


async def test_without_a_scope_it_is_all_there_is(identity: Identity) -> None:
    made = await create(identity, scopes=["projects:read", "activity:read"])
    answer = await ask(identity, basic(made["id"], made["client_secret"]))
    assert answer.json()["scope"] == "activity:read projects:read"
    assert "cid" not in part(answer.json()["access_token"], 1)


async def test_every_way_to_prove_oneself(identity: Identity) -> None:
    with_secret = await create(identity)
    with_key = await create(identity, auth_method="private_key_jwt", jwks=JWKS)
    assert with_key["client_secret"] is None
    posted = {"client_id": with_secret["id"], "client_secret": with_secret["client_secret"]}
    assert (await ask(identity, basic(with_secret["id"], with_secret["client_secret"]))).status_code == 200
    assert (await ask(identity, form=posted)).status_code == 200
    for alg in KEYS:
        answer = await ask(identity, form=assertion(with_key["id"], alg))
        assert answer.status_code == 200, (alg, answer.text)
    assert (await ask(identity, form=assertion(with_key["id"], "EdDSA", KEYS["Ed25519"]))).status_code == 200
    assert (await ask(identity, form=assertion(with_key["id"], aud=PUBLIC_URL))).status_code == 200


async def test_past_the_gateway_a_name_and_password_stand_where_http_has_them(identity: Identity) -> None:
    made = await create(identity)
    form, proof = {"grant_type": "client_credentials"}, basic(made["id"], made["client_secret"])
    answer = await identity.api(None, "POST", "/oauth/token", data=form, headers=proof)
    assert answer.status_code == 200
    elsewhere = await identity.api(None, "GET", "/oauth/jwks.json", headers=proof)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "auth.required")


async def refused(
    identity: Identity, status: int, error: str, proof: dict[str, str] | None = None, **request: Any
) -> None:
    before = len(await identity.events("api_token_refused"))
    answer = await ask(identity, proof, **request)
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("www-authenticate", "").startswith("Basic") == (status == 401)
    events = await identity.events("api_token_refused")
    assert len(events) == before + 1
    assert msgspec.json.decode(events[-1].data)["reason"] == error
    assert msgspec.json.decode(events[-1].data)["user_agent"] == "acme-erp/2.1"


async def test_refusals_have_oauths_shape_and_are_recorded(identity: Identity) -> None:
    made = await create(identity, scopes=["projects:read"])
    mine, secret = made["id"], made["client_secret"]
    good = basic(mine, secret)
    stranger = "01935f3c-7a00-7000-8000-00000000dead"
    await refused(identity, 401, "invalid_client")
    await refused(identity, 401, "invalid_client", basic(mine, "guess"))
    await refused(identity, 401, "invalid_client", basic(stranger, secret))
    await refused(identity, 401, "invalid_client", basic("no id", secret))
    await refused(identity, 401, "invalid_client", basic(mine, ""))
    await refused(identity, 401, "invalid_client", form={"client_id": mine})
    await refused(identity, 401, "invalid_client", form=assertion(mine))
    await refused(identity, 400, "invalid_scope", good, form={"scope": "projects:write"})
    await refused(identity, 400, "invalid_scope", good, form={"scope": "projects:read everything"})
    for blank in (" ", "  ", "\t", "\u00a0", "projects:read ", " projects:read"):
        await refused(identity, 400, "invalid_scope", good, form={"scope": blank})
    await refused(identity, 400, "unsupported_grant_type", good, form={"grant_type": "password"})
    await refused(identity, 400, "unsupported_grant_type", good, form={"grant_type": '" <x>'})
    await refused(identity, 400, "invalid_request", good, form={"client_id": mine, "client_secret": secret})
    await refused(identity, 400, "invalid_request", good, params={"client_secret": secret})
    await refused(identity, 400, "invalid_request", good, params={"x": "1"})
    await refused(identity, 400, "invalid_request", {"Authorization": "Basic /////w=="})


async def test_a_proof_names_the_client_that_asks(identity: Identity) -> None:
    """RFC 7521, 4.2: whoever is named beside a proof is who proves themselves. No attempt counts for the one named."""
    mine, other = await create(identity), await create(identity)
    signing = await create(identity, auth_method="private_key_jwt", jwks=JWKS)
    good = basic(mine["id"], mine["client_secret"])
    for named in (other["id"], signing["id"], "somebody"):
        await refused(identity, 401, "invalid_client", good, form={"client_id": named})
    for named in (mine["id"], "somebody"):
        await refused(identity, 401, "invalid_client", form=assertion(signing["id"]) | {"client_id": named})
    for named in (mine["id"], mine["id"].upper(), f"urn:uuid:{mine['id']}"):
        assert (await ask(identity, good, form={"client_id": named})).status_code == 200
    assert (await ask(identity, form=assertion(signing["id"]) | {"client_id": signing["id"]})).status_code == 200


async def test_an_id_in_another_spelling_has_no_attempts_of_its_own(identity: Identity) -> None:
    made, place = await create(identity), somewhere()
    spellings = (made["id"], made["id"].upper(), made["id"].replace("-", ""))
    proofs = [basic(spellings[number % 3], "guess") for number in range(TOKEN[1].amount)]
    assert {(await ask(identity, proof, at=place)).status_code for proof in proofs} == {401}
    assert (await ask(identity, basic(made["id"].upper(), "guess"), at=place)).status_code == 429


async def test_a_secret_in_the_address_is_never_taken(identity: Identity) -> None:
    made = await create(identity)
    query = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["client_secret"]}
    await refused(identity, 400, "invalid_request", params=query)


async def test_a_field_stands_there_once(identity: Identity) -> None:
    made = await create(identity)
    content = f"grant_type=client_credentials&client_id={made['id']}&client_secret={made['client_secret']}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for twice in ("&scope=projects:read&scope=audit:read", f"&client_id={made['id']}"):
        answer = await identity.api(somewhere(), "POST", "/oauth/token", content=content + twice, headers=headers)
        assert answer.json()["error"] == "invalid_request"
    answer = await identity.api(somewhere(), "POST", "/oauth/token", content=content, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content", [b"{}", b"\xff\xfe", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(40)), b"x" * 20_000]
)
async def test_what_is_no_form_has_no_fields(identity: Identity, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await identity.api(somewhere(), "POST", "/oauth/token", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    json_body = await identity.api(somewhere(), "POST", "/oauth/token", json={"grant_type": "client_credentials"})
    assert json_body.json()["error"] == "unsupported_grant_type"


async def test_an_unknown_client_is_told_what_a_wrong_secret_is_told(identity: Identity) -> None:
    made = await create(identity)
    wrong = await ask(identity, basic(made["id"], "guess"))
    unknown = await ask(identity, basic("01935f3c-7a00-7000-8000-00000000dead", "guess"))
    assert (wrong.text, dict(wrong.headers)) == (unknown.text, dict(unknown.headers))


async def test_statements_that_are_not_good(identity: Identity) -> None:
    made = await create(identity, auth_method="private_key_jwt", jwks=JWKS)
    other = await create(identity, auth_method="private_key_jwt", jwks={"keys": [KEYS["ES256"].as_dict(private=False)]})
    me, now = made["id"], int(time.time())
    stranger = OKPKey.generate_key("Ed25519", {"kid": "ed"})
    public = json.dumps(KEYS["RS256"].as_dict(private=False)).encode()
    bad = {
        "another audience": assertion(me, aud="https://elsewhere.example"),
        "no audience": assertion(me, aud=None),
        "lives too long": assertion(me, exp=now + 600),
        "over": assertion(me, exp=now - 60),
        "no end": assertion(me, exp=None),
        "no jti": assertion(me, jti=None),
        "empty jti": assertion(me, jti=""),
        "endless jti": assertion(me, jti="x" * 10_000),
        "jti is a number": assertion(me, jti=7),
        "another issuer": assertion(me, iss=other["id"]),
        "for somebody else": assertion(other["id"]),
        "a stranger's key": assertion(me, key=stranger),
        "the public key as a secret": assertion(me, "HS256", OctKey.import_key(public, {"kid": "rsa"})),
        "not yet": assertion(me, nbf=now + 600),
        "not a token": {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": "x"},
        "another type": assertion(me) | {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    }  # fmt: skip
    for what, form in bad.items():
        answer = await ask(identity, form=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), what
    assert (await ask(identity, form=assertion(me))).status_code == 200


async def test_of_fifty_with_one_jti_at_once_one_gets_a_token(identity: Identity) -> None:
    made = await create(identity, auth_method="private_key_jwt", jwks=JWKS)
    form = assertion(made["id"])
    answers = await asyncio.gather(*(ask(identity, form=form) for _ in range(50)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] == 1
    assert set(statuses) <= {200, 401, 503}, "503: on a busy machine fifty are too many for six connections"
    assert (await ask(identity, form=form)).status_code == 401


async def test_a_jti_is_one_api_clients_own(identity: Identity) -> None:
    first, second = [await create(identity, auth_method="private_key_jwt", jwks=JWKS) for _ in range(2)]
    for made in (first, second):
        assert (await ask(identity, form=assertion(made["id"], jti="1"))).status_code == 200


async def test_a_token_that_was_issued_is_an_event_with_the_device(identity: Identity) -> None:
    client = await identity.client()
    made = await create(identity, client_id=client, name="Warehouse")
    token = await token_of(identity, made, scope="projects:read")
    [event] = await identity.events("api_token_issued", made["id"])
    assert (event.actorkind, str(event.actorid), event.actorname) == ("partner", made["id"], "Warehouse")
    assert (str(event.clientid), str(event.sessionid)) == (client, part(token, 1)["jti"])
    assert msgspec.json.decode(event.data)["scope"] == "projects:read"
    assert msgspec.json.decode(event.data)["user_agent"] == "acme-erp/2.1"
    shown = (await identity.api(ADMIN, "GET", f"api-clients/{made['id']}")).json()
    assert shown["last_used_at"]


async def test_whoever_asks_with_every_request_is_slowed_down(identity: Identity) -> None:
    made, place = await create(identity), somewhere()
    proof = basic(made["id"], "guess")
    statuses = [(await ask(identity, proof, at=place)).status_code for _ in range(TOKEN[1].amount + 1)]
    assert set(statuses[:-1]) == {401}
    answer = await ask(identity, proof, at=place)
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    elsewhere = await ask(identity, basic(made["id"], made["client_secret"]))
    assert elsewhere.status_code == 200


async def test_where_everything_is(identity: Identity) -> None:
    found = (await identity.api(None, "GET", "/.well-known/oauth-authorization-server")).json()
    assert (found["issuer"], found["token_endpoint"]) == (PUBLIC_URL, f"{PUBLIC_URL}/oauth/token")
    assert found["jwks_uri"] == f"{PUBLIC_URL}/oauth/jwks.json"
    assert found["scopes_supported"] == EVERY_SCOPE
    assert found["grant_types_supported"] == ["client_credentials"]


async def test_nothing_secret_is_published(identity: Identity) -> None:
    answer = await identity.api(None, "GET", "/oauth/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert [set(key) & {"d", "p", "q", "k"} for key in answer.json()["keys"]] == [set()]


async def test_whoami_is_for_partners(identity: Identity) -> None:
    client = await identity.client()
    made = await create(identity, client_id=client, scopes=["activity:read"])
    answer = await call(identity, await token_of(identity, made), "GET", "/oauth/whoami")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["client_id"]) == (made["id"], client)
    assert (answer.json()["name"], answer.json()["scopes"]) == ("Acme ERP", ["activity:read"])
    assert (await identity.api(ADMIN, "GET", "/oauth/whoami")).status_code == 403
    assert (await identity.api(None, "GET", "/oauth/whoami")).status_code == 401
