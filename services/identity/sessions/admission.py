"""Admission: every authentication ends here, as a session, a step that is still missing, or a refusal.

Whatever the reason of a refusal, its answer is the same; only the event says it.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import delete, text

from services.identity.clients.models import Client
from services.identity.mails.commands import queue
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.project_roles.commands import take_up
from services.identity.second_factors.models import ENROL, SECOND_FACTOR, Step
from services.identity.second_factors.queries import is_enrolled
from services.identity.sessions import queries
from services.identity.sessions.commands import Entry, end_sessions
from services.identity.sessions.devices import device_of
from services.identity.sessions.models import Attempt, Session
from services.identity.sessions.queries import Account, Visitor
from services.identity.sessions.rules import Method, place_of, refusal
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SignedIn, SignInFailed, SignInPaused
from shared.database import Db

PAUSE = timedelta(minutes=10)
"""How long a second step may take (ASVS 6.5.5)."""
FORGET = timedelta(days=30)
"""So long after its end a session's row is still there to be looked at."""
# The ORM would also write `updated_at`: the row did not change in a way anybody should notice.
_CAME_IN = text("update people set last_sign_in_at = :now, owned_since = coalesce(owned_since, :now) where id = :id")


class Arrival(NamedTuple):
    """The account that authenticated, which has the second factor, and the person it signs in as: mostly the same."""

    keeper: Person
    person: Person


class Pending(msgspec.Struct, frozen=True):
    """The first proof was good, and another step is due in the browser that is given `token`."""

    token: str
    step: Step


async def sign_in(
    db: Db,
    attempt: Attempt,
    account: Account,
    method: Method,
    *,
    proven: bool,
    second_factor: str = "",
    kept: Mapping[str, Any] = MappingProxyType({}),
) -> Entry | Pending | None:
    """Sign in the person of the account, if they have `proven` it and may use this method; else None.

    A password is proven by what `account` says is its hash, for its address: another one by now, and it is wrong.
    `second_factor` says which one was shown with the proof; where it is empty and one is due, the sign-in is `Pending`.
    `kept` is what the second step needs to know of the first one. Every outcome is recorded here, so a refusal must be
    committed too.
    """
    if account.person_id is None or not proven:
        missing = "second_factor" if second_factor else "wrong"
        await _refuse(db, attempt, account, method, missing if account.person_id else "unknown")
        return None
    doors = await _doors(db, attempt, account.person_id, method)
    reasons = [refusal(*door, method, attempt.ip) for door in doors]
    if None not in reasons:
        home = next((n for n, (person, _) in enumerate(doors) if person.id == account.person_id), None)
        await _refuse(db, attempt, account, method, "closed" if home is None else reasons[home] or "closed")
        return None
    person, client = doors[reasons.index(None)]
    keeper = next(person for person, _ in doors if person.id == account.person_id)
    looked_up = (account.password_hash, account.email)
    if method == "password" and not second_factor and looked_up != (keeper.password_hash, keeper.email):
        await _refuse(db, attempt, account, method, "wrong")  # one was replaced while the password was being checked
        return None
    step = None if second_factor else await _missing_step(db, keeper, client)
    if step:
        heading = {"organisation": str(attempt.organisation)} if attempt.organisation else {}
        return await _pause(db, attempt, Arrival(keeper, person), step, {**kept, **heading, "method": method})
    return await _open(db, attempt, Arrival(keeper, person), method, second_factor)


async def _doors(db: Db, attempt: Attempt, person_id: UUID, method: Method) -> list[Visitor]:
    """The organisations an account can sign in to: where they are on their way to, if it is one of them, before all
    others. A client's own provider is valid for that client only.
    """
    if method != "sso":
        doors = await queries.lock_doors(db, person_id)
        return sorted(doors, key=lambda door: door[0].client_id != attempt.organisation)
    visitor = await queries.lock_visitor(db, person_id)
    return [visitor] if visitor else []


