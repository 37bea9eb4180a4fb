"""Which rows of `people` are one human: how they come to be, and how they part (decision 0048).

An account and its memberships have one address. Whatever gives one of them another address parts them. Where that
changes whether one of them may enter, an event says so, in the portal's own name: who did it may be at another client.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import delete, select, update

from services.identity.passkeys.models import Passkey
from services.identity.people.addresses import store_address
from services.identity.people.models import EmailTaken, Person
from services.identity.people.queries import find_by_email
from services.identity.second_factors.models import Authenticator, RecoveryCode
from services.identity.sessions.models import Session
from services.identity.sessions.queries import Visitor
from shared import outbox
from shared.actor import SYSTEM
from shared.contracts.identity import PersonUpdated
from shared.database import Db


async def attach(db: Db, person: Person) -> None:
    """Mark somebody who just got access as waiting to join the account of their address, if that is another one.

    Raises `EmailTaken` where it is one of the staff's.
    """
    account = await find_by_email(db, person.email or "") if person.email else None
    if account is None:
        person.stand_alone()
    elif account.id not in (person.id, person.account_id):
        if account.kind != "client":
            raise EmailTaken
        await _follow(db, person, account)
        person.point_to(account)


async def succeed(db: Db, heir: Person, account: Person | None) -> None:
    """Make `heir` the account of its address, in place of an account that nobody can sign in with any more.

    Its members joined the earlier account and not `heir`, so they have to join again.
    """
    if account and account.id != heir.id:
        await forget_credentials(db, account)
        async with _published(db, account):
            account.point_to(heir)
        await _follow(db, account, heir)
    async with _published(db, heir):
        heir.stand_alone()


def require_all_clients(db: Db) -> None:
    """Raises `RuntimeError` in a transaction that sees one client alone: the other rows of a human lie at others."""
    if "app.client_id" in db.info["tenant"]:
        raise RuntimeError("Who somebody is at other clients cannot be seen in this unit of work.")


async def part(db: Db, person: Person) -> None:
    """Store somebody who got another address or client: they are no longer whom they joined with, nor who joined them.

    The memberships of an account stay one human: the one used last is their account from now on. What the account had
    to sign in with stays with it, so they sign in by mail and set up the rest again. Raises as `store_address` does.
    """
    require_all_clients(db)
    shared = person.is_shared
    person.stand_alone()
    await store_address(db)
    if not shared:
        return
    order = (Person.portal_access.desc(), Person.active.desc(), Person.last_sign_in_at.desc().nulls_last(), Person.id)
    joined = select(Person).where(Person.account_id == person.id, Person.joined_at.is_not(None)).order_by(*order)
    others = list(await db.scalars(joined.with_for_update()))
    heir = others.pop(0) if others else None
    if heir:
        async with _published(db, heir):
            heir.stand_alone()
            heir.is_shared = bool(others)
    for other in others:
        other.account_id = heir and heir.id
    await db.flush()
    theirs = (Session.account_id == person.id, Session.person_id != person.id)
    await db.execute(update(Session).where(*theirs).values(account_id=heir.id if heir else Session.person_id))


async def forget_credentials(db: Db, person: Person) -> None:
    """A membership has nothing of its own to sign in with."""
    person.give_up_password()
    for kind in (Passkey, Authenticator, RecoveryCode):
        await db.execute(delete(kind).where(kind.person_id == person.id))


def stands(account: Person | None, doors: Sequence[Visitor]) -> bool:
    """Whether somebody can sign in with this account: it has been used or has credentials, and a client admits it."""
    if account is None or not account.has_account:
        return False
    open_doors = (p.active and p.portal_access and client is not None and client.is_open for p, client in doors)
    return account.kind == "staff" or any(open_doors)


async def _follow(db: Db, old: Person, new: Person) -> None:
    """Whoever waits to join `old`, or joined it, waits to join `new`: there are no accounts of accounts."""
    led = select(Person).where(Person.account_id == old.id, Person.id != new.id).order_by(Person.id)
    for person in (await db.scalars(led.with_for_update())).all():
        async with _published(db, person):
            person.point_to(new)


@asynccontextmanager
async def _published(db: Db, person: Person) -> AsyncGenerator[None]:
    """Store what becomes of somebody inside, and publish whether they may enter if that is another answer by then."""
    before = person.standing
    yield
    await db.flush()
    if person.standing != before:
        updated = PersonUpdated(fields=["account_id"], standing=person.standing)
        await outbox.append(db, SYSTEM, updated, client_id=person.client_id, aggregate_id=person.id)
