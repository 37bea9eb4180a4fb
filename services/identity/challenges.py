"""Values that go out with a browser and have to come back once, by the same browser: challenges and states."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.single_use import take
from services.identity.tokens import digest, new_token
from shared.clock import now
from shared.database import Db

SWEPT = 20
"""Stale ones cleared away with each new one."""


async def challenge(
    db: Db,
    purpose: str,
    bound_to: str,
    lifetime: timedelta,
    *,
    client_id: UUID | None = None,
    facts: dict[str, Any] | None = None,
) -> str:
    """A new challenge, 256 random bits in base64url, good in one browser only: `bound_to` is its flow or session."""
    stale = select(OneTimeToken.id).where(OneTimeToken.purpose == purpose, OneTimeToken.expires_at < now())
    swept = stale.limit(SWEPT).with_for_update(skip_locked=True)
    await db.execute(delete(OneTimeToken).where(OneTimeToken.id.in_(swept.scalar_subquery())))
    value = new_token()
    db.add(
        OneTimeToken(
            purpose=purpose,
            client_id=client_id,
            token_hash=digest(value),
            flow_hash=digest(bound_to),
            facts=facts or {},
            expires_at=now() + lifetime,
        )
    )
    await db.flush()
    return value


async def answered(db: Db, purpose: str, value: str, bound_to: str) -> OneTimeToken | None:
    """Use up a challenge that came back; None for one that is old, used, or another browser's."""
    return await take(
        db,
        OneTimeToken,
        OneTimeToken.purpose == purpose,
        OneTimeToken.token_hash == digest(value),
        OneTimeToken.flow_hash == digest(bound_to),
    )
