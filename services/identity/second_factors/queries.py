"""Reading second factors."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func, select, text

from services.identity.clients.models import Client
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.second_factors.models import Authenticator, Step
from services.identity.sessions.queries import Account
from services.identity.sign_in_methods.rules import Own
from services.identity.single_use import live
from services.identity.tokens import digest
from shared.addresses import shown_address
from shared.database import Db

_STATE = text("""
    select a.confirmed_at is not null as enabled, coalesce(c.second_factor = 'required', false) as required,
           a.confirmed_at as since,
           (select count(*) from recovery_codes r where r.person_id = p.id and r.used_at is null) as recovery_codes_left
    from people p left join clients c on c.id = :here left join authenticators a on a.person_id = p.id
    where p.id = :account
""")


class TwoFactor(msgspec.Struct, frozen=True):
    """The state of one's own second factor. `required`: the client wants everybody to have one."""

    enabled: bool
    required: bool
    recovery_codes_left: int
    since: datetime | None


async def get_two_factor(db: Db, own: Own) -> TwoFactor:
    """Whether somebody has a second factor, since when, and how many recovery codes are left."""
    found = await db.execute(_STATE, {"account": own.person.id, "here": own.client_id})
    return TwoFactor(**found.mappings().one())


async def is_enrolled(db: Db, person_id: UUID | None) -> bool:
    """Whether the person has to show a code."""
    found = select(1).where(Authenticator.person_id == person_id, Authenticator.confirmed_at.is_not(None))
    return await db.scalar(found) is not None


async def owes_factor(db: Db, person_id: UUID) -> bool:
    """Whether somebody who signs in as this person has a second factor: their own, or their account's."""
    person = await db.get(Person, person_id)
    return person is not None and await is_enrolled(db, person.credentials_of)


async def find_authenticator(db: Db, person_id: UUID) -> Authenticator | None:
    """The person's app, confirmed or not, as it is now."""
    found = select(Authenticator).where(Authenticator.person_id == person_id)
    return await db.scalar(found.execution_options(populate_existing=True))


async def is_required(db: Db, client_id: UUID) -> bool:
    """Whether the client wants all of its people to have one."""
    required = select(1).where(Client.id == client_id, Client.second_factor == "required")
    return await db.scalar(required) is not None


async def find_paused(db: Db, step: Step, pending: str) -> Account | None:
    """Whose sign-in waits for this step in this browser."""
    token = await db.scalar(select(OneTimeToken).where(*paused(step, pending), *live(OneTimeToken)))
    return Account(token.person_id, token.client_id) if token else None


async def label_of(db: Db, account: Account) -> str:
    """How an app lists the account: by the address it belongs to."""
    name = func.trim(Person.first_name + " " + Person.last_name)
    label = select(func.coalesce(Person.email, name)).where(Person.id == account.person_id)
    return shown_address(await db.scalar(label) or "")


def paused(step: Step, pending: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The sign-in that waits for this step in this browser."""
    return OneTimeToken.purpose == step, OneTimeToken.flow_hash == digest(pending)
