"""Looking api clients up for the token endpoint, and for who was shown a token."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import or_, select

from services.identity.api_clients.models import ApiClient
from services.identity.api_clients.queries import find_live, load_secrets
from services.identity.clients.models import Client
from services.identity.oauth.clients import OAuthClient
from services.identity.oauth.keys import TokenKeys
from shared.actor import SYSTEM
from shared.database import Database, Db
from shared.partners import AccessToken, PartnerVerifier

_OPEN = or_(
    ApiClient.client_id.is_(None), select(Client.id).where(Client.id == ApiClient.client_id, Client.active).exists()
)


async def find_client(db: Db, api_client_id: UUID) -> OAuthClient | None:
    """The api client that may ask for tokens: neither revoked, nor bound to a client that is over."""
    found = await db.scalar(
        select(ApiClient).where(ApiClient.id == api_client_id, ApiClient.revoked_at.is_(None), _OPEN)
    )
    return OAuthClient(found, await load_secrets(db, found.id)) if found else None


def own_verifier(issuer: str, keys: TokenKeys) -> Callable[[Database], PartnerVerifier]:
    """How identity checks partner tokens: with its own keys and its own database, each time."""

    def over(database: Database) -> PartnerVerifier:
        async def live(_token: str, body: AccessToken) -> str | None:
            async with database.read(SYSTEM) as connection:
                return await find_live(connection, body.sub, body.ver)

        return PartnerVerifier(issuer, keys, live)

    return over
