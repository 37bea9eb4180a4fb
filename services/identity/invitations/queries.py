"""What became of invitations, and who may ask for one."""

from collections.abc import Collection
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import exists, func, or_, select

from services.identity.clients.models import Client
from services.identity.invitations.models import CompanyContact, Contacts, InvitationState
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.sessions.rules import admits
from shared.actor import Actor
from shared.clock import now
from shared.database import Db

_STATE = """
    select t.person_id, m.sent_at, coalesce((t.facts ->> 'until')::timestamptz, t.expires_at) as expires_at,
           coalesce(t.facts ->> 'void', m.failure, '') as failure,
           case when t.used_at is not null then 'accepted' when t.facts ->> 'void' is not null then 'expired'
                when m.failed_at is not null then 'failed'
                when m.id is null or (m.sent_at is not null and t.expires_at <= {present}) then 'expired'
                when m.sent_at is null then 'waiting' else 'sent'
           end as status
    from one_time_tokens t
    left join lateral (select * from mails where token_id = t.id order by id desc limit 1) m on true
    where t.purpose = 'invitation'
"""


def state_at(present: str) -> str:
    """One row for each person who was ever invited, for queries to join; `present` is their parameter with the time.

    Mails are forgotten in time, what became of them is not.
    """
    return _STATE.format(present=present)


_COMPANY = """
    select trim(s.first_name || ' ' || s.last_name) as name, s.email
    from one_time_tokens t join people s on s.id = (t.facts ->> 'by')::uuid
    where t.client_id = $1 and t.purpose = 'invitation' and s.kind = 'staff' and s.active and s.email is not null
    order by t.person_id = $2 desc, t.created_at desc limit 1
"""


async def find_contacts(connection: asyncpg.Connection, actor: Actor) -> Contacts:
    """Who of the staff invited the reader, or else was the last to invite somebody of their client. `connection` has to
    see the staff, which no client does.
    """
    row = await connection.fetchrow(_COMPANY, actor.client_id, actor.reader.id)
    return Contacts(CompanyContact(**row) if row else None)


async def states_of(connection: asyncpg.Connection, person_ids: Collection[UUID]) -> dict[UUID, InvitationState]:
    """The state of the last invitation of each of these people; who was never invited is missing."""
    rows = await connection.fetch(f"{state_at('$1')} and t.person_id = any($2)", now(), list(person_ids))
    return {row["person_id"]: msgspec.convert(dict(row), InvitationState) for row in rows}


async def find_inviter(db: Db, token: OneTimeToken) -> str:
    """The name of who invited; "" where nobody of today's people did."""
    by = token.facts.get("by")
    person = await db.get(Person, UUID(by)) if by else None
    return person.name if person and person.active and person.portal_access else ""


async def lock_host(db: Db, email: str) -> Client | None:
    """The client whose domain the address is of, if its people may register themselves; it stays so until the end.

    None as well where somebody signs in with the address, or the client's book has it: whoever stands there without
    access was not given it.
    """
    domain = email.rpartition("@")[2]
    hosts = select(Client).where(Client.allowed_domains.contains([domain]), Client.active, Client.portal_enabled)
    client = await db.scalar(hosts.order_by(Client.created_at).limit(1).with_for_update(read=True))
    if client is None or not admits(client.sign_in_methods, "invitation"):
        return None
    theirs = func.lower(Person.email) == email
    known = exists().where(theirs, or_(Person.portal_access, Person.client_id == client.id))
    return None if await db.scalar(select(known)) else client
