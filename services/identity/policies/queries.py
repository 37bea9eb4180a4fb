"""Who the administrators are: active staff who may grant rights, and are not limited to some projects themselves."""

from sqlalchemy import func, select, text

from services.identity.people.models import Person
from services.identity.policies.models import LastAdmin
from shared.database import Db

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('identity:admins', 0))")


async def lock_admins(db: Db) -> None:
    """Until this transaction ends, nobody else makes the first administrator or takes one away.

    Taken before any row is: whoever waited for it counts what the other one left.
    """
    await db.execute(_ONE_AT_A_TIME)


async def count_admins(db: Db) -> int:
    """How many there are."""
    admins = select(func.count()).where(
        Person.kind == "staff",
        Person.active,
        Person.portal_access,
        ~Person.limited,
        Person.policies.contains(["managePeople"]),
    )
    return await db.scalar(admins) or 0


async def require_admin_left(db: Db, person: Person, *, was_admin: bool) -> None:
    """After a change of `person`, under `lock_admins`. Raises `LastAdmin` where it took the last one away."""
    if was_admin and not person.is_admin:
        await db.flush()
        if not await count_admins(db):
            raise LastAdmin
