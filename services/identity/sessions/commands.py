"""What becomes of sessions; how they begin is in `admission`."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select, text, update

from services.identity.invitations.models import INVITATION
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.sessions.models import Attempt, Lifetimes, Session, SessionEnded
from services.identity.sessions.queries import account_of, live_hashes, lock_doors, of_account
from services.identity.sign_in_links.models import SignInLink
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import now, uuid7
from shared.contracts.identity import SessionRevoked, SessionRotated, SignedOut
from shared.database import Db
from shared.errors import NotFound

_SEEN = text("""
    update sessions set last_seen_at = :now
    where id = :id and last_seen_at < cast(:now as timestamptz) - interval '1 minute'
""")


class Entry(msgspec.Struct, frozen=True):
    """A new cookie for a browser: its value, how many seconds it lasts, and the hashes that ended with it."""

    person_id: UUID
    token: str
    ended: list[str]
    seconds: int


async def sign_out(db: Db, actor: Actor, person_id: UUID) -> list[str]:
    """End the session the request came with; its hash."""
    ended = await end_sessions(db, actor, "signed_out", Session.id == actor.session_id, Session.person_id == person_id)
    if ended:
        await outbox.append(db, actor, SignedOut(), client_id=actor.client_id, aggregate_id=person_id)
    return ended


async def revoke_session(db: Db, actor: Actor, session_id: UUID) -> list[str]:
    """End one of one's own sessions, at whichever client. Somebody else's does not exist."""
    own = of_account(await account_of(db, actor))
    ended = await end_sessions(db, actor, "revoked", Session.id == session_id, own)
    if not ended:
        raise NotFound
    return ended


async def revoke_others(db: Db, actor: Actor) -> list[str]:
    """End all of one's own sessions but the one the request came with, and what was begun before."""
    account_id = await account_of(db, actor) or actor.id
    return await take_back(db, actor, "revoked", account_id, but=actor.session_id) if account_id else []


async def take_back(db: Db, actor: Actor, reason: str, account_id: UUID, *, but: UUID | None = None) -> list[str]:
    """The account is its owner's alone, whoever was in it: every session ends but `but`, and so does all that was begun
    or mailed before. Only an invitation stands: it is the company's, and whoever is in cannot have asked for one.

    A session that is being opened, or goes on at another of the account's clients, is waited for: it ends as well.
    `db` has to see all clients. The hashes of the sessions.
    """
    await lock_doors(db, account_id)
    members = select(Person.id).where(Person.account_id == account_id, Person.joined_at.is_not(None))
    address = select(Person.email).where(Person.id == account_id).scalar_subquery()
    await db.execute(delete(SignInLink).where(SignInLink.email == func.lower(address)))
    theirs = or_(OneTimeToken.person_id == account_id, OneTimeToken.person_id.in_(members))
    begun = (theirs, OneTimeToken.used_at.is_(None), OneTimeToken.purpose != INVITATION)
    await db.execute(update(OneTimeToken).where(*begun).values(expires_at=now()))
    return await end_sessions(db, actor, reason, of_account(account_id), Session.id.is_distinct_from(but))


async def go_on_alone(db: Db, actor: Actor, reason: str, account_id: UUID) -> Entry:
    """What the account signs in with changed, and no session outlives that (decision 0116): the one of `actor` goes on
    under a new id, and the account is taken back from all others. Raises `SessionEnded`.
    """
    ended = await take_back(db, actor, reason, account_id, but=actor.session_id)
    entry = await renew(db, actor)
    return msgspec.structs.replace(entry, ended=[*ended, *entry.ended])


