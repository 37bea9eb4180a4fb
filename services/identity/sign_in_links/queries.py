"""Reading sign-in links."""

from uuid import UUID

from sqlalchemy import func, select

from services.identity.sessions.queries import Account
from services.identity.sign_in_links.models import SignInLink
from shared.database import Db


async def lock_live(db: Db, link_id: UUID) -> SignInLink | None:
    """The link, locked, while it may still be used and nobody asked for a newer one."""
    live = (SignInLink.id == link_id, SignInLink.used_at.is_(None), SignInLink.expires_at > func.now())
    return await db.scalar(select(SignInLink).where(*live).with_for_update())


async def find_account(db: Db, flow_hash: str) -> Account:
    """Whom the newest link that a browser asked for was sent to."""
    asked = select(SignInLink).where(SignInLink.flow_hash == flow_hash)
    link = await db.scalar(asked.order_by(SignInLink.expires_at.desc()).limit(1))
    return Account(link.person_id, link.client_id) if link else Account()
