"""Reading second factors."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.identity.second_factors.models import Authenticator
from shared.database import Db
from shared.errors import NotFound

_STATE = """
    select a.confirmed_at is not null as enabled, coalesce(c.second_factor = 'required', false) as required,
           a.confirmed_at as since,
           (select count(*) from recovery_codes r where r.person_id = p.id and r.used_at is null) as recovery_codes_left
    from people p left join clients c on c.id = p.client_id left join authenticators a on a.person_id = p.id
    where p.id = $1
"""


class TwoFactor(msgspec.Struct, frozen=True):
    """The state of one's own second factor. `required`: the client wants everybody to have one."""

    enabled: bool
    required: bool
    recovery_codes_left: int
    since: datetime | None


async def get_two_factor(connection: asyncpg.Connection, person_id: UUID) -> TwoFactor:
    """Whether a person has a second factor, since when, and how many recovery codes are left."""
    row = await connection.fetchrow(_STATE, person_id)
    if row is None:
        raise NotFound
    return TwoFactor(**row)


async def is_enrolled(db: Db, person_id: UUID) -> bool:
    """Whether the person has to show a code."""
    found = select(1).where(Authenticator.person_id == person_id, Authenticator.confirmed_at.is_not(None))
    return await db.scalar(found) is not None


async def find_authenticator(db: Db, person_id: UUID) -> Authenticator | None:
    """The person's app, confirmed or not, as it is now."""
    found = select(Authenticator).where(Authenticator.person_id == person_id)
    return await db.scalar(found.execution_options(populate_existing=True))