async def end_sessions(db: Db, actor: Actor, reason: str, *which: ColumnElement[Any]) -> list[str]:
    """End those of the sessions that had not ended: their hashes. The row decides, so each ends once."""
    ended = await db.execute(
        update(Session)
        .where(*which, *live())
        .values(revoked_at=now())
        .returning(Session.id, Session.person_id, Session.client_id, Session.hash, Session.previous_hash)
    )
    hashes: list[str] = []
    for session_id, person_id, client_id, session_hash, previous in ended.all():
        event = SessionRevoked(session_hash=session_hash, reason=reason)
        author = actor if actor.client_id in (None, client_id) else await _there(db, actor, person_id, session_id)
        await outbox.append(db, author, event, client_id=client_id, aggregate_id=session_id)
        hashes += [session_hash, *([previous] if previous else [])]
    return hashes


async def _there(db: Db, actor: Actor, person_id: UUID, session_id: UUID) -> Actor:
    """Who ends a session they have at another client, as that client knows them: it hears of no other."""
    return (await db.get_one(Person, person_id)).signed_in(session_id, actor.ip)


async def rights_changed(db: Db, person_id: UUID) -> list[str]:
    """The permissions of a person changed: each of their sessions gets a new id with its next page, and none of them
    views the portal as somebody any longer. Staff who view as this person see the change. Returns the hashes
    to tell as changed, after the commit.
    """
    due = update(Session).where(Session.person_id == person_id, *live())
    await db.execute(due.values(rotate_due=True, viewing_client_id=None, viewing_person_id=None))
    return await live_hashes(db, person_id)


async def client_rights_changed(db: Db, client_id: UUID) -> list[str]:
    """The permissions of all people of a client changed: the same for each of their sessions. Staff who view as the
    client continue to, and see the change.
    """
    its = or_(Session.client_id == client_id, Session.viewing_client_id == client_id)
    due = update(Session).where(its, *live()).values(rotate_due=True)
    changed = due.returning(Session.hash, Session.previous_hash)
    return [each for row in await db.execute(changed) for each in row if each]


async def renew(db: Db, actor: Actor, **changes: object) -> Entry:
    """Give the session of `actor` a new id with what is proven or viewed from now on; the old id ends at once.

    Raises `SessionEnded`.
    """
    session = await db.scalar(select(Session).where(Session.id == actor.session_id, *live()).with_for_update())
    if session is None:
        raise SessionEnded
    before = [each for each in (session.hash, session.previous_hash) if each]
    token = new_token()
    for name, value in ({"previous_hash": None, "rotate_due": False, "rotated_at": now()} | changes).items():
        setattr(session, name, value)
    session.hash = digest(token)
    await _tell_rotation(db, actor, session, before[0])
    return Entry(session.person_id, token, before, session.seconds_left)


async def rotate(db: Db, session_hash: str) -> Entry | None:
    """Give a session that is due a new id, unless another request did so first. The old id stays valid for `GRACE`."""
    due = select(Session).where(Session.hash == session_hash, Session.rotate_due, *live())
    session = await db.scalar(due.with_for_update())
    if session is None:
        return None
    token = new_token()
    session.previous_hash, session.hash = session.hash, digest(token)
    session.rotate_due, session.rotated_at = False, now()
    await _tell_rotation(db, SYSTEM, session, session_hash)
    return Entry(session.person_id, token, [], session.seconds_left)


async def _tell_rotation(db: Db, actor: Actor, session: Session, before: str) -> None:
    await db.flush()
    event = SessionRotated(session_hash=before)
    await outbox.append(db, actor, event, client_id=session.client_id, aggregate_id=session.id)


def live() -> tuple[ColumnElement[bool], ...]:
    """What is true of a session that has neither ended nor outlived its time."""
    return (Session.revoked_at.is_(None), Session.expires_at > now())


async def note_use(db: Db, session_id: UUID) -> None:
    """The session is in use. Written once a minute at most; says nothing to anybody, so there is no event."""
    await db.execute(_SEEN, {"id": session_id, "now": now()})


def attempt_by(actor: Actor, user_agent: str, lifetimes: Lifetimes) -> Attempt:
    """The attempt a request to sign in is, with the session its browser already had."""
    return Attempt(id=uuid7(), ip=actor.ip, user_agent=user_agent[:400], replaces=actor.session_id, lifetimes=lifetimes)
