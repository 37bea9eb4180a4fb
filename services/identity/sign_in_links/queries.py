"""Reading sign-in links."""

from sqlalchemy import func, select

from services.identity.people.models import Person
from services.identity.sessions.queries import Account
from services.identity.sign_in_links.models import SignInLink
from shared.database import Db


async def next_due(db: Db) -> SignInLink | None:
    """The link whose mail has waited longest, locked; those another process has in hand are passed over."""
    due = (
        select(SignInLink)
        .where(SignInLink.mail_due_at <= func.now(), SignInLink.expires_at > func.now(), SignInLink.used_at.is_(None))
        .order_by(SignInLink.mail_due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await db.scalar(due)


async def find_person(db: Db, email: str) -> Person | None:
    """Who signs in with this address."""
    theirs = select(Person).where(func.lower(Person.email) == func.lower(email), Person.portal_access)
    return await db.scalar(theirs)


async def find_account(db: Db, flow_hash: str) -> Account:
    """Whom the link that a browser asked for was sent to."""
    link = await db.scalar(select(SignInLink).where(SignInLink.flow_hash == flow_hash))
    return Account(link.person_id, link.client_id) if link else Account()
