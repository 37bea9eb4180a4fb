"""Checking the audit log from outside: `portal audit verify`.

Reads every record and computes every hash again. A chain does not show that its end was removed or that all of it was
recomputed. Two other sources do: the heads of the last good run, stored outside the database, and the services'
outboxes, which contain every event of the last week.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
import msgspec

from services.activity.audit.chain import START, Head, digest
from services.activity.audit.models import Record
from services.activity.audit.told import GRACE, KEPT, Told
from services.activity.tenants import COMPANY

_FIELDS = Record.__struct_fields__
_ALL = f"select {', '.join(_FIELDS)}, seq, hash from audit order by client_id, seq"  # noqa: S608  (our own names)
_SEE_ALL = "set local role activity_staff; set local search_path = activity"
_AT_A_TIME = 1000


class Break(msgspec.Struct, frozen=True):
    """The first record of a chain that is not what it was, or, without `seq`, an event that the log lacks.

    `client_id` is None for the company's own chain.
    """

    client_id: UUID | None
    seq: int | None
    reason: str


class Heads(msgspec.Struct, frozen=True):
    """The last link of each chain as a good run found them, and when that was; None stands for no run."""

    links: Mapping[UUID, Head]
    at: datetime | None = None


class _Check:
    """One pass over one chain.

    Records newer than `kept_since`, or added after heads newer than that, have to be in an outbox.
    """

    def __init__(self, anchor: Head | None, heads_at: datetime | None, kept_since: datetime) -> None:
        self.head = Head(0, START)
        self.broken: tuple[int, str] | None = None
        self._anchor = anchor
        self._kept_since = kept_since
        self._known = anchor.seq if anchor else 0
        if heads_at is None or heads_at < kept_since:
            self._known = None

    def read(self, seq: int, hash_: bytes, record: Record, difference: str | None) -> None:
        if self.broken:
            return
        if seq != self.head.seq + 1:
            self.broken = (self.head.seq + 1, f"missing: the chain goes on with record {seq}")
        elif hash_ != digest(self.head.hash, seq, record):
            self.broken = (seq, "changed: the record does not match its hash")
        elif self._anchor and seq == self._anchor.seq and hash_ != self._anchor.hash:
            self.broken = (seq, "rewritten: the hash is not the one kept outside")
        elif difference:
            self.broken = (seq, difference)
        elif difference == "" and self._must_have_been_told(seq, record):
            self.broken = (seq, "inserted: no service published it")
        self.head = Head(seq, hash_)

    def finish(self) -> None:
        if not self.broken and self._anchor and self.head.seq < self._anchor.seq:
            self.broken = (self.head.seq + 1, f"cut off: there were {self._anchor.seq} records")

    def _must_have_been_told(self, seq: int, record: Record) -> bool:
        return record.at > self._kept_since or (self._known is not None and seq > self._known)


async def verify(
    database_url: str, heads_file: Path | None = None, outboxes: Sequence[asyncpg.Connection] = ()
) -> list[Break]:
    """The first broken record of each broken chain, and what is missing; empty if the log is as it was written.

    `database_url` is the runtime role's or an administrator's. With `heads_file` the heads of the last good run are
    compared too, and replaced by today's if nothing is broken. Keep that file where nobody can write who can write to
    the database. `outboxes` are connections, each with the schema of a service as its path.
    """
    heads = _load(heads_file) if heads_file else Heads({})
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(readonly=True, isolation="repeatable_read"):
            breaks, links = await check(connection, heads, outboxes)
    finally:
        await connection.close()
    if heads_file and not breaks:
        _save(heads_file, links)
    return breaks


async def check(
    connection: asyncpg.Connection, heads: Heads, outboxes: Sequence[asyncpg.Connection] = ()
) -> tuple[list[Break], Mapping[UUID, Head]]:
    """What is broken among all chains there are or were, and where each ends; inside the caller's transaction.

    The outboxes are read after the log's snapshot was taken: what it holds, they held.
    """
    await connection.execute(_SEE_ALL)
    now = cast("datetime", await connection.fetchval("select clock_timestamp()"))
    told = Told(outboxes)
    checks = {client_id: _Check(anchor, heads.at, now - KEPT) for client_id, anchor in heads.links.items()}
    cursor = await connection.cursor(_ALL)
    while rows := await cursor.fetch(_AT_A_TIME):
        records = [Record(**{name: row[name] for name in _FIELDS}) for row in rows]
        differences = await told.differences(records)
        for row, record in zip(rows, records, strict=True):
            if record.client_id not in checks:
                checks[record.client_id] = _Check(None, heads.at, now - KEPT)
            checks[record.client_id].read(row["seq"], row["hash"], record, differences.get(record.event_id))
    for each in checks.values():
        each.finish()
    breaks = [Break(_named(client_id), *each.broken) for client_id, each in checks.items() if each.broken]
    for event in await told.missing(now - GRACE):
        reason = f"missing: {event.type} {event.event_id}, published {event.published_at:%Y-%m-%d %H:%M:%S}"
        breaks.append(Break(_named(event.client_id), None, reason))
    return breaks, {client_id: each.head for client_id, each in checks.items()}


def _named(client_id: UUID) -> UUID | None:
    return None if client_id == COMPANY else client_id


def _load(path: Path) -> Heads:
    if not path.exists():
        return Heads({})
    links = msgspec.json.decode(path.read_bytes(), type=dict[UUID, Head])
    return Heads(links, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _save(path: Path, links: Mapping[UUID, Head]) -> None:
    """Whole or not at all: half a file would be worse than yesterday's."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(links)))
    fresh.replace(path)
