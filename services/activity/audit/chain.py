"""The hash chain: the hash of each record covers the hash before it, so a change of an earlier record is detected.

Each client has one chain: SHA-256 over the hash before and the record's canonical form, which includes its number in
the chain. A chain alone does not show that its end was removed or that all of it was recomputed; heads stored elsewhere
do.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec

from services.activity.audit.models import Record

START = bytes(32)
"""The hash before the first record."""


class Head(msgspec.Struct, frozen=True):
    """The last link of a chain: how many records it has, and the hash over all of them."""

    seq: int
    hash: bytes


class Link(msgspec.Struct, frozen=True):
    """A record with its place in its client's chain."""

    record: Record
    seq: int
    hash: bytes


def extend(heads: Mapping[UUID, Head], records: Sequence[Record]) -> list[Link]:
    """Chain new records behind `heads`, in order."""
    ends = dict(heads)
    links: list[Link] = []
    for record in records:
        head = ends.get(record.client_id, Head(0, START))
        link = Link(record, head.seq + 1, digest(head.hash, head.seq + 1, record))
        ends[record.client_id] = Head(link.seq, link.hash)
        links.append(link)
    return links


def digest(before: bytes, seq: int, record: Record) -> bytes:
    """The hash of `record` as number `seq` behind the hash `before`."""
    return sha256(before + canonical(seq, record)).digest()


def canonical(seq: int, record: Record) -> bytes:
    """The record as bytes that never change: a JSON array, its number first, then the fields in their order."""
    return msgspec.json.encode([seq, *msgspec.structs.astuple(record)])
