"""Open streams, looked at again when something about their session changes.

The service that serves a stream hears of a lost right itself and says goodbye with a reason. What only the gateway
knows, as from where a session may be used, whose eyes it looks through and whether it is recorded, ends a stream here.
The browser comes back, and finds what holds now.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec
import structlog

from gateway.problems import Refused
from gateway.request import Request
from gateway.sessions import Session, Sessions
from gateway.shares import Shares

MOST = 6_144
MOST_EACH = 32
"""Streams of one person or api client: a browser that opens one for each of its windows comes nowhere near."""
LOOK_AFTER = 2.0
"""Seconds after a change: time for the service's own goodbye."""

log = structlog.get_logger("gateway.streams")


class _Open(msgspec.Struct, frozen=True, eq=False):
    session: Session
    peer: str
    end: Callable[[], None]

    def may_go_on(self, now: Session | None) -> bool:
        """Whether what holds `now` is what held when it was opened."""
        if now is None or now.usable_until or not now.is_used_from(self.peer):
            return False
        return _sight(now) == _sight(self.session)


def _sight(session: Session) -> tuple[object, ...]:
    """Through whose eyes a session looks, and whether that is written down."""
    return session.client_id, session.read_only, session.seen_as, session.recorded


class Streams:
    """The streams this process carries, by the hash of their session's id."""

    def __init__(self) -> None:
        self._places = Shares(MOST, MOST_EACH)
        self._open: defaultdict[str, set[_Open]] = defaultdict(set)
        self._waiting: set[str | None] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def follow(self, sessions: Sessions) -> None:
        """Look again at whatever `sessions` hears of."""
        self._sessions = sessions
        sessions.on_change = self.look_again

    @contextmanager
    def kept(self, request: Request, end: Callable[[], None]) -> Generator[None]:
        """Keep the stream of `request` for as long as it runs; `end` ends it. Raises `Refused` for one too many."""
        self._places.take(request.caller)
        stream = _Open(request.session, request.peer, end) if request.session else None
        if stream:
            self._open[request.session_hash].add(stream)
        try:
            yield
        finally:
            self._places.give_back(request.caller)
            if stream:
                self._discard(request.session_hash, stream)

    def _discard(self, digest: str, stream: _Open) -> None:
        streams = self._open[digest]
        streams.discard(stream)
        if not streams:
            del self._open[digest]

    def look_again(self, digest: str | None) -> None:
        """Soon look at the streams of this session, or at all of them, one after the other."""
        if digest not in self._waiting and (digest is None or digest in self._open):
            self._waiting.add(digest)
            looking = asyncio.ensure_future(self._look(digest))
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)

    async def _look(self, digest: str | None) -> None:
        await asyncio.sleep(LOOK_AFTER)
        self._waiting.discard(digest)
        for each in [digest] if digest else list(self._open):
            try:
                now = await self._sessions.find(each)
            except Refused:
                continue  # nobody can say: who is in stays in
            except Exception as error:
                log.exception("streams.not_looked_at", error=repr(error))
                continue
            for stream in list(self._open.get(each, ())):
                if not stream.may_go_on(now):
                    stream.end()
