"""What stands around the gateway in its benchmark: the service behind it, and the session check nginx asks instead."""

import os
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any

import msgspec
import redis.asyncio as redis
from litestar import Litestar, get

from gateway.claims import ClaimsSigner
from gateway.seals import Seal
from gateway.sessions import Session


@get("/api/client-portal/projects", sync_to_thread=False)
def projects() -> dict[str, Any]:
    """A small answer: the service's own work is not what is measured."""
    return {"items": [{"id": "0193f0a2-7b1c-7def-8000-000000000001", "name": "Website relaunch"}], "next_cursor": None}


service = Litestar([projects], openapi_config=None)


class SessionCheck:
    """nginx's `auth_request`: cookie to session in Redis, claims in a header. A bare ASGI callable, nothing spared."""

    def __init__(self) -> None:
        self._signer = ClaimsSigner(os.environ["PORTAL_CLAIMS_KEY"])
        self._seal = Seal(self._signer.secret("sessions"))
        self._redis: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        cookie = SimpleCookie(dict(scope["headers"])[b"cookie"].decode())["portal_session"].value
        digest = sha256(cookie.encode()).hexdigest()
        held = await self._redis.get(f"session:{digest}")
        record = held and self._seal.open(digest, held)
        headers: list[tuple[bytes, bytes]] = [(b"content-length", b"0")]
        if record:
            session = msgspec.json.decode(record, type=Session)
            headers.append((b"x-claims", self._signer.token(session, ("projects",), "127.0.0.1")))
        await send({"type": "http.response.start", "status": 200 if record else 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._redis = redis.Redis.from_url(os.environ["PORTAL_REDIS_URL"])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._redis.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def session_check() -> SessionCheck:
    """For granian's `--factory`."""
    return SessionCheck()
