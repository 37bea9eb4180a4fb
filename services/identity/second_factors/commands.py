"""Setting a second factor up, showing it, and giving it up."""

from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from services.identity.mails.commands import queue
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.people.queries import load_person
from services.identity.policies.models import require_reach
from services.identity.second_factors import queries
from services.identity.second_factors.models import (
    ENROL,
    FOR_GOOD,
    RECOVERY_CODE,
    RECOVERY_CODES,
    SECOND_FACTOR,
    SETUP,
    TOTP,
    TRIES,
    Authenticator,
    FactorRequired,
    NotEnrolled,
    RecoveryCode,
    Step,
    new_recovery_code,
    recovery_digest,
)
from services.identity.second_factors.totp import Totp
from services.identity.sessions.admission import sign_in
from services.identity.sessions.commands import Entry, go_on_alone, take_back
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account, lock_doors
from services.identity.sessions.rules import Method
from services.identity.single_sign_on.commands import link
from services.identity.single_sign_on.id_tokens import Subject
from services.identity.single_use import live, take
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import RecoveryCodesReplaced, SecondFactorDisabled, SecondFactorEnabled
from shared.database import Db
from shared.events import EventData

Code = Annotated[str, Meta(pattern=r"^[0-9]{6}$(?!\n)")]
RecoveryText = Annotated[str, Meta(min_length=24, max_length=60, pattern=r"^[A-Za-z2-7 -]+$(?!\n)")]


class Proof(msgspec.Struct, frozen=True):
    """What somebody shows: a code of the app, or one of the recovery codes."""

    code: str = ""
    recovery_code: str = ""

    @property
    def factor(self) -> str:
        return RECOVERY_CODE if self.recovery_code else TOTP


class Paused(msgspec.Struct, frozen=True):
    """A sign-in that waits for its second step in the browser with `pending`; of nobody where it may not try (again).

    `holder` has the factor: the account itself, or the one a membership joined with. `newcomer` is who they were at
    their provider, which becomes them once the factor is shown. They are on their way to `organisation`.
    """

    pending: str
    account: Account = Account()
    method: Method = "password"
    holder: UUID | None = None
    newcomer: Subject | None = None
    organisation: UUID | None = None


class Handed(NamedTuple):
    """New recovery codes, and the session in which they are shown: of all before it is the only one left."""

    codes: list[str]
    entry: Entry


async def count_try(db: Db, step: Step, pending: str) -> Paused:
    """Use up one of the tries of this browser's sign-in, if it has one left.

    Commit before looking at what was shown: a try that rolls back with the rest would be a free one.
    """
    counted = (
        update(OneTimeToken)
        .where(*queries.paused(step, pending), *live(OneTimeToken), OneTimeToken.tries < TRIES)
        .values(tries=OneTimeToken.tries + 1)
        .returning(OneTimeToken.person_id, OneTimeToken.client_id, OneTimeToken.facts)
    )
    row = (await db.execute(counted)).one_or_none()
    if row is None:
        return Paused(pending)
    person = await db.get_one(Person, row.person_id)
    newcomer = msgspec.convert(row.facts.get("newcomer"), Subject | None)
    account, heading = Account(row.person_id, row.client_id), row.facts.get("organisation")
    return Paused(
        pending, account, row.facts["method"], person.credentials_of, newcomer, UUID(heading) if heading else None
    )


async def finish_sign_in(db: Db, attempt: Attempt, paused: Paused, proof: Proof, totp: Totp) -> Entry | None:
    """Sign in somebody who showed a valid second factor; else None, with an event. Call `count_try` before."""
    good = paused.holder is not None and await use_factor(db, paused.holder, proof, totp)
    proven = good and await take(db, OneTimeToken, *queries.paused(SECOND_FACTOR, paused.pending)) is not None
    if proven and paused.newcomer:
        proven = await link(db, paused.account, paused.newcomer)
    attempt = attempt.heading_for(paused.organisation)
    entry = await sign_in(db, attempt, paused.account, paused.method, proven=proven, second_factor=proof.factor)
    return entry if isinstance(entry, Entry) else None


async def use_factor(db: Db, person_id: UUID, proof: Proof, totp: Totp) -> bool:
    """Whether what was shown is a second factor of this person; if so, it is used up."""
    if proof.recovery_code:
        theirs = (RecoveryCode.person_id == person_id, RecoveryCode.code_hash == recovery_digest(proof.recovery_code))
        return await take(db, RecoveryCode, *theirs) is not None
    app = await queries.find_authenticator(db, person_id)
    if app is None or app.secret is None:
        return False
    step = totp.step_of(app.secret, person_id, proof.code, after=app.last_step)
    if step is None:
        return False
    used = (
        update(Authenticator)
        .where(Authenticator.person_id == person_id, Authenticator.secret == app.secret, Authenticator.last_step < step)
        .values(last_step=step)
        .returning(Authenticator.person_id)
    )
    return await db.scalar(used) is not None


async def begin_setup(db: Db, account: Account, totp: Totp) -> str:
    """A new secret, to be put into an app; one that counts already goes on counting until the new one has shown a code.

    No event: nothing is different yet.
    """
    person_id = _known(account)
    secret = totp.new_secret()
    waiting = {"pending": totp.seal(secret, person_id), "pending_until": now() + SETUP}
    row = insert(Authenticator).values(person_id=person_id, client_id=account.client_id, last_step=0, **waiting)
    await db.execute(row.on_conflict_do_update(index_elements=["person_id"], set_=waiting))
    return secret