async def _missing_step(db: Db, keeper: Person, client: Client | None) -> Step | None:
    if await is_enrolled(db, keeper.credentials_of):
        return SECOND_FACTOR
    return ENROL if client and client.second_factor == "required" else None


async def _refuse(db: Db, attempt: Attempt, account: Account, method: Method, reason: str) -> None:
    nobody = Actor(session_id=attempt.id, ip=attempt.ip)
    event = SignInFailed(method=method, reason=reason, ip=attempt.ip, user_agent=attempt.user_agent)
    about = account.person_id or attempt.id
    await outbox.append(db, nobody, event, client_id=account.client_id, aggregate_id=about)


async def _pause(db: Db, attempt: Attempt, arrival: Arrival, step: Step, kept: dict[str, Any]) -> Pending:
    keeper, person = arrival
    pending = new_token()
    await db.execute(
        delete(OneTimeToken).where(
            OneTimeToken.person_id == keeper.id,
            OneTimeToken.purpose.in_((SECOND_FACTOR, ENROL)),
            OneTimeToken.expires_at < now(),
        )
    )
    token = OneTimeToken(
        purpose=step,
        person_id=keeper.id,
        client_id=keeper.client_id,
        flow_hash=digest(pending),
        facts=kept,
        expires_at=now() + PAUSE,
    )
    db.add(token)
    nobody = Actor(session_id=attempt.id, ip=attempt.ip)
    event = SignInPaused(method=kept["method"], step=step, ip=attempt.ip, user_agent=attempt.user_agent)
    await outbox.append(db, nobody, event, client_id=person.client_id, aggregate_id=person.id)
    return Pending(pending, step)


async def _open(db: Db, attempt: Attempt, arrival: Arrival, method: Method, second_factor: str) -> Entry:
    keeper, person = arrival
    token, lifetime = new_token(), attempt.lifetimes.of(person.kind)
    session = Session(
        person_id=person.id,
        account_id=keeper.id,
        client_id=person.client_id,
        hash=digest(token),
        ip=attempt.ip,
        user_agent=attempt.user_agent,
        method=method,
        second_factor=second_factor,
        expires_at=now() + lifetime.absolute,
        idle=lifetime.idle,
    )
    actor = person.signed_in(session.id, attempt.ip)
    replaced = Session.id == attempt.replaces
    ended = await end_sessions(db, actor, "signed_in_again", replaced) if attempt.replaces else []
    await _mention_new_place(db, attempt, keeper, person)
    await db.execute(delete(Session).where(Session.account_id == keeper.id, Session.expires_at < now() - FORGET))
    is_first = person.owned_since is None
    await note_arrival(db, person)
    db.add(session)
    event = SignedIn(method=method, second_factor=second_factor, ip=attempt.ip, user_agent=attempt.user_agent)
    if is_first:
        await db.refresh(person, ["owned_since"])
        event = msgspec.structs.replace(event, standing=person.standing)
    await outbox.append(db, actor, event, client_id=person.client_id, aggregate_id=person.id)
    return Entry(person.id, token, ended, session.seconds_left)


async def note_arrival(db: Db, person: Person) -> None:
    """Record the sign-in: the next one leads to the same organisation, unless the method decides. Roles that were
    offered take effect.
    """
    await take_up(db, person)
    await db.execute(_CAME_IN, {"now": now(), "id": person.id})


async def _mention_new_place(db: Db, attempt: Attempt, keeper: Person, person: Person) -> None:
    """Mail somebody who is signed in from where they never were; the very first time is no surprise to them."""
    if (keeper.owned_since or person.owned_since) is None or person.email is None:
        return
    here = place_of(attempt.ip, attempt.user_agent)
    if here in {place_of(*known) for known in await queries.list_origins(db, keeper.id)}:
        return
    device = device_of(attempt.user_agent)
    named = ", ".join(filter(None, (device.browser, device.platform))) or "?"
    await queue(db, "new_device", person, facts={"device": named, "ip": attempt.ip, "at": now().isoformat()})
