"""Forged claims never pass, asked of the one verifier every service uses."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from joserfc.jwk import OKPKey
from msgspec import structs
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared import claims
from shared.actor import FRESH, Actor
from shared.claims import ClaimsRefused, Verifier
from shared.clock import now, uuid7
from shared.errors import Unavailable
from shared.testing.claims import Signer
from shared.tokens import InvalidClaims

PERSON = Actor(id=uuid7(), name="Anna", kind="client", client_id=uuid7(), session_id=uuid7(), ip="203.0.113.9")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def resigned(
    token: str, change: Callable[[dict[str, Any], dict[str, Any]], None], sign: Callable[[bytes], bytes]
) -> str:
    """`token` with header and body changed and signed by `sign`."""
    head, body, _ = token.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    change(header, claims)
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def forgeries(signer: Signer) -> dict[str, str]:
    good = signer.token(PERSON, "projects")
    stranger = OKPKey.generate_key("Ed25519", parameters={"kid": "stranger"})
    public = signer.key.as_dict(private=False)
    now = int(time.time())

    def by(key: OKPKey) -> Callable[[bytes], bytes]:
        return key.private_key.sign

    def mac(secret: bytes) -> Callable[[bytes], bytes]:
        return lambda message: hmac.new(secret, message, hashlib.sha256).digest()

    def set_alg(alg: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
        return lambda header, _claims: header.update(alg=alg)

    def nothing(_header: dict[str, Any], _claims: dict[str, Any]) -> None:
        return

    found = {
        "alg none": resigned(good, set_alg("none"), lambda _message: b""),
        "alg None": resigned(good, set_alg("None"), lambda _message: b""),
        "signature dropped": good.rpartition(".")[0] + ".",
        "signed by a stranger with our kid": resigned(good, nothing, by(stranger)),
        "stranger's kid": resigned(good, lambda header, _: header.update(kid="stranger"), by(stranger)),
        "no kid": resigned(good, lambda header, _: header.pop("kid"), by(signer.key)),
        "own jwk in the header": resigned(
            good, lambda h, _: h.update(jwk=stranger.as_dict(private=False), kid="stranger"), by(stranger)
        ),
        "jku in the header": resigned(good, lambda h, _: h.update(jku="http://127.0.0.1:1/x", kid="x"), by(stranger)),
        "x5u in the header": resigned(good, lambda h, _: h.update(x5u="http://127.0.0.1:1/x", kid="x"), by(stranger)),
        "crit in the header": resigned(good, lambda h, _: h.update(crit=["exp"]), by(signer.key)),
        "other type": signer.token(PERSON, "projects", header={"typ": "at+jwt"}),
        "plain type": signer.token(PERSON, "projects", header={"typ": "JWT"}),
        "no type": resigned(good, lambda header, _: header.pop("typ"), by(signer.key)),
        "other audience": signer.token(PERSON, "identity"),
        "no audience": signer.token(PERSON),
        "audience is a text that contains ours": signer.token(PERSON, aud="projects-and-more"),
        "other issuer": signer.token(PERSON, "projects", iss="somebody"),
        "expired": signer.token(PERSON, "projects", iat=now - 200, exp=now - 150),
        "not yet": signer.token(PERSON, "projects", nbf=now + 600),
        "lives too long": signer.token(PERSON, "projects", exp=now + 3600),
        "no expiry": resigned(good, lambda _, claims: claims.pop("exp"), by(signer.key)),
        "expiry is a text": resigned(good, lambda _, claims: claims.update(exp="9999999999"), by(signer.key)),
        "kind unknown": signer.token(PERSON, "projects", kind="god"),
        "client is no id": signer.token(PERSON, "projects", cid="' or 1=1"),
        "body is a list": ".".join([good.split(".")[0], b64(b"[]"), good.split(".")[2]]),
        "not a token": "x",
        "empty parts": "..",
        "NUL": "\0.\0.\0",
        "very long": "a" * 100_000 + ".b.c",
    }
    for name, secret in {
        "JSON": json.dumps(public).encode(),
        "x": public["x"].encode(),
        "raw": base64.urlsafe_b64decode(public["x"] + "=="),
        "PEM": signer.key.as_pem(private=False),
        "DER": signer.key.as_der(private=False),
        "empty": b"",
    }.items():
        for alg in ("HS256", "HS512"):
            found[f"{alg} keyed with our public key as {name}"] = resigned(good, set_alg(alg), mac(secret))
    for alg in ("EdDSA", "ES256", "RS256", "Ed448", ""):
        found[f"alg {alg}"] = resigned(good, set_alg(alg), by(stranger))
    head, body, signature = good.split(".")
    for position in range(0, len(body), 9):
        flipped = body[:position] + ("A" if body[position] != "A" else "B") + body[position + 1 :]
        found[f"body changed at {position}"] = f"{head}.{flipped}.{signature}"
    return found


async def test_a_good_token_is_the_actor_it_names(signer: Signer) -> None:
    actor = await Verifier("projects", str(signer.jwks)).verify(signer.token(PERSON, "projects", "portal"))
    assert actor == PERSON


async def test_no_forgery_passes(signer: Signer) -> None:
    verifier = Verifier("projects", str(signer.jwks))
    await verifier.verify(signer.token(PERSON, "projects"))
    attempts = forgeries(signer)
    assert len(attempts) >= 60
    for name, token in attempts.items():
        with pytest.raises(InvalidClaims):
            pytest.fail(f"{name} was accepted as {await verifier.verify(token)}")


@pytest.mark.parametrize(
    ("ahead", "left", "good"), [(29, 60, True), (-85, 60, True), (40, 60, False), (-100, 60, False), (29, 61, False)]
)
async def test_the_gateways_clock_may_differ_by_half_a_minute(
    signer: Signer, ahead: int, left: int, good: bool
) -> None:
    """Ahead, a token is signed in the future; behind, it is over before its time. Neither signs anybody out."""
    issued = int(time.time()) + ahead
    verifier = Verifier("projects", str(signer.jwks))
    token = signer.token(PERSON, "projects", iat=issued, exp=issued + left)
    if good:
        assert await verifier.verify(token) == PERSON == verifier.recall(token)
    else:
        with pytest.raises(InvalidClaims):
            await verifier.verify(token)


async def test_claims_that_are_not_believed_are_an_alarm(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric, and a line that says why; the answer tells the gateway that it is about its own claims."""
    before = REGISTRY.get_sample_value("claims_refused_total") or 0
    late = int(time.time()) - 200
    monkeypatch.setattr(claims, "log", structlog.get_logger("claims"))  # one that no other test has bound to its output
    with capture_logs() as logged, pytest.raises(ClaimsRefused) as refused:
        await Verifier("projects", str(signer.jwks)).verify(signer.token(PERSON, "projects", iat=late, exp=late + 60))
    assert (refused.value.code, "portal-claims" in refused.value.challenge) == ("auth.claims_refused", True)
    assert REGISTRY.get_sample_value("claims_refused_total") == before + 1
    assert [(each["event"], each["log_level"], "expired" in each["why"]) for each in logged] == [
        ("claims.refused", "error", True)
    ]


