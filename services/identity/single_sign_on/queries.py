"""Reading providers, and who is known at them."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import func, select, text

from services.identity.people.models import Person
from services.identity.single_sign_on.models import FederatedIdentity, IdentityProvider
from shared.database import Db
from shared.errors import NotFound

_OF_DOMAIN = """
    select p.client_id from identity_providers p join clients c on c.id = p.client_id
    where $1 = any(p.domains) and c.active and c.portal_enabled and 'sso' = any(c.sign_in_methods)
"""
_VIEW = """
    select p.issuer, p.oauth_client_id, coalesce(p.domains, '{}') as domains, p.updated_at,
           (select count(*) from federated_identities f where f.client_id = c.id) as linked_people
    from clients c left join identity_providers p on p.client_id = c.id where c.id = $1
"""
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('identity:provider-domains', 0))")


class SingleSignOnView(msgspec.Struct, frozen=True):
    """A client's provider; all None where it has none. The secret never comes back. `redirect_uri` is what to register
    there, `linked_people` how many have signed in that way.
    """

    issuer: str | None
    oauth_client_id: str | None
    domains: list[str]
    linked_people: int
    updated_at: datetime | None
    redirect_uri: str


async def get_single_sign_on(connection: asyncpg.Connection, client_id: UUID, redirect_uri: str) -> SingleSignOnView:
    """How a client's people sign in at their own organisation. Raises `NotFound`."""
    row = await connection.fetchrow(_VIEW, client_id)
    if row is None:
        raise NotFound
    return SingleSignOnView(**row, redirect_uri=redirect_uri)


async def client_of_domain(connection: asyncpg.Connection, domain: str) -> UUID | None:
    """The client whose people sign in at their own provider with addresses of this domain."""
    return await connection.fetchval(_OF_DOMAIN, domain)


async def find_provider(db: Db, client_id: UUID | None) -> IdentityProvider | None:
    return await db.get(IdentityProvider, client_id) if client_id else None


async def lock_provider(db: Db, client_id: UUID) -> IdentityProvider | None:
    """The provider, locked for a change."""
    return await db.scalar(select(IdentityProvider).where(IdentityProvider.client_id == client_id).with_for_update())


async def other_has_domain(db: Db, client_id: UUID, domains: list[str]) -> bool:
    """Whether another client has one of these domains. Until this transaction ends nobody else can take one."""
    await db.execute(_ONE_AT_A_TIME)
    taken = select(IdentityProvider.client_id).where(
        IdentityProvider.domains.overlap(domains), IdentityProvider.client_id != client_id
    )
    return await db.scalar(taken.limit(1)) is not None


async def find_identity(db: Db, issuer: str, subject: str) -> FederatedIdentity | None:
    """Whom this subject of this issuer is."""
    return await db.scalar(
        select(FederatedIdentity).where(FederatedIdentity.issuer == issuer, FederatedIdentity.subject == subject)
    )


async def person_of(db: Db, client_id: UUID, email: str) -> UUID | None:
    """The client's person who signs in with this address."""
    return await db.scalar(
        select(Person.id).where(Person.client_id == client_id, func.lower(Person.email) == email, Person.portal_access)
    )


async def is_linked(db: Db, person_id: UUID, issuer: str) -> bool:
    """Whether somebody is known at this issuer already."""
    linked = select(FederatedIdentity.id).where(
        FederatedIdentity.person_id == person_id, FederatedIdentity.issuer == issuer
    )
    return await db.scalar(linked.limit(1)) is not None
