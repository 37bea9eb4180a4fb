"""One per process: hands what is new in the feed to this process's open streams.

The fold notifies inside its transaction; the hub then reads the rows behind the last one it saw, of all clients at
once and on the connection it listens on, and puts each into the bounded queues of the streams that may see it. A poll
backs the notification up. An idle stream costs no connection, and an entry is encoded once however many read it
(docs/decisions/0050).
"""

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
from prometheus_client import Counter, Gauge

from services.activity.feed import queries
from services.activity.feed.commands import CHANNEL, RINGS
from services.activity.feed.frames import CHANGED, RUNG, Frame, frame
from services.activity.feed.models import Ended
from services.activity.reach import Reach
from shared.actor import Actor
from shared.clock import now
from shared.database import CONNECT_TIMEOUT, STATEMENT_TIMEOUT, Database
from shared.language import current

QUEUE = 256
"""Entries that wait for one reader; with one more, the reader has to load everything again."""
CHUNK = 16_384
"""Bytes joined for one write: what waits is shared by all readers, what is joined is one reader's own."""
READ_AT_ONCE = 500
CATCHING_UP = 2
"""Streams that read what they missed at the same time: the other connections are for who asks for a page."""
POLL_SECONDS = 1.0
STALE_SECONDS = 5.0
REMEMBER_SECONDS = 120.0
"""Longer than any signed token lives: later nobody can come with rights from before."""
AGAIN_SECONDS = 3.0
"""How long the gateway may still sign the rights from before a change."""

LATE_SECONDS = 15.0
"""So long may a page take from being made until it listens, and still receive what happened meanwhile."""
SPREAD_SECONDS = 3.0
"""Over this time all readers are rung once the hub listens again, so that their pages do not all ask at once."""

OVERFLOW, DRAINING = "overflow", "draining"
"""Reasons to end a stream that are no loss of access."""

STREAMS = Gauge("activity_open_streams", "Live streams being served")
SHED = Counter("activity_streams_shed_total", "Streams ended because their reader was too slow")


class Reader:
    """The hub's side of one stream, in the language of its request: what waits to be sent, and why it has to end."""

    def __init__(self, actor: Actor, client_id: UUID | None) -> None:
        self.client_id = client_id
        """None for all of them."""
        self.person = actor.reader.id
        self.reach = Reach.of(actor)
        self.language = current()
        about = (actor.session_id, actor.id, actor.reader.id, actor.client_id)
        self.subjects = frozenset(each for each in about if each is not None)
        """Whose end is this stream's end: the session's, the person's, that of whom staff see it as, and for a client's
        people the client's.
        """
        self.ending: str | None = None
        self.head = 0
        """The entry that no longer fitted: a reader that loads everything again continues after it."""
        self._seen = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._rung = False
        self._stirred = asyncio.Event()

    def offer(self, entry: Frame) -> None:
        """Queue an entry, or end for having too many."""
        if self.ending or entry.position <= self._seen:
            return
        if self.reach.reaches(entry.project_id, private=entry.private, readers=entry.readers):
            text = entry.read_by(self.reach, self.language)
        elif entry.turns and self.reach.reaches(entry.project_id, private=False):
            text = CHANGED
        else:
            return
        if len(self._waiting) >= QUEUE:
            SHED.inc()
            self.head = entry.position
            self.end(OVERFLOW)
            return
        self._waiting.append((entry.position, text))
        self._stirred.set()

    def ring(self) -> None:
        """Say that the reader's bell changed. That has no position: it waits beside the entries, and once."""
        self._rung = True
        self._stirred.set()

    def end(self, reason: str) -> None:
        """Nothing more will be sent but a farewell. The first reason stays."""
        self.ending = self.ending or reason
        self._waiting.clear()
        self._stirred.set()

    def skip(self, position: int) -> None:
        """Everything up to `position` was sent in another way."""
        self._seen = position
        while self._waiting and self._waiting[0][0] <= position:
            self._waiting.popleft()

    async def take(self, seconds: float) -> bytes:
        """Wait for entries and return them; b"" after `seconds` without any, or when the stream must end."""
        if not (self._waiting or self._rung or self.ending):
            self._stirred.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
            except TimeoutError:
                return b""
        taken = [RUNG] if self._rung and not self.ending else []
        self._rung = False
        size = 0
        while self._waiting and size < CHUNK:
            taken.append(text := self._waiting.popleft()[1])
            size += len(text)
        return b"".join(taken)


