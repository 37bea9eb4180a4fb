"""Checking the audit chains from outside: `portal audit verify`.

Reads every record and computes every hash again. Heads kept in a file outside the database show what a chain cannot
show itself: that its end was cut off, or that all of it was written anew.
"""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from services.activity.audit.chain import START, Head, digest
from services.activity.audit.models import Record
from services.activity.feed.models import COMPANY

_FIELDS = Record.__struct_fields__
_ALL = f"select {', '.join(_FIELDS)}, seq, hash from audit order by client_id, seq"  # noqa: S608  (our own names)
_SEE_ALL = "set local role activity_staff; set local search_path = activity"
_AT_A_TIME = 1000


class Break(msgspec.Struct, frozen=True):
    """The first record of a chain that is not what it was. `client_id` is None for the company's own chain."""

    client_id: UUID | None
    seq: int
    reason: str


class _Check:
    """One pass over one chain."""

    def __init__(self, anchor: Head | None) -> None:
        self.head = Head(0, START)
        self.broken: tuple[int, str] | None = None
        self._anchor = anchor

    def read(self, seq: int, hash_: bytes, record: Record) -> None:
        if self.broken:
            return
        if seq != self.head.seq + 1:
            self.broken = (self.head.seq + 1, f"missing: the chain goes on with record {seq}")
        elif hash_ != digest(self.head.hash, seq, record):
            self.broken = (seq, "changed: the record does not match its hash")
        elif self._anchor and seq == self._anchor.seq and hash_ != self._anchor.hash:
            self.broken = (seq, "rewritten: the hash is not the one kept outside")
        self.head = Head(seq, hash_)

    def finish(self) -> None:
        if not self.broken and self._anchor and self.head.seq < self._anchor.seq:
            self.broken = (self.head.seq + 1, f"cut off: there were {self._anchor.seq} records")


async def verify(database_url: str, heads_file: Path | None = None) -> list[Break]:
    """The first broken record of each broken chain; empty if the log is as it was written.

    `database_url` is the runtime role's or an administrator's. With `heads_file` the heads of the last good run are
    compared too, and replaced by today's if nothing is broken. Keep that file where nobody can write who can write to
    the database.
    """
    anchors = _load(heads_file) if heads_file else {}
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(readonly=True, isolation="repeatable_read"):
            breaks, heads = await check(connection, anchors)
    finally:
        await connection.close()
    if heads_file and not breaks:
        _save(heads_file, heads)
    return breaks


async def check(
    connection: asyncpg.Connection, anchors: Mapping[UUID, Head]
) -> tuple[list[Break], Mapping[UUID, Head]]:
    """What is broken among all chains there are or were, and where each ends; inside the caller's transaction."""
    checks = {client_id: _Check(anchor) for client_id, anchor in anchors.items()}
    await connection.execute(_SEE_ALL)
    async for row in connection.cursor(_ALL, prefetch=_AT_A_TIME):
        record = Record(**{name: row[name] for name in _FIELDS})
        checks.setdefault(record.client_id, _Check(None)).read(row["seq"], row["hash"], record)
    for each in checks.values():
        each.finish()
    breaks = [
        Break(None if client_id == COMPANY else client_id, *each.broken)
        for client_id, each in checks.items()
        if each.broken
    ]
    return breaks, {client_id: each.head for client_id, each in checks.items()}


def _load(path: Path) -> dict[UUID, Head]:
    return msgspec.json.decode(path.read_bytes(), type=dict[UUID, Head]) if path.exists() else {}


def _save(path: Path, heads: Mapping[UUID, Head]) -> None:
    """Whole or not at all: half a file would be worse than yesterday's."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(heads)))
    fresh.replace(path)
