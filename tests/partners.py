"""Partner tokens signed by a test key, as identity would sign them, and an identity that answers for them."""

import time
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

    def __init__(self) -> None:
        self.keys = [new_key("first")]

    def named(self, kid: str) -> OKPKey:
        return next(key for key in self.keys if key.kid == kid)

    def token(self, partner: Actor, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of `partner`; `header` and `claims` replace parts of it, None leaves one out."""
        issued = int(time.time())
        body: dict[str, Any] = {
            "iss": ISSUER,
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
