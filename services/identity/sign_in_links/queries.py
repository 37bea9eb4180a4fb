"""Reading sign-in links."""

from uuid import UUID

from sqlalchemy import select

from services.identity.sessions.queries import Account
from services.identity.sign_in_links.models import SignInLink
from services.identity.single_use import live
from services.identity.tokens import digest
from shared.database import Db


async def lock_live(db: Db, link_id: UUID) -> SignInLink | None:
    """The link, locked, while it may still be used and nobody asked for a newer one."""
    known = select(SignInLink).where(SignInLink.id == link_id, *live(SignInLink))
    return await db.scalar(known.with_for_update())


async def find_live(db: Db, token: str) -> SignInLink | None:
    """The link of a mail, while it can be used; in which browser is for the caller to compare."""
    return await db.scalar(select(SignInLink).where(SignInLink.token_hash == digest(token), *live(SignInLink)))


async def find_account(db: Db, flow_hash: str) -> Account:
    """Whom the newest link that a browser asked for was sent to."""
    asked = select(SignInLink).where(SignInLink.flow_hash == flow_hash)
    link = await db.scalar(asked.order_by(SignInLink.expires_at.desc()).limit(1))
    return Account(link.person_id, link.client_id) if link else Account()
