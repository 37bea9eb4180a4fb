"""G2 at the gateway: the one claim a service believes is signed here, for the right reader, for a minute at most."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.claims import RENEW_BEFORE, ClaimsSigner
from gateway.routes import SERVICES
from gateway.sessions import Session
from gateway.settings import GatewaySettings
from ops.stack.backing import Backing
from shared.actor import Reader
from shared.claims import MAX_LIFE, Verifier
from shared.config import SettingsError, load
from shared.tokens import InvalidClaims
from tests.gateway.rig import Identity, Rig, new_key

PROJECTS = "/api/client-portal/projects"
MIRA = Reader(uuid4(), "Mira Sand")


def signer(*keys: dict[str, Any]) -> ClaimsSigner:
    return ClaimsSigner(msgspec.json.encode({"keys": keys}).decode())


def part(token: bytes, number: int) -> dict[str, Any]:
    text = token.split(b".")[number]
    return msgspec.json.decode(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    identity = Identity(lambda: "")
    yield identity.sign_in(policies=["viewAudit"])[2]
    identity.server.end()


async def test_every_service_verifies_it_with_the_published_keys(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, _, session = rig.identity.sign_in()
    await http.get(PROJECTS, headers={"Cookie": f"portal_session={cookie}"})
    token = rig.service.seen[-1].all("authorization")[0].removeprefix("Bearer ")
    actor = await Verifier("projects", f"{rig.server.url}/.well-known/jwks.json").verify(token)
    assert (actor.id, actor.kind, actor.client_id) == (session.person_id, "client", session.client_id)
    assert (actor.session_id, actor.name, actor.ip) == (session.session_id, "Anna Keller", "127.0.0.1")
    assert (actor.project_roles, actor.is_primary_contact) == (session.project_roles, True)
    with pytest.raises(InvalidClaims):
        await Verifier("identity", f"{rig.server.url}/.well-known/jwks.json").verify(token)


async def test_callers_own_token_is_replaced(rig: Rig, http: httpx2.AsyncClient) -> None:
    """Even one the gateway itself has signed: claims are what the session says now, not what somebody kept."""
    cookie, *_ = rig.identity.sign_in(kind="staff", client_id=None)
    await http.get(PROJECTS, headers={"Cookie": f"portal_session={cookie}"})
    staff = rig.service.seen[-1].all("authorization")[0]
    assert (await http.get(PROJECTS, headers={"Authorization": staff})).status_code == 401
    other, _, session = rig.identity.sign_in()
    await http.get(PROJECTS, headers={"Authorization": staff, "Cookie": f"portal_session={other}"})
    assert rig.service.seen[-1].claims()["sub"] == str(session.person_id)


@pytest.mark.parametrize(
    ("path", "audience"),
    [("/", ["portal", *SERVICES]), ("/api/client-portal/auth/login", ["identity"])],
)
async def test_nobody_has_a_token_too_with_an_address_to_trust(
    rig: Rig, http: httpx2.AsyncClient, path: str, audience: list[str]
) -> None:
    await http.get(path, headers={"X-Forwarded-For": "198.51.100.7"})
    claims = [*rig.service.seen, *rig.identity.echo.seen][-1 if path != "/" else len(rig.service.seen) - 1].claims()
    assert (claims["kind"], claims["sub"], claims["aud"], claims["ip"]) == ("anonymous", "", audience, "127.0.0.1")


def test_head_names_algorithm_key_and_type(session: Session) -> None:
    token = signer(new_key("k1")).token(session, ("projects",), "192.0.2.1")
    assert part(token, 0) == {"alg": "Ed25519", "kid": "k1", "typ": "portal-claims+jwt"}


def test_token_lives_a_minute_and_is_handed_out_while_enough_is_left(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time()
    monkeypatch.setattr(time, "time", lambda: clock)
    signs = signer(new_key())
    first = signs.token(session, ("projects",), "")
    claims = part(first, 1)
    assert claims["exp"] - claims["iat"] == MAX_LIFE
    clock += MAX_LIFE - RENEW_BEFORE - 1
    assert signs.token(session, ("projects",), "") == first
    clock += 2
    second = signs.token(session, ("projects",), "")
    assert part(second, 1)["exp"] - clock > MAX_LIFE - 2


def test_token_is_shared_by_nobody(session: Session) -> None:
    signs = signer(new_key())
    raised = msgspec.structs.replace(session, version=2)
    other = msgspec.structs.replace(session, session_id=session.person_id)
    proven = msgspec.structs.replace(session, proven_at=session.expires_at)
    viewing = msgspec.structs.replace(session, client_id=None)
    kept_from = msgspec.structs.replace(session, closed=("activity",))
    as_mira = msgspec.structs.replace(session, seen_as=MIRA)
    asked = [(session, "projects", "1"), (kept_from, "projects", "1"), (proven, "projects", "1"), (viewing, "projects", "1"), (as_mira, "projects", "1"), (raised, "projects", "1"), (other, "projects", "1"), (None, "projects", "1"),
             (session, "activity", "1"), (session, "projects", "2"), (None, "projects", "2")]  # fmt: skip
    assert len({signs.token(who, (audience,), ip) for who, audience, ip in asked}) == len(asked)


async def test_whom_staff_see_the_portal_as_is_in_the_token(session: Session, tmp_path: Any) -> None:
    signs = signer(new_key())
    (known := tmp_path / "jwks.json").write_bytes(signs.jwks)
    for seen_as in (None, MIRA):
        token = signs.token(msgspec.structs.replace(session, seen_as=seen_as), ("projects",), "")
        actor = await Verifier("projects", str(known)).verify(token.decode())
        assert (actor.id, actor.seen_as) == (session.person_id, seen_as)


async def test_what_is_closed_is_in_the_token_and_where_nothing_is_nothing_is(session: Session, tmp_path: Any) -> None:
    signs = signer(new_key())
    (known := tmp_path / "jwks.json").write_bytes(signs.jwks)
    for closed in ((), ("activity", "edit_profile")):
        token = signs.token(msgspec.structs.replace(session, closed=closed), ("projects",), "")
        assert ("off" in part(token, 1)) is bool(closed)
        assert (await Verifier("projects", str(known)).verify(token.decode())).closed == set(closed)


def test_only_public_halves_are_published(session: Session) -> None:
    keys = msgspec.json.decode(signer(new_key("new"), new_key("old")).jwks)["keys"]
    assert [(key["kid"], key["alg"], key["use"], key["crv"]) for key in keys] == [
        ("new", "Ed25519", "sig", "Ed25519"),
        ("old", "Ed25519", "sig", "Ed25519"),
    ]
    assert not any("d" in key for key in keys)


async def test_keys_are_rotated_without_a_refusal(session: Session, tmp_path: Any) -> None:
    """Old alone; both published, old signs; both, new signs; new alone: a service that read the keys at the step before
    still verifies what is signed now.
    """
    old, new = new_key("old"), new_key("new")
    known = tmp_path / "jwks.json"
    known.write_bytes(signer(old).jwks)
    for keys in ([old], [old, new], [new, old], [new]):
        signs = signer(*keys)
        verifier = Verifier("projects", str(known))
        assert (await verifier.verify(signs.token(session, ("projects",), "").decode())).id == session.person_id
        known.write_bytes(signs.jwks)


@pytest.mark.parametrize(
    "key",
    [
        OKPKey.generate_key("Ed25519").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=True),
        ECKey.generate_key("P-256").as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=True),
    ],
    ids=["public half", "X25519", "P-256", "shared secret", "RSA"],
)
def test_other_keys_do_not_sign(key: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="Ed25519"):
        signer(key)


@pytest.mark.parametrize("text", ["", "{", "[]", '"key"', '{"keys": []}', '{"keys": 1}', "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_key_is_said_so(text: str) -> None:
    with pytest.raises(SettingsError, match="PORTAL_CLAIMS_KEY"):
        ClaimsSigner(text)


def test_key_is_read_from_its_file(tmp_path: Any, redis: Backing) -> None:
    file = tmp_path / "key.json"
    file.write_bytes(msgspec.json.encode(new_key("from-file")))
    environ = {
        f"PORTAL_UPSTREAM_{name}": "http://127.0.0.1:1" for name in ("IDENTITY", "PROJECTS", "ACTIVITY", "PORTAL")
    }
    environ["PORTAL_REDIS_URL"] = redis.addresses.redis_url
    with pytest.raises(SettingsError, match="PORTAL_CLAIMS_KEY"):
        load(GatewaySettings, environ)
    settings = load(GatewaySettings, environ | {"PORTAL_CLAIMS_KEY_FILE": str(file)})
    assert b"from-file" in ClaimsSigner(settings.claims_key).jwks