async def finish_setup(db: Db, actor: Actor, account: Account, code: str, totp: Totp) -> Handed | None:
    """Have the new secret count, with recovery codes of its own; None where this is not its code."""
    codes = await _confirm(db, actor, account, code, totp)
    if codes is None:
        return None
    return Handed(codes, await go_on_alone(db, actor, "two_factor_enabled", _known(account)))


async def _confirm(
    db: Db, actor: Actor, account: Account, code: str, totp: Totp, *, first: bool = False
) -> list[str] | None:
    """The code is used up with it. `first`: only for somebody who has no second factor yet."""
    person_id = _known(account)
    app = await queries.find_authenticator(db, person_id)
    if app is None or app.pending is None or app.pending_until is None or app.pending_until < now():
        return None
    step = totp.step_of(app.pending, person_id, code)
    still = [Authenticator.person_id == person_id, Authenticator.pending == app.pending]
    if first:
        still.append(Authenticator.confirmed_at.is_(None))
    counts = {"secret": app.pending, "last_step": step, "confirmed_at": now(), "pending": None, "pending_until": None}
    confirmed = update(Authenticator).where(*still).values(counts).returning(Authenticator.person_id)
    if step is None or await db.scalar(confirmed) is None:
        return None
    await _tell(db, actor, SecondFactorEnabled(), account)
    await _mention(db, person_id, "on")
    return await _hand_out_codes(db, account)


async def enrol_at_sign_in(db: Db, attempt: Attempt, paused: Paused, code: str, totp: Totp) -> Handed | None:
    """Sign in somebody who set up a required second factor; with their recovery codes. Sessions from before, which have
    no second factor, end. Call `count_try` before.
    """
    nobody, account = Actor(session_id=attempt.id, ip=attempt.ip), paused.account
    codes = await _confirm(db, nobody, account, code, totp, first=True) if account.person_id else None
    proven = codes is not None and await take(db, OneTimeToken, *queries.paused(ENROL, paused.pending)) is not None
    ended = await take_back(db, nobody, "two_factor_enabled", _known(account)) if proven else []
    attempt = attempt.heading_for(paused.organisation)
    entry = await sign_in(db, attempt, account, paused.method, proven=proven, second_factor=TOTP)
    if codes is None or not isinstance(entry, Entry):
        return None
    return Handed(codes, msgspec.structs.replace(entry, ended=[*ended, *entry.ended]))


async def replace_codes(db: Db, actor: Actor, account: Account) -> Handed:
    """New recovery codes; all before them count no more. Raises `NotEnrolled`."""
    person_id = _known(account)
    if not await queries.is_enrolled(db, person_id):
        raise NotEnrolled
    await _tell(db, actor, RecoveryCodesReplaced(), account)
    await _mention(db, person_id, "codes")
    return Handed(
        await _hand_out_codes(db, account), await go_on_alone(db, actor, "recovery_codes_replaced", person_id)
    )


async def disable(db: Db, actor: Actor, account: Account) -> Entry:
    """Do without a second factor from now on. Raises `FactorRequired` where the client at which one is wants one, and
    `NotEnrolled`.
    """
    person_id = _known(account)
    if actor.client_id and await queries.is_required(db, actor.client_id):
        raise FactorRequired
    if not await _forget(db, person_id):
        raise NotEnrolled
    await _tell(db, actor, SecondFactorDisabled(), account)
    await _mention(db, person_id, "off")
    return await go_on_alone(db, actor, "two_factor_disabled", person_id)


async def reset(db: Db, actor: Actor, person_id: UUID) -> list[str]:
    """Take away the second factor of somebody who lost it, and end their sessions: the hashes of those.

    Raises `NotFound`, `NotEnrolled`, what `Person.require_let_in_by` does, and `HoldsMore` about staff with more
    permissions.
    """
    had = await _forget(db, person_id)
    await lock_doors(db, person_id)
    person = await load_person(db, person_id)
    person.require_let_in_by(actor)
    require_reach(actor, person.policies)
    if not had:
        raise NotEnrolled
    await outbox.append(db, actor, SecondFactorDisabled(), client_id=person.client_id, aggregate_id=person_id)
    await _mention(db, person_id, "reset")
    return await take_back(db, actor, "two_factor_reset", person_id)


async def _forget(db: Db, person_id: UUID) -> bool:
    """Whether there was a second factor to forget. The app's row first, as in signing in: two orders are a deadlock."""
    gone = delete(Authenticator).where(Authenticator.person_id == person_id).returning(Authenticator.confirmed_at)
    had = await db.scalar(gone)
    await db.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    return had is not None


async def _tell(db: Db, actor: Actor, event: EventData, account: Account) -> None:
    """The client at which somebody acts hears of it, with their id there; of who is not in yet, the account's."""
    at = actor.client_id if actor.id else account.client_id
    await outbox.append(db, actor, event, client_id=at, aggregate_id=actor.id or _known(account))


async def _mention(db: Db, person_id: UUID, change: str) -> None:
    """Whoever did it, the person hears of it by mail."""
    person = await db.get(Person, person_id)
    if person and person.email:
        await queue(db, "two_factor_changed", person, facts={"change": change, "at": now().isoformat()})


async def _hand_out_codes(db: Db, account: Account) -> list[str]:
    person_id = _known(account)
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    await db.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    db.add_all(
        RecoveryCode(
            person_id=person_id,
            client_id=account.client_id,
            code_hash=recovery_digest(code),
            expires_at=now() + FOR_GOOD,
        )
        for code in codes
    )
    return codes


def _known(account: Account) -> UUID:
    if account.person_id is None:
        raise NotEnrolled
    return account.person_id
