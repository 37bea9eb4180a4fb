"""Cookie to session: this process for a second, then Redis, then identity, whose database is the truth.

A tombstone in Redis wins over everything; a revocation broadcast empties the process's own memory at once; and where
neither Redis nor identity can be asked, the answer is 503: no session is accepted, and none becomes anonymous.
"""

import re
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import msgspec

from gateway.flights import SingleFlight
from gateway.metrics import SESSIONS_ASKED
from gateway.peers import is_within
from gateway.seals import Seal
from shared.actor import Reader
from shared.cache import Cache, CacheAway
from shared.clock import now

REMEMBER_SECONDS = 1.0
REMEMBERED = 20_000
REDIS_SECONDS = 300
TOMBSTONE = b"revoked"
REVOKED_CHANNEL = "sessions:revoked"
_COOKIE = re.compile(rb"[A-Za-z0-9_-]{43}")


class Session(msgspec.Struct, frozen=True):
    """Who is signed in, as identity says. Any change of rights raises `version` or ends the session."""

    session_id: UUID
    person_id: UUID
    name: str
    kind: Literal["staff", "client"]
    client_id: UUID | None
    version: int
    policies: list[str]
    project_roles: dict[UUID, str]
    is_primary_contact: bool
    expires_at: datetime
    proven_at: datetime
    read_only: bool = False
    seen_as: Reader | None = None
    """As whom staff see the portal, where it is one person of the client."""
    assignments: dict[UUID, UUID] | None = None
    networks: tuple[str, ...] = ()
    """From where it may be used; empty for everywhere."""
    recorded: bool = False
    """Each of its requests is written down before it is served."""
    rotate: bool = False
    """Its next page brings a new id."""
    closed: tuple[str, ...] = ()
    """The modules and actions its client's people do not have."""
    language: str = ""
    """What its person reads pages in."""
    usable_until: datetime | None = None
    """Set where the id that was shown has been replaced. Until when it counts, identity's clock alone decides."""

    def is_used_from(self, peer: str) -> bool:
        """Whether its client lets its people in from there."""
        return not self.networks or is_within(peer, self.networks)


Resolve = Callable[[str], Awaitable[bytes | None]]
"""Asks identity for the record of a hash: its JSON, or None where there is no such session. Raises `Refused` (503)."""

_decoder = msgspec.json.Decoder(Session)
_UNKNOWN = (0.0, None)


def _read(record: bytes | str | None) -> Session | None:
    return _decoder.decode(record) if record else None


def digest_of(cookie: bytes) -> str | None:
    """The hash of a session's id, which is all that is kept of it; None for what is no id."""
    return sha256(cookie).hexdigest() if _COOKIE.fullmatch(cookie) else None


class Sessions:
    """Finds the session of a cookie's hash."""

    def __init__(
        self, cache: Cache, resolve: Resolve, seal: Seal, *, remember_seconds: float = REMEMBER_SECONDS
    ) -> None:
        self._cache = cache
        self._resolve = resolve
        self._seal = seal
        self._remember_seconds = remember_seconds
        self._remembered: dict[str, tuple[float, Session]] = {}
        self._distrusted: dict[str, float] = {}
        """Hashes of which Redis still holds a record that identity could not overwrite, until that is gone."""
        self._flights = SingleFlight(self._look_up)
        self.on_change: Callable[[str | None], None] = lambda _digest: None
        """Told whose session changed; None where any of them may have."""

    async def find(self, digest: str) -> Session | None:
        """The live session with this hash, or None: unknown, ended and revoked look the same.

        Raises `Refused` (503) where neither Redis nor identity can say.
        """
        return self.recall(digest) or await self._flights.join(digest)

    def recall(self, digest: str) -> Session | None:
        """The session if this process has known it for less than a second."""
        until, session = self._remembered.get(digest, _UNKNOWN)
        return session if until > time.monotonic() else None

    async def _look_up(self, digest: str) -> Session | None:
        session = await self._ask(digest)
        left = (session.expires_at - now()).total_seconds() if session else 0
        if session is None or left <= 0:
            return None
        # A revocation that arrived during the look-up has made this answer old: it serves those who asked before it.
        if self._flights.is_current(digest):
            self._remember(digest, session, min(left, self._remember_seconds))
        return session

    async def _ask(self, digest: str) -> Session | None:
        key = f"session:{digest}"
        if self._distrusted.get(digest, 0) > time.monotonic():
            return _read(await self._ask_identity(digest))
        try:
            held: Any = await self._cache.ask(lambda: self._cache.client.get(key))
        except CacheAway:
            return _read(await self._ask_identity(digest))
        if held == TOMBSTONE:
            return None
        SESSIONS_ASKED.labels("redis").inc()
        try:
            session = _read(self._seal.open(digest, held)) if held else None
        except msgspec.MsgspecError:
            session = None  # a record of another release: ask again, as behind identity's mark that it is old
        return session or await self._fetch(digest, key)

    async def _fetch(self, digest: str, key: str) -> Session | None:
        """Ask identity, and keep its answer unless something is there by now.

        If that is a tombstone, the session ended while identity was being asked. Identity is asked
        again about a replaced id: its last seconds are measured by identity's clock, from which this one may differ.
        """
        record = await self._ask_identity(digest)
        if record is None:
            return None
        session = _read(record)
        if session and session.usable_until:
            return session
        sealed = self._seal.close(digest, record, REDIS_SECONDS)
        try:
            stored = await self._cache.ask(lambda: self._cache.client.set(key, sealed, nx=True, ex=REDIS_SECONDS))
            held = None if stored else await self._cache.ask(lambda: self._cache.client.get(key))
        except CacheAway:
            held = None
        return None if held == TOMBSTONE else session

    async def _ask_identity(self, digest: str) -> bytes | None:
        SESSIONS_ASKED.labels("identity").inc()
        return await self._resolve(digest)

    def _remember(self, digest: str, session: Session, seconds: float) -> None:
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (time.monotonic() + seconds, session)

    def forget(self, digest: str) -> None:
        """Drop what this process believes about a session, also what it is being told just now."""
        self._remembered.pop(digest, None)
        self._flights.forget(digest)
        self.on_change(digest)

    async def _doubt(self, digest: str) -> None:
        """Identity overwrites a record before it broadcasts. What is still a record is one that it could not overwrite:
        a Redis may refuse writes (out of memory, read-only, not allowed) and yet be read. Where it cannot be read
        right now either, there may be such a record.
        """
        try:
            held: Any = await self._cache.ask(lambda: self._cache.client.get(f"session:{digest}"))
            stale = bool(held and self._seal.open(digest, held))
        except CacheAway:
            stale = True
        if stale:
            moment = time.monotonic()
            self._distrusted = {each: until for each, until in self._distrusted.items() if until > moment}
            self._distrusted[digest] = moment + REDIS_SECONDS

    def _forget_all(self) -> None:
        self._remembered.clear()
        self.on_change(None)

    async def listen(self) -> None:
        """Forget each session that is broadcast as revoked. Whatever ends this, everything is forgotten."""
        try:
            async with self._cache.client.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(REVOKED_CHANNEL)
                self._forget_all()
                while True:
                    message: dict[str, Any] | None = await channel.get_message(timeout=10)
                    if message:
                        self.forget(message["data"].decode())
                        await self._doubt(message["data"].decode())
        finally:
            self._forget_all()
