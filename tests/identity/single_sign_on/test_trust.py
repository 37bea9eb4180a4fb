"""What a provider may say, and what is not believed; and providers that are away."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey, RSAKey

from services.identity.single_sign_on import openid
from tests.identity.idp import CLIENT, IdentityProvider, key_for
from tests.identity.rig import Identity
from tests.identity.single_sign_on.rig import REFUSED, Organisation, seen

AWAY = (503, "auth.sso_away")

FALSE_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "of another sign-in"},
    "no nonce": {"nonce": None},
    "for another client": {"aud": "somebody-else"},
    "for two, and not said to whom": {"aud": [CLIENT, "somebody-else"]},
    "made for another": {"azp": "somebody-else"},
    "for two, made for another": {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
    "for nobody": {"aud": []},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://login.honest.example"},
    "no issuer": {"iss": None},
    "over": {"exp": int(time.time()) - 120},
    "without end": {"exp": None},
    "made long ago": {"iat": int(time.time()) - 3600},
    "made tomorrow": {"iat": int(time.time()) + 86_400},
    "not good yet": {"nbf": int(time.time()) + 86_400},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject without end": {"sub": "x" * 256},
    "a subject that is a number": {"sub": 7},
}


@pytest.mark.parametrize("claims", FALSE_CLAIMS.values(), ids=FALSE_CLAIMS)
async def test_a_token_that_says_the_wrong_thing_is_refused(acme: Organisation, claims: dict[str, Any]) -> None:
    acme.seat(await acme.person())
    assert (await acme.come_in()).status_code == 200
    acme.idp.claims = claims
    assert seen(await acme.come_in()) == REFUSED


def unsigned(idp: IdentityProvider) -> None:
    idp.algorithm = "none"


def signed_with_what_everybody_knows(idp: IdentityProvider) -> None:
    idp.algorithm = "HS256"


def signed_by_another(idp: IdentityProvider) -> None:
    idp.signer = ECKey.generate_key("P-256", {"kid": key_for("ES256").kid or ""})


def signed_with_a_key_of_its_own(idp: IdentityProvider) -> None:
    idp.signer = ECKey.generate_key("P-256", auto_kid=True)


def signed_in_a_way_not_agreed(idp: IdentityProvider) -> None:
    idp.algorithm, idp.signer = "RS512", key_for("RS256")


def says(answer: object) -> Callable[[IdentityProvider], None]:
    def answers(idp: IdentityProvider) -> None:
        idp.answers["/token"] = web.json_response(answer)

    return answers


DISTRUSTED = [
    unsigned,
    signed_with_what_everybody_knows,
    signed_by_another,
    signed_with_a_key_of_its_own,
    signed_in_a_way_not_agreed,
    *(
        says({"access_token": "x", "token_type": "Bearer", "id_token": token})
        for token in (None, 7, "", "a.b.c", "...")
    ),
    *(says(answer) for answer in ({}, [], None, "x", {"error": "invalid_grant"})),
]


@pytest.mark.parametrize("tamper", DISTRUSTED, ids=lambda tamper: tamper.__name__)
async def test_a_token_nobody_of_them_signed_is_refused(
    acme: Organisation, tamper: Callable[[IdentityProvider], None]
) -> None:
    acme.seat(await acme.person())
    assert (await acme.come_in()).status_code == 200
    tamper(acme.idp)
    assert seen(await acme.come_in()) == REFUSED


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519", "EdDSA"])
async def test_every_agreed_signature_is_good(acme: Organisation, algorithm: str) -> None:
    acme.seat(await acme.person())
    acme.idp.algorithm = algorithm
    acme.idp.keys = [key_for(algorithm)]
    assert (await acme.come_in()).status_code == 200


async def test_a_key_of_a_size_that_is_not_used_signs_nothing(acme: Organisation) -> None:
    """The only key, and the signature is right. The page says that the provider cannot be asked."""
    acme.seat(await acme.person())
    acme.idp.algorithm, acme.idp.signer = "RS256", RSAKey.generate_key(1024, auto_kid=True)
    acme.idp.keys = [acme.idp.signer]
    assert seen(await acme.come_in()) == (503, "auth.sso_away")


async def test_a_provider_may_change_its_keys(acme: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.seat(await acme.person())
    assert (await acme.come_in()).status_code == 200
    acme.idp.signer = ECKey.generate_key("P-256", auto_kid=True)
    acme.idp.keys = [acme.idp.signer]
    # Asked a moment ago: nobody makes us ask again and again.
    assert seen(await acme.come_in()) == REFUSED
    assert acme.idp.calls.count("/jwks") == 1
    monkeypatch.setattr(openid, "REFRESH_SECONDS", 0)
    assert (await acme.come_in()).status_code == 200
    assert acme.idp.calls.count("/jwks") == 2


async def test_documents_of_a_provider_are_read_once(acme: Organisation) -> None:
    acme.seat(await acme.person())
    for _ in range(3):
        assert (await acme.come_in()).status_code == 200
    assert acme.idp.calls.count("/.well-known/openid-configuration") == 1
    assert acme.idp.calls.count("/jwks") == 1


def broken(status: int) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text="<h1>Sorry</h1>", headers={"Location": "http://127.0.0.1:1/"})


BROKEN: dict[str, Callable[[], web.Response]] = {
    "an error": broken(500),
    "not there": broken(404),
    "moved": broken(302),
    "not JSON": lambda: web.Response(text="<h1>Welcome</h1>"),
    "something else": lambda: web.json_response([1]),
    "endless": lambda: web.Response(body=b" " * 300_000 + b"{}"),
    "packed": lambda: web.Response(body=b"x", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_a_provider_out_of_order_is_away(
    acme: Organisation,
    identity: Identity,
    path: str,
    answer: Callable[[], web.Response],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme.seat(await acme.person())
    brought = await acme.idp.visit(await acme.leave(browser := await identity.browser()))
    acme.idp.answers[path] = answer()
    monkeypatch.setattr(openid, "KEPT_SECONDS", 0)
    answered = await browser("POST", "auth/sso/callback", json=brought)
    assert seen(answered) == AWAY
    assert int(answered.headers["retry-after"]) > 0


async def test_nobody_is_followed_elsewhere(
    acme: Organisation, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the document would be found."""
    monkeypatch.setattr(openid, "KEPT_SECONDS", 0)
    own = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
    document = {"issuer": acme.idp.url} | {name: acme.idp.url + path for name, path in own.items()}
    acme.idp.answers["/elsewhere"] = web.json_response(document)
    moved = web.Response(status=302, headers={"Location": f"{acme.idp.url}/elsewhere"})
    acme.idp.answers["/.well-known/openid-configuration"] = moved
    answer = await (await identity.browser())("POST", "auth/sso", json={"email": f"a@{acme.domain}"})
    assert seen(answer) == AWAY
    assert "/elsewhere" not in acme.idp.calls


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
async def test_a_provider_that_hangs_is_away(
    acme: Organisation, identity: Identity, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.seat(await acme.person())
    brought = await acme.idp.visit(await acme.leave(browser := await identity.browser()))
    acme.idp.hangs = path
    monkeypatch.setattr(openid, "KEPT_SECONDS", 0)
    monkeypatch.setattr(openid, "SECONDS", 0.3)
    assert seen(await browser("POST", "auth/sso/callback", json=brought)) == AWAY


async def test_a_provider_that_answers_drop_by_drop_is_away(
    acme: Organisation, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No single drop is late; all of them are."""
    monkeypatch.setattr(openid, "KEPT_SECONDS", 0)
    monkeypatch.setattr(openid, "SECONDS", 0.5)
    acme.idp.trickles = "/.well-known/openid-configuration"
    answer = await (await identity.browser())("POST", "auth/sso", json={"email": f"a@{acme.domain}"})
    assert seen(answer) == AWAY


async def test_a_provider_that_is_gone_is_away_and_nothing_else_is(
    acme: Organisation, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await acme.person()
    await identity.execute(
        "update identity_providers set issuer = 'http://127.0.0.1:1' where client_id = $1", acme.client_id
    )
    answer = await (await identity.browser())("POST", "auth/sso", json={"email": person["email"]})
    assert seen(answer) == AWAY
    assert (await (await identity.browser()).sign_in(person["email"])).status_code == 200


STRANGE_METADATA: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://honest.example"},
    "the browser to a script": {"authorization_endpoint": "javascript:alert(1)"},
    "the browser over plain http": {"authorization_endpoint": "http://login.example/authorize"},
    "the code over plain http": {"token_endpoint": "http://login.example/token"},
    "keys from a file": {"jwks_uri": "file:///etc/passwd"},
    "an address that is none": {"jwks_uri": "https://login.example:port/jwks"},
    "keys that are no address": {"jwks_uri": 7},
}


@pytest.mark.parametrize("metadata", STRANGE_METADATA.values(), ids=STRANGE_METADATA)
async def test_a_provider_cannot_lead_elsewhere(
    acme: Organisation, identity: Identity, metadata: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "KEPT_SECONDS", 0)
    acme.idp.metadata = metadata
    answer = await (await identity.browser())("POST", "auth/sso", json={"email": f"a@{acme.domain}"})
    assert seen(answer) == AWAY
    refused = await acme.configure()
    assert seen(refused) == (422, "single_sign_on.issuer_unusable")
    assert refused.json()["errors"][0]["field"] == "issuer"