async def test_a_remembered_token_still_expires(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier("projects", str(signer.jwks))
    token = signer.token(PERSON, "projects")
    await verifier.verify(token)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 120)
    with pytest.raises(InvalidClaims):
        await verifier.verify(token)


async def test_random_key_ids_ask_for_the_keys_once(signer: Signer) -> None:
    asked = 0

    async def serve(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=signer.jwks.read_bytes(), content_type="application/json")

    runner = web.AppRunner(app := web.Application())
    app.router.add_get("/jwks.json", serve)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    verifier = Verifier("projects", f"http://127.0.0.1:{port}/jwks.json")
    await verifier.verify(signer.token(PERSON, "projects"))
    for number in range(50):
        with pytest.raises(InvalidClaims):
            await verifier.verify(signer.token(PERSON, "projects", header={"kid": f"k{number}"}))
    assert asked == 1
    await runner.cleanup()
    await verifier.verify(signer.token(PERSON, "projects", name="cached keys go on working"))


async def test_without_any_key_the_answer_is_unavailable_and_never_yes(tmp_path: Path, signer: Signer) -> None:
    with pytest.raises(Unavailable):
        await Verifier("projects", str(tmp_path / "none.json")).verify(signer.token(PERSON, "projects"))


@pytest.mark.parametrize(
    ("age", "fresh"), [(None, False), (timedelta(), True), (FRESH - timedelta(seconds=5), True), (FRESH, False)]
)
async def test_a_proof_is_fresh_for_ten_minutes(signer: Signer, age: timedelta | None, fresh: bool) -> None:
    """Also as it comes out of a token; a partner system, which proves nothing of the kind, never has one."""
    proven = None if age is None else now() - age
    person = structs.replace(PERSON, proven_at=proven)
    actor = await Verifier("projects", str(signer.jwks)).verify(signer.token(person, "projects"))
    assert actor.is_freshly_proven is fresh
