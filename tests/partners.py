"""Partner tokens signed by a test key, as identity would sign them, and an identity that answers for them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from shared.actor import Actor
from shared.clock import uuid7
from shared.partners import AUDIENCE, JWKS_PATH, MAX_LIFE, TYPE, WHOAMI_PATH
from shared.tokens import ALGORITHM

ISSUER = "http://portal.test"


class PartnerSigner:
    """Signs tokens: with the first of `keys`; all of them are published."""

    def __init__(self, *keys: OKPKey, issuer: str = ISSUER) -> None:
        self.keys = list(keys) or [new_key("first")]
        self._issuer = issuer

    def forgeries(self, partner: Actor) -> dict[str, str]:
        """Tokens that nobody may believe, by what is wrong with them. Some are signed by the right key."""
        return _forgeries(self, partner)

    def named(self, kid: str) -> OKPKey:
        return next(key for key in self.keys if key.kid == kid)

    def token(self, partner: Actor, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of `partner`; `header` and `claims` replace parts of it, None leaves one out."""
        issued = int(time.time())
        body: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(partner.id),
            "client_id": str(partner.id),
            "cid": str(partner.client_id) if partner.client_id else None,
            "scope": " ".join(sorted(partner.scopes)),
            "ver": 1,
            "jti": str(uuid7()),
            "iat": issued,
            "exp": issued + MAX_LIFE,
        }
        head = {"alg": ALGORITHM, "kid": self.keys[0].kid, "typ": TYPE} | (header or {})
        said = {name: value for name, value in (body | claims).items() if value is not None}
        return jwt.encode(head, said, self.keys[0], registry=JWSRegistry(algorithms=[ALGORITHM]))


class IdentityStandIn:
    """Publishes the keys, and says of every token that it counts, until it is told otherwise."""

    def __init__(self, signer: PartnerSigner) -> None:
        self._signer = signer
        self.status = 200
        self.asked_for_keys = self.asked_who = 0

    async def start(self, port: int = 0) -> str:
        """Its address."""
        app = web.Application()
        app.router.add_get(JWKS_PATH, self._keys)
        app.router.add_get(WHOAMI_PATH, self._whoami)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port: int = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _keys(self, _request: web.Request) -> web.Response:
        self.asked_for_keys += 1
        return web.json_response({"keys": [key.as_dict(private=False) for key in self._signer.keys]})

    async def _whoami(self, _request: web.Request) -> web.Response:
        self.asked_who += 1
        return web.json_response({"name": "Acme ERP"}, status=self.status)


def new_key(kid: str) -> OKPKey:
    """A signing key."""
    return OKPKey.generate_key("Ed25519", {"kid": kid, "alg": ALGORITHM, "use": "sig"})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _resigned(token: str, change: Callable[[dict[str, Any]], None], sign: Callable[[bytes], bytes]) -> str:
    """`token` with its header changed and signed by `sign`."""
    head, body, _ = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    change(header)
    signed = f"{_b64(json.dumps(header).encode())}.{body}"
    return f"{signed}.{_b64(sign(signed.encode()))}"


def _said_twice(keys: "PartnerSigner", token: str, part: int, name: str, value: str) -> str:
    """`token`, well signed, with one name twice in its head (0) or body (1)."""
    parts = token.split(".")
    text = base64.urlsafe_b64decode(parts[part] + "==").decode()
    parts[part] = _b64(f'{{"{name}": {value}, {text[1:]}'.encode())
    signed = f"{parts[0]}.{parts[1]}"
    return f"{signed}.{_b64(keys.keys[0].private_key.sign(signed.encode()))}"


def _forgeries(keys: "PartnerSigner", partner: Actor) -> dict[str, str]:
    good, stranger, now = keys.token(partner), new_key("stranger"), int(time.time())
    ours, public = keys.keys[0].private_key.sign, keys.keys[0].as_dict(private=False)

    def say(**header: Any) -> Callable[[dict[str, Any]], None]:
        return lambda head: head.update(header)

    def mac(secret: bytes) -> Callable[[bytes], bytes]:
        return lambda message: hmac.new(secret, message, hashlib.sha256).digest()

    found = {
        "alg none": _resigned(good, say(alg="none"), lambda _message: b""),
        "no signature": good.rpartition(".")[0] + ".",
        "a stranger with our kid": _resigned(good, say(), stranger.private_key.sign),
        "a stranger's kid": _resigned(good, say(kid="stranger"), stranger.private_key.sign),
        "no kid": _resigned(good, lambda head: head.pop("kid"), ours),
        "kid is a list": _resigned(good, say(kid=["first"]), ours),
        "jwk in the header": _resigned(
            good, say(jwk=stranger.as_dict(private=False), kid="stranger"), stranger.private_key.sign
        ),
        "jku in the header": _resigned(good, say(jku="http://127.0.0.1:1/x", kid="x"), stranger.private_key.sign),
        "x5u in the header": _resigned(good, say(x5u="http://127.0.0.1:1/x", kid="x"), stranger.private_key.sign),
        "crit in the header": _resigned(good, say(crit=["exp"]), ours),
        "another type": keys.token(partner, {"typ": "portal-claims+jwt"}),
        "plain type": keys.token(partner, {"typ": "JWT"}),
        "no type": _resigned(good, lambda head: head.pop("typ"), ours),
        "another audience": keys.token(partner, aud="projects"),
        "no audience": keys.token(partner, aud=None),
        "another issuer": keys.token(partner, iss="http://portal.example"),
        "no issuer": keys.token(partner, iss=None),
        "expired": keys.token(partner, iat=now - 700, exp=now - 100),
        "not yet": keys.token(partner, nbf=now + 600),
        "of the future": keys.token(partner, iat=now + 300, exp=now + 600),
        "lives too long": keys.token(partner, iat=now, exp=now + 601),
        "no end": keys.token(partner, exp=None),
        "no beginning": keys.token(partner, iat=None),
        "end is a text": keys.token(partner, exp="9999999999"),
        "of nobody": keys.token(partner, sub=None),
        "client is no id": keys.token(partner, cid="' or 1=1"),
        "no version": keys.token(partner, ver=None),
        "no jti": keys.token(partner, jti=None),
        "audience twice": _said_twice(keys, good, 1, "aud", '"client-portal"'),
        "client twice": _said_twice(keys, good, 1, "cid", f'"{uuid7()}"'),
        "algorithm twice": _said_twice(keys, good, 0, "alg", '"none"'),
        "type twice": _said_twice(keys, good, 0, "typ", '"JWT"'),
        "not a token": "x",
        "empty parts": "..",
        "a deep head": f"{_b64(b'[' * 5_000)}.x.y",
    }
    for name, secret in {
        "JSON": json.dumps(public).encode(),
        "x": public["x"].encode(),
        "raw": base64.urlsafe_b64decode(public["x"] + "=="),
        "PEM": keys.keys[0].as_pem(private=False),
        "empty": b"",
    }.items():
        found[f"HS256 with our public key as {name}"] = _resigned(good, say(alg="HS256"), mac(secret))
    for alg in ("EdDSA", "ES256", "RS256", ""):
        found[f"alg {alg}"] = _resigned(good, say(alg=alg), stranger.private_key.sign)
    return found
