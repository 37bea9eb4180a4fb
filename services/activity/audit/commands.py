"""Appending to the audit log. Called by the fold alone, which is one at a time: a chain has one writer."""

from collections.abc import Sequence

import asyncpg

from services.activity.audit import queries
from services.activity.audit.chain import extend
from services.activity.audit.devices import describe
from services.activity.audit.models import Author, Presence, Record

_APPEND = (
    "insert into audit (client_id, position, event_id, type, subject, actor_id, actor_kind, session_id, trace_id, at,"
    " detail, security, financial, seq, hash)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
)
_MEET = (
    "insert into known_actors (id, client_id, name) values ($1, $2, $3)"
    " on conflict (id) do update set name = excluded.name where known_actors.name <> excluded.name"
)
_SEE = (
    "insert into known_sessions (session_id, client_id, ip, user_agent, device_type, browser, platform)"
    " values ($1, $2, $3, $4, $5, $6, $7) on conflict (session_id) do nothing"
)
USER_AGENT_LENGTH = 400


async def append(connection: asyncpg.Connection, records: Sequence[Record]) -> None:
    """Chain the records to what their clients have."""
    heads = await queries.heads(connection, {record.client_id for record in records})
    rows = [(*_columns(link.record), link.seq, link.hash) for link in extend(heads, list(records))]
    await connection.executemany(_APPEND, rows)


async def remember(connection: asyncpg.Connection, authors: Sequence[Author], presences: Sequence[Presence]) -> None:
    """Keep who the ids in the records stand for, and where their sessions came from."""
    newest = {author.id: author for author in authors}
    if newest:
        await connection.executemany(_MEET, [(each.id, each.client_id, each.name) for each in newest.values()])
    if presences:
        await connection.executemany(_SEE, [_presence(each) for each in presences])


def _columns(record: Record) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in record.__struct_fields__)


def _presence(presence: Presence) -> tuple[object, ...]:
    user_agent = presence.user_agent[:USER_AGENT_LENGTH]
    device = describe(user_agent)
    return (
        presence.session_id,
        presence.client_id,
        presence.ip,
        user_agent,
        device.device_type,
        device.browser,
        device.platform,
    )
