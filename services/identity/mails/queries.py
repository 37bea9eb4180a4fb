"""Reading the queue."""

from uuid import UUID

from sqlalchemy import extract, func, select

from services.identity.mails.models import Mail
from shared.database import Db


async def next_due(db: Db) -> Mail | None:
    """The next mail to send, locked: those somebody waits for first. What another worker has in hand is passed over."""
    due = select(Mail).where(Mail.due_at <= func.now()).order_by(Mail.urgent.desc(), Mail.due_at)
    return await db.scalar(due.limit(1).with_for_update(skip_locked=True))


async def lock_attempt(db: Db, mail_id: UUID, attempt: int) -> Mail | None:
    """The mail, if it still waits and nobody took it over since this attempt."""
    mine = (Mail.id == mail_id, Mail.tries == attempt, Mail.due_at.is_not(None))
    return await db.scalar(select(Mail).where(*mine).with_for_update())


async def waiting(db: Db) -> tuple[int, float]:
    """How many mails are still to go out, and for how many seconds the oldest of them has waited."""
    age = extract("epoch", func.now() - func.min(Mail.created_at))
    count, oldest = (await db.execute(select(func.count(), age).where(Mail.due_at.is_not(None)))).one()
    return count, float(oldest or 0)
