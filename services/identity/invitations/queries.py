"""What became of invitations."""

from collections.abc import Collection
from uuid import UUID

import asyncpg
import msgspec

from services.identity.invitations.models import InvitationState

STATE = """
    select t.person_id, m.sent_at, t.expires_at, m.failure,
           case when t.used_at is not null then 'accepted' when m.failed_at is not null then 'failed'
                when m.sent_at is null then 'waiting' when t.expires_at <= now() then 'expired' else 'sent'
           end as status
    from one_time_tokens t
    join lateral (select * from mails where token_id = t.id order by id desc limit 1) m on true
    where t.purpose = 'invitation'
"""
"""One row for each person who was ever invited: for queries to join."""


async def states_of(connection: asyncpg.Connection, person_ids: Collection[UUID]) -> dict[UUID, InvitationState]:
    """The state of the last invitation of each of these people; who was never invited is missing."""
    rows = await connection.fetch(f"{STATE} and t.person_id = any($1)", list(person_ids))
    return {row["person_id"]: msgspec.convert(dict(row), InvitationState) for row in rows}
