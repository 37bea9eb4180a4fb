"""Forgetting a password, being helped to a new one, and changing it."""

from uuid import UUID

from services.identity.mails.commands import queue
from services.identity.mails.models import KINDS, Draft, Mail
from services.identity.one_time_tokens.commands import issue, mint, redeem, refuse
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.password_changes.models import PASSWORD_RESET, NoPasswords, NotYourOwn
from services.identity.password_changes.queries import find_owner
from services.identity.people.addresses import note_verified
from services.identity.people.models import Person
from services.identity.people.queries import find_by_email
from services.identity.policies.models import require_reach
from services.identity.sessions.commands import Entry, go_on_alone, take_back
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import lock_entitled
from services.identity.sign_in_methods.rules import Own
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import PasswordChanged, PasswordReset, PasswordResetRequested
from shared.database import Db
from shared.errors import NotFound


async def forget(db: Db, attempt: Attempt, email: str) -> None:
    """Have a link mailed, if somebody signs in with this address and a password; the same row for all."""
    await queue(db, PASSWORD_RESET, email, facts={"ip": attempt.ip, "user_agent": attempt.user_agent})


async def write_mail(db: Db, mail: Mail) -> Draft | None:
    """The link; None, and nothing is kept, for an address that signs in nobody with a password."""
    found = await find_by_email(db, mail.address)
    person = await lock_entitled(db, found.id, "password") if found else None
    if person is None:
        return None
    token = await _begin(db, person, mailed=True)
    if mail.person_id is None:
        event = PasswordResetRequested(by="themselves", ip=mail.facts["ip"], user_agent=mail.facts["user_agent"])
        asker = Actor(ip=event.ip, session_id=mail.id)
        await outbox.append(db, asker, event, client_id=person.client_id, aggregate_id=person.id)
    mail.person_id, mail.client_id, mail.token_id = person.id, person.client_id, token.id
    return Draft(person.language, person.called, token=await mint(db, token))


async def make_link(db: Db, actor: Actor, person_id: UUID) -> tuple[OneTimeToken, str]:
    """A token for somebody else's new password, for when no mail reaches them.

    It lets whoever has it in, so it takes what letting the person in takes, and nobody gets at who holds more than
    themselves. Raises `NotFound`, `NotYourOwn`, `NoPasswords`, and what `Person.require_let_in_by` does.
    """
    if actor.id == person_id:
        raise NotYourOwn
    person = await db.get(Person, person_id)
    if person is None:
        raise NotFound
    person.require_let_in_by(actor)
    require_reach(actor, person.policies)
    entitled = await lock_entitled(db, person_id, "password")
    if entitled is None:
        raise NoPasswords
    token = await _begin(db, entitled, mailed=False)
    event = PasswordResetRequested(by="staff")
    await outbox.append(db, actor, event, client_id=person.client_id, aggregate_id=person.id)
    return token, await mint(db, token)


async def _begin(db: Db, person: Person, *, mailed: bool) -> OneTimeToken:
    """`mailed`: who has the link can read what is sent to the address."""
    facts = {"email": person.email, "mailed": mailed}
    return await issue(db, PASSWORD_RESET, KINDS[PASSWORD_RESET].lasts, person, facts)


async def reset(db: Db, attempt: Attempt, token: str, password_hash: str) -> list[str] | None:
    """Use the token up: the password is another one and every session ends, as does all that was begun before.
    Returns the hashes of the sessions; None, and on record, where the token is not good.
    """
    owner = await find_owner(db, token)
    person = await lock_entitled(db, owner.id, "password") if owner else None
    theirs = OneTimeToken.facts["email"].astext == (person.email if person else "")
    used = await redeem(db, PASSWORD_RESET, token, theirs) if person else None
    if person is None or used is None:
        await refuse(db, attempt, PASSWORD_RESET)
        return None
    author = person.signed_in(attempt.id, attempt.ip)
    await _replace(db, person, password_hash)
    if used.facts["mailed"]:
        await note_verified(db, author, person)
    event = PasswordReset(ip=attempt.ip, user_agent=attempt.user_agent)
    await outbox.append(db, author, event, client_id=person.client_id, aggregate_id=person.id)
    return await take_back(db, author, "password_reset", person.id)


async def change(db: Db, actor: Actor, own: Own, password_hash: str) -> Entry:
    """Another password for who is signed in: their session goes on under a new id, all others end.

    Raises `NoPasswords`.
    """
    if not own.admits("password"):
        raise NoPasswords
    await _replace(db, own.person, password_hash)
    await outbox.append(db, actor, PasswordChanged(), client_id=own.client_id, aggregate_id=own.here.id)
    return await go_on_alone(db, actor, "password_changed", own.person.id)


async def _replace(db: Db, person: Person, password_hash: str) -> None:
    """Store it, and tell the person."""
    person.take_password(password_hash)
    await db.flush()
    await queue(db, "password_changed", person, facts={"at": now().isoformat()})
