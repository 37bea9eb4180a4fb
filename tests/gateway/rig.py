"""A gateway that really listens, in front of services that tell what they saw. No part of it is patched."""

import asyncio
import base64
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import msgspec
import uvicorn
import uvloop
from joserfc.jwk import OKPKey

from gateway.app import Gateway, create_app
from gateway.routes import PORTAL, ROUTES, SERVICES, Route
from gateway.sessions import Session
from gateway.settings import GatewaySettings
from shared.actor import Actor
from shared.claims import Verifier
from shared.clock import now, uuid7

ORIGIN = "http://portal.test"


class Server:
    """An ASGI application on a free port of the loopback, in a thread with its own loop, the production's kind."""

    def __init__(self, app: Any, *, protocol: Any = "httptools", lifespan: str = "off", port: int = 0) -> None:
        self.app = app
        self.socket = socket.create_server(("127.0.0.1", port), backlog=2048)
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app, http=protocol, ws="none", lifespan=lifespan, proxy_headers=False, server_header=False,
            interface="asgi3", access_log=False, log_config=None, timeout_keep_alive=75, timeout_graceful_shutdown=3,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(30)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self._server.serve(sockets=[self.socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.005)
        self._started.set()
        await serving

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def end(self) -> None:
        """It stops soon: uvicorn looks ten times a second whether it has to. Who needs its end waits for it (`stop`)."""
        self._server.should_exit = True
        ENDING.append(self)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.socket.close()
        assert not self._thread.is_alive()


ENDING: list[Server] = []
"""Those that were told so, and not waited for."""


@dataclass
class Seen:
    """A request as a service saw it: names in order, nothing merged."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def claims(self) -> dict[str, Any]:
        [bearer] = self.all("authorization")
        return msgspec.json.decode(_unpadded(bearer.removeprefix("Bearer ").split(".")[1]))


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def read_body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


class Echo:
    """A service that answers with what it saw. `special` paths answer in their own way."""

    def __init__(self, special: dict[str, Callable[..., Any]] | None = None) -> None:
        self.seen: list[Seen] = []
        self.begun = 0
        self.broken_off = 0
        self.special = special or {}
        self.server = Server(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if special := self.special.get(scope["path"]):
            await special(scope, receive, send)
            return
        self.begun += 1
        try:
            body = await read_body(receive)
        except ConnectionError:
            self.broken_off += 1
            return
        target = (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")).decode()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        seen = Seen(scope["method"], target, headers, body)
        self.seen.append(seen)
        answered = {"method": seen.method, "target": seen.target, "headers": seen.headers, "size": len(body)}
        await answer(send, 200, msgspec.json.encode(answered), (b"content-type", b"application/json"))


@dataclass
class Identity:
    """Speaks identity's side of the session contract, and echoes everything else."""

    jwks: Callable[[], str]
    records: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    rotated: list[str] = field(default_factory=list)
    grace: float = 10
    """Seconds in which a replaced id still counts."""
    clock: timedelta = timedelta()
    """How far this service's clock is from the gateway's."""
    callers: list[Actor] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """Where set, answers wait for it: between having read the record and having sent it."""
    visits: list[dict[str, Any]] = field(default_factory=list)
    """What was told of recorded sessions, in order."""
    visits_told: int = 0
    """In so many calls."""
    visits_status: int = 204

    def __post_init__(self) -> None:
        self.echo = Echo(
            {
                "/internal/sessions/resolve": self.resolve,
                "/internal/sessions/rotate": self.rotate,
                "/internal/sessions/visits": self.record,
                "/healthz": self.healthz,
            }
        )
        self.server = self.echo.server

    async def healthz(self, _scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, 200, b"{}")

    async def resolve(self, scope: Any, receive: Any, send: Any) -> None:
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        self.callers.append(await Verifier("identity", self.jwks()).verify(token))
        digest = msgspec.json.decode(await read_body(receive))["hash"]
        record = self.records.get(digest)
        until = msgspec.json.decode(record)["usable_until"] if record else None
        if until and datetime.fromisoformat(until) < now() + self.clock:
            record = None
        self.asked.append(digest)
        if self.hold:
            await self.hold.wait()
        await answer(send, 200 if record else 404, record or b"{}")

    async def rotate(self, scope: Any, receive: Any, send: Any) -> None:
        """A session that is due a new id gets it once, as identity's compare-and-set has it."""
        digest = msgspec.json.decode(await read_body(receive))["hash"]
        self.rotated.append(digest)
        session = msgspec.json.decode(self.records.get(digest, b"null"), type=Session | None)
        if not session or not session.rotate:
            await answer(send, 404, b"{}")
            return
        cookie, *_ = self.sign_in(**msgspec.structs.asdict(session) | {"rotate": False})
        grace = now() + self.clock + timedelta(seconds=self.grace)
        replaced = msgspec.structs.replace(session, rotate=False, usable_until=grace)
        self.records[digest] = msgspec.json.encode(replaced)
        line = f"portal_session={cookie}; Path=/; HttpOnly; SameSite=lax; Max-Age=60"
        await answer(send, 200, msgspec.json.encode({"cookie": line}))

    async def record(self, _scope: Any, receive: Any, send: Any) -> None:
        body = msgspec.json.decode(await read_body(receive))
        self.visits_told += 1
        if self.hold:
            await self.hold.wait()
        if self.visits_status == 204:
            self.visits += body["visits"]
        await send({"type": "http.response.start", "status": self.visits_status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def become(self, digest: str, change: dict[str, Any] | None) -> None:
        """A session is another from now on, or over."""
        record = self.records.pop(digest)
        if change is not None:
            session = msgspec.structs.replace(msgspec.json.decode(record, type=Session), **change)
            self.records[digest] = msgspec.json.encode(session)

    def sign_in(self, **different: Any) -> tuple[str, str, Session]:
        """A new session: its cookie's value, the hash, and the record."""
        cookie = base64.urlsafe_b64encode(token_bytes(32)).decode().rstrip("=")
        known: dict[str, Any] = {
            "session_id": uuid7(), "person_id": uuid7(), "name": "Anna Keller", "kind": "client",
            "client_id": uuid7(), "version": 1, "policies": [], "project_roles": {uuid7(): "approver"},
            "is_primary_contact": True, "expires_at": now() + timedelta(hours=8), "proven_at": now(),
        }  # fmt: skip
        session = Session(**(known | different))
        digest = sha256(cookie.encode()).hexdigest()
        self.records[digest] = msgspec.json.encode(session)
        return cookie, digest, session


def new_key(kid: str = "first") -> dict[str, Any]:
    return OKPKey.generate_key("Ed25519", parameters={"kid": kid, "alg": "Ed25519", "use": "sig"}).as_dict(private=True)


def with_addresses(known: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """`known` with `settings` over it, of which `upstream_projects` is the address of one service."""
    begin = "upstream_"
    addresses = {name.removeprefix(begin): at for name, at in settings.items() if name.startswith(begin)}
    others = {name: value for name, value in settings.items() if not name.startswith(begin)}
    return known | {"upstreams": known["upstreams"] | addresses} | others


class Rig:
    """A gateway with its services. `settings` differ from the defaults where a test says so."""

    def __init__(self, redis_url: str, **settings: Any) -> None:
        self.key = new_key()
        self.identity = Identity(lambda: f"{self.server.url}/.well-known/jwks.json")
        self.service = Echo()
        """Every service but identity, and the portal, in one."""
        upstreams = dict.fromkeys((*SERVICES, PORTAL), self.service.server.url)
        known: dict[str, Any] = {
            "public_url": ORIGIN, "redis_url": redis_url, "claims_key": msgspec.json.encode(self.key).decode(),
            "requests_per_minute": 10_000_000, "sign_ins_per_minute": 10_000_000,
            "session_requests_per_minute": 10_000_000, "log_level": "WARNING",
        }  # fmt: skip
        upstreams["identity"] = self.identity.server.url
        self.settings = GatewaySettings(**with_addresses(known | {"upstreams": upstreams}, settings))
        self.server = Server(create_app(self.settings), protocol=Gateway.protocol, lifespan="on")

    def again(self, table: Iterable[Route] = ROUTES, *, protocol: Any = Gateway.protocol, **settings: Any) -> Server:
        """A second gateway in front of the same services."""
        same = msgspec.structs.replace(
            self.settings, **with_addresses({"upstreams": self.settings.upstreams}, settings)
        )
        return Server(create_app(same, table), protocol=protocol, lifespan="on")

    def end(self) -> None:
        for server in (self.server, self.service.server, self.identity.server):
            server.end()
