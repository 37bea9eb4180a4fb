"""`Idempotency-Key`: the same POST twice makes one thing, and gets the same answer again for a day (decision 0101).

The answer is a row of the transaction that made the thing, so there is never one without the other. It is sealed with
the caller's key, of which only a hash is kept: what was shown once, such as a secret, cannot be read from the table.
"""

import hashlib
import re
from os import urandom
from typing import cast

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from shared.actor import Actor
from shared.database import Database
from shared.errors import Conflict, Invalid
from shared.language import gettext as _
from shared.problems import AnyRequest

KEY = re.compile(r"[!-~]{1,255}")
_MAKES = (201, 202)
_KEPT = (b"content-type", b"etag", b"location")
# Those of yesterday go with each new one, so that the table stays as long as a day.
_PRUNE = """
    delete from idempotency_keys where created_at < now() - interval '1 day' and (id = $1 or id in (
        select id from idempotency_keys where created_at < now() - interval '1 day' limit 20 for update skip locked))
"""
_CLAIM = "insert into idempotency_keys (id, request) values ($1, $2) on conflict do nothing returning id"
_FIND = "select request, answer from idempotency_keys where id = $1"
_KEEP = "update idempotency_keys set answer = $2 where id = $1"


class KeyReused(Invalid):
    code = "idempotency.key_reused"

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was sent with another request. Take a new key for a new request."))


class KeyInUse(Conflict):
    code = "idempotency.in_progress"

    def __init__(self) -> None:
        super().__init__(_("The same request is being worked on. Send it again in a moment."), retry_after=1)


class _Answer(msgspec.Struct, array_like=True):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Idempotent(ASGIMiddleware):
    """Has each POST that makes something (201, or 202 for later) happen once per caller, path and key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        handler, actor = scope["route_handler"], scope["auth"]
        key = next((value for name, value in scope["headers"] if name == b"idempotency-key"), None)
        if key is None or actor.id is None or not isinstance(handler, HTTPRouteHandler) or not makes(handler):
            await next_app(scope, receive, send)
            return
        if not KEY.fullmatch(key.decode("latin-1")):
            raise Invalid(_("An Idempotency-Key has 1 to 255 visible ASCII characters."))
        request: AnyRequest = Request(scope, receive, send)
        once = _Once(key, actor, scope, await request.body())
        async with self._database.joined(actor) as (connection, roll_back):
            answer = await once.claim(connection)
            if answer is None:
                answer = await _answer(next_app, scope, receive)
                if answer.status < 400:  # a refusal leaves the key as good as new
                    await once.keep(connection, answer)
                else:
                    roll_back()
            else:
                await handler.authorize_connection(request)
                if ask := handler.resolve_before_request():  # for a fresh proof, where one is due
                    await ask(request)
                answer.headers.append((b"idempotency-replayed", b"true"))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def makes(handler: HTTPRouteHandler) -> bool:
    """Whether it makes something, now or later."""
    return handler.http_methods == {"POST"} and handler.status_code in _MAKES


class _Once:
    """One request under its key."""

    def __init__(self, key: bytes, actor: Actor, scope: Scope, body: bytes) -> None:
        where = f"{actor.kind} {actor.id} {actor.client_id} {actor.read_only} {scope['path']} ".encode()
        self._id = hashlib.sha256(where + key).digest()
        self._request = hashlib.sha256(scope["query_string"] + b"\n" + body).digest()
        self._seal = AESGCM(hashlib.sha256(b"answer " + where + key).digest())

    async def claim(self, connection: asyncpg.Connection) -> _Answer | None:
        """The answer given before, or None for who is the first. Whoever is second waits for the first to end.

        Raises `KeyReused` and, after two seconds, `KeyInUse`.
        """
        await connection.execute("set local lock_timeout = '2s'")
        try:
            await connection.execute(_PRUNE, self._id)
            first = await connection.fetchval(_CLAIM, self._id, self._request)
        except asyncpg.LockNotAvailableError as error:
            raise KeyInUse from error
        await connection.execute("set local lock_timeout = default")
        if first:
            return None
        found = await connection.fetchrow(_FIND, self._id)
        if found is None or found["request"] != self._request:
            raise KeyReused if found else KeyInUse
        answer = self._seal.decrypt(found["answer"][:12], found["answer"][12:], None)
        return msgspec.msgpack.decode(answer, type=_Answer)

    async def keep(self, connection: asyncpg.Connection, answer: _Answer) -> None:
        """Store the answer with what was made."""
        nonce = urandom(12)
        kept = msgspec.structs.replace(answer, headers=[each for each in answer.headers if each[0].lower() in _KEPT])
        await connection.execute(_KEEP, self._id, nonce + self._seal.encrypt(nonce, msgspec.msgpack.encode(kept), None))


async def _answer(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    """What `app` answers, whole."""
    told: list[Message] = []

    async def keep(message: Message) -> None:
        told.append(message)

    await app(scope, receive, keep)
    start = cast("HTTPResponseStartEvent", told[0])
    body = b"".join(message.get("body", b"") for message in told[1:])
    return _Answer(start["status"], [(bytes(name), bytes(value)) for name, value in start["headers"]], body)
