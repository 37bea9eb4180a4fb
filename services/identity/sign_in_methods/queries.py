"""Whose credentials somebody manages, and by which methods they sign in."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from sqlalchemy import select

from services.identity.clients.models import Client, SignInMethod
from services.identity.organisations.queries import find_session
from services.identity.passkeys.models import Passkey
from services.identity.people.models import Person
from services.identity.sessions.queries import Visitor, find_doors, lock_doors
from services.identity.sign_in_methods.rules import Own, is_managed_from
from services.identity.single_sign_on.models import FederatedIdentity, IdentityProvider
from shared.actor import Actor
from shared.database import Db
from shared.errors import NotFound


class SignInMethodView(msgspec.Struct, frozen=True):
    """`accepted`: they may sign in by it. `set_up`: they have what it takes; set up and not accepted, it is no use."""

    method: SignInMethod
    accepted: bool
    set_up: bool


class SignInMethods(msgspec.Struct, frozen=True):
    """One's own sign-in methods; `managed_here` is whether they can be changed in this organisation."""

    items: list[SignInMethodView]
    managed_here: bool


async def find_own(db: Db, actor: Actor, me: UUID) -> Own:
    """Whose credentials who is signed in has, and whether they manage them from here. `db` sees all clients.

    Raises `NotFound`.
    """
    return await _own(db, actor, me, find_doors)


async def lock_own(db: Db, actor: Actor, me: UUID) -> Own:
    """The same, locked for a change: of two at once, one sees the other. Raises `NotFound` and `AccountElsewhere`."""
    return (await _own(db, actor, me, lock_doors)).require_managed()


async def list_methods(db: Db, actor: Actor, me: UUID) -> SignInMethods:
    """What one has to sign in with, and what of it is accepted."""
    own = await find_own(db, actor, me)
    clients = [client.id for _, client in own.doors if client and "sso" in client.sign_in_methods]
    provided = select(IdentityProvider.client_id).where(IdentityProvider.client_id.in_(clients))
    known = select(FederatedIdentity.id).where(FederatedIdentity.person_id.in_([each.id for each, _ in own.doors]))
    keys = select(Passkey.id).where(Passkey.person_id == own.person.id)
    has: dict[SignInMethod, bool] = {
        "magic_link": bool(own.person.email),
        "password": own.person.password_hash is not None,
        "passkey": await db.scalar(keys.limit(1)) is not None,
        "sso": await db.scalar(known.limit(1)) is not None,
    }
    usable = set(own.admitted) - (set() if await db.scalar(provided.limit(1)) else {"sso"})
    return SignInMethods([SignInMethodView(each, each in usable, has[each]) for each in has], own.managed)


async def _own(db: Db, actor: Actor, me: UUID, look: Callable[[Db, UUID], Awaitable[list[Visitor]]]) -> Own:
    here = await db.get(Person, me)
    if here is None:
        raise NotFound
    if here.account_id:
        session = await find_session(db, actor)
        if session is None or session.account_id != here.account_id:
            # Their client's own provider vouched for them here, and says nothing about the account.
            return Own(here, here, [(here, await db.get(Client, here.client_id))], managed=False)
    doors = await look(db, here.account_id or here.id)
    home = next((door for door in doors if door[0].account_id is None), None)
    if home is None:
        raise NotFound
    return Own(here, home[0], doors, managed=is_managed_from(here, home))