class Hub:
    """Follows the feed; streams come and go with `reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers: defaultdict[UUID | None, set[Reader]] = defaultdict(set)
        self._recent: dict[UUID, Ended] = {}
        self._late: deque[tuple[float, Frame]] = deque(maxlen=QUEUE)
        self._rings: deque[tuple[float, frozenset[UUID]]] = deque(maxlen=QUEUE)
        self.head = self._ends_head = 0
        self._stirred = asyncio.Event()
        self._begun = self._draining = False
        self._read_at = float("-inf")
        self.catching_up = asyncio.Semaphore(CATCHING_UP)
        """Held while one portion of missed entries is read; waiting streams take turns."""

    @property
    def works(self) -> bool:
        """Whether it has looked at the feed lately."""
        return time.monotonic() - self._read_at < STALE_SECONDS

    @contextmanager
    def reading(self, reader: Reader) -> Generator[None]:
        """Register a stream for as long as it runs. Leaving waits for nothing, so a torn connection cannot leak it."""
        self._readers[reader.client_id].add(reader)
        STREAMS.inc()
        if self._draining:
            reader.end(DRAINING)
        if reader.client_id is None:
            for at, entry in self._late:
                if time.monotonic() - at < LATE_SECONDS:
                    reader.offer(entry)
        if any(reader.person in people and time.monotonic() - at < LATE_SECONDS for at, people in self._rings):
            reader.ring()
        for end in filter(None, map(self._recent.get, reader.subjects)):
            if end.final or now() - end.at < timedelta(seconds=AGAIN_SECONDS):
                reader.end(end.reason)
        try:
            yield
        finally:
            STREAMS.dec()
            readers = self._readers[reader.client_id]
            readers.discard(reader)
            if not readers:
                del self._readers[reader.client_id]

    def drain(self) -> None:
        """Ask every stream to close and come back: to another process, or to the next one of this place."""
        self._draining = True
        for reader in self._all():
            reader.end(DRAINING)

    def _all(self) -> list[Reader]:
        return [each for readers in self._readers.values() for each in readers]

    async def run(self) -> None:
        """Follow until the database is lost: run again then, it goes on where it was. Rings have no place to go on
        from, and what was rung while nobody listened is lost: then everybody is rung.
        """
        connection = await asyncpg.connect(
            self._database.dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
            server_settings={"role": self._database.staff_role, "default_transaction_read_only": "on"},
        )
        try:
            await connection.add_listener(CHANNEL, self._woken)
            await connection.add_listener(RINGS, self._rung)
            if self._begun:
                self._ring_all()
            else:
                await self._begin(connection)
            while not connection.is_closed():
                self._stirred.clear()
                while await self._read(connection) == READ_AT_ONCE:
                    pass
                await self._wait()
        finally:
            connection.terminate()

    def _woken(self, *_notification: object) -> None:
        self._stirred.set()

    def _rung(self, *notification: object) -> None:
        people = frozenset(map(UUID, str(notification[-1]).split()))
        self._rings.append((time.monotonic(), people))
        for reader in self._all():
            if reader.person in people:
                reader.ring()

    def _ring_all(self) -> None:
        loop = asyncio.get_running_loop()
        for reader in self._all():
            loop.call_later(random.uniform(0, SPREAD_SECONDS), reader.ring)  # noqa: S311  (spreads their questions)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._stirred.wait()
        except TimeoutError:
            return

    async def _begin(self, connection: asyncpg.Connection) -> None:
        """Begin at the end of the feed; after an interruption it goes on where it was instead."""
        self.head, self._ends_head = await queries.heads(connection)
        since = now() - timedelta(seconds=REMEMBER_SECONDS)
        self._recent = {end.subject: end for end in await queries.list_recent_ends(connection, since)}
        self._begun = True

    async def _read(self, connection: asyncpg.Connection) -> int:
        """One look at what is new, the ends of access first; returns how many entries there were."""
        ended, entries = await queries.list_new(connection, self.head, READ_AT_ONCE)
        if ended > self._ends_head:
            for end in await queries.list_new_ends(connection, self._ends_head):
                self.note(end)
                self._ends_head = end.position
        for entry in entries:
            self._hand_out(entry)
            self.head = entry["position"]
        self._read_at = time.monotonic()
        return len(entries)

    def note(self, end: Ended) -> None:
        """Somebody lost access: end the streams it concerns, and remember it for those that try to open one."""
        oldest = now() - timedelta(seconds=REMEMBER_SECONDS)
        self._recent = {subject: each for subject, each in self._recent.items() if each.at > oldest}
        self._recent[end.subject] = end
        for reader in self._all():
            if end.subject in reader.subjects:
                reader.end(end.reason)

    def _hand_out(self, entry: asyncpg.Record) -> None:
        handed = frame(entry, entry["readers"])
        self._late.append((time.monotonic(), handed))
        for reader in (*self._readers.get(entry["client_id"], ()), *self._readers.get(None, ())):
            reader.offer(handed)
