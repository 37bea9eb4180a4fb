"""Reading the queue."""

from uuid import UUID

from sqlalchemy import func, select

from services.identity.mails.models import Mail
from shared.actor import Actor
from shared.clock import now
from shared.database import Db


async def next_due(db: Db) -> Mail | None:
    """The next mail to send, locked: those somebody waits for first. What another worker has in hand is passed over."""
    due = select(Mail).where(Mail.due_at <= now()).order_by(Mail.urgent.desc(), Mail.due_at)
    return await db.scalar(due.limit(1).with_for_update(skip_locked=True))


async def lock_attempt(db: Db, mail_id: UUID, attempt: int) -> Mail | None:
    """The mail, if it still waits and nobody took it over since this attempt."""
    mine = (Mail.id == mail_id, Mail.tries == attempt, Mail.due_at.is_not(None))
    return await db.scalar(select(Mail).where(*mine).with_for_update())


async def lock_sent(db: Db, actor: Actor, mail_id: UUID) -> Mail | None:
    """The mail, if the server took it; to one client's system it is there if it went to one of its people."""
    sent = select(Mail).where(Mail.id == mail_id, Mail.sent_at.is_not(None)).with_for_update()
    return await db.scalar(sent if actor.sees_all_clients else sent.where(Mail.client_id == actor.client_id))


async def waiting(db: Db) -> tuple[int, float]:
    """How many mails are still to go out, and for how many seconds the oldest of them has waited."""
    waits = select(func.count(), func.min(Mail.created_at)).where(Mail.due_at.is_not(None))
    count, oldest = (await db.execute(waits)).one()
    return count, (now() - oldest).total_seconds() if oldest else 0.0
