"""What happens to a mail, from the queue to the mail server."""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import delete, update

from services.identity.addresses import mailed_address
from services.identity.mails import queries
from services.identity.mails.models import KINDS, Draft, Failure, Letter, Mail, Unfit
from services.identity.one_time_tokens.commands import mint, mint_code
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.addresses import NotAnAddress
from shared.clock import now, uuid7
from shared.contracts.accounts import MailAccepted, MailFailed
from shared.database import Db

LEASE = timedelta(minutes=2)
"""Longer than any attempt lasts: a mail still in hand after it was left behind by a worker that is gone."""
KEPT = timedelta(days=90)
"""So long one can look up what became of a mail."""

log = structlog.get_logger("identity.mails")


async def tell_failure(db: Db, mail: Mail) -> None:
    """What usually needs to be heard of a mail: that it failed."""
    if mail.failed_at:
        event = MailFailed(kind=mail.kind, reason=mail.failure)
        await outbox.append(db, SYSTEM, event, client_id=mail.client_id, aggregate_id=mail.id)


async def tell_outcome(db: Db, mail: Mail) -> None:
    """What another service that ordered a mail waits for: that it was sent, or failed."""
    if mail.failed_at:
        await tell_failure(db, mail)
    else:
        event = MailAccepted(kind=mail.kind)
        await outbox.append(db, SYSTEM, event, client_id=mail.client_id, aggregate_id=mail.id)


class Author(msgspec.Struct, frozen=True):
    """What a feature does for the mails of a kind.

    `write` is called for each attempt and creates new secrets; None if nobody may receive the mail any more. It raises
    `Unfit` for what is never sent; after any other error it is tried again. `settled` hears, in the same transaction,
    that it is sent or failed.
    """

    write: Callable[[Db, Mail], Awaitable[Draft | None]]
    settled: Callable[[Db, Mail], Awaitable[None]] = tell_failure


Authors = Mapping[str, Author]


async def queue(
    db: Db,
    kind: str,
    to: Person | str,
    *,
    token: OneTimeToken | None = None,
    facts: dict[str, Any] | None = None,
    order_id: UUID | None = None,
) -> Mail:
    """Have a mail of this kind written and sent, once this transaction is through.

    `to`: a person at their own address, or an address whose owner shows only when the mail is written. `token`: what
    its link or code redeems; the secret is made when the mail is written. `facts`: what the kind's text needs, as JSON.
    `order_id`: whose mail it is of another service's orders; what became of it is published by that id.
    """
    person = to if isinstance(to, Person) else None
    address = to if isinstance(to, str) else to.email
    mail = Mail(
        id=order_id or uuid7(),
        kind=kind,
        address=address or "",
        urgent=KINDS[kind].urgent,
        expires_at=now() + KINDS[kind].worth_sending,
        client_id=person.client_id if person else None,
        person_id=person.id if person else None,
        token_id=token.id if token else None,
        facts=facts or {},
    )
    db.add(mail)
    await db.flush()
    return mail


async def replace(db: Db, person_id: UUID, *kinds: str) -> None:
    """What still waits of these kinds for this person shall not go out: something newer takes its place."""
    waiting = (Mail.person_id == person_id, Mail.kind.in_(kinds), Mail.due_at.is_not(None))
    await db.execute(update(Mail).where(*waiting).values(due_at=None, failed_at=now(), failure="replaced"))


async def write_next(db: Db, authors: Authors) -> Letter | None:
    """Write the next due mail, with fresh secrets; None where none is due. It is due again when the lease is over."""
    while mail := await queries.next_due(db):
        mail.tries += 1
        await db.flush()
        draft = await _write(db, authors, mail)
        if draft is not None:
            mail.due_at = now() + LEASE
            await db.flush()
            return Letter(mail.id, mail.tries, mail.kind, mail.address, draft)
    return None


def _lost(mail: Mail) -> Failure | None:
    if mail.handed_over_at:
        return "unconfirmed"
    return "expired" if mail.expires_at <= now() else None


async def _write(db: Db, authors: Authors, mail: Mail) -> Draft | None:
    """The draft; None where there is none, and then the mail waits or is settled. One bad mail holds up no other."""
    try:
        async with db.begin_nested():
            return await _written(db, authors, mail)
    except Exception as error:  # noqa: BLE001  (one mail's mistake, whatever it is)
        await db.refresh(mail)  # what was undone with the savepoint is not known any more
        report("mail.not_written", mail.id, mail.kind, error)
        mail.wait()
        await db.flush()
        return None


async def _written(db: Db, authors: Authors, mail: Mail) -> Draft | None:
    if failure := _lost(mail):
        await _settle(db, authors, mail, failure)
        return None
    try:
        async with db.begin_nested():
            draft = await _draft(db, authors, mail)
    except Unfit as error:
        await db.refresh(mail)
        log.warning("mail.unfit", mail=str(mail.id), kind=mail.kind, reason=str(error))
        await _settle(db, authors, mail, "unfit")
        return None
    if draft is None:
        await _nobody(db, authors, mail)
    return draft


async def _draft(db: Db, authors: Authors, mail: Mail) -> Draft | None:
    try:
        mailed_address(mail.address)
    except NotAnAddress:
        raise Unfit("no mail reaches such an address") from None
    return await authors[mail.kind].write(db, mail)


def report(event: str, mail: UUID, kind: str, error: Exception) -> None:
    """A mistake of ours. Neither what the error says nor the variables, which some traces show, go to the log: a secret
    may be in both.
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(event, mail=str(mail), kind=kind, error=type(error).__name__, where=where)


async def _nobody(db: Db, authors: Authors, mail: Mail) -> None:
    """Nobody may have this mail. Of an address that never was anybody's nothing is kept."""
    if mail.person_id:
        await _settle(db, authors, mail, "closed")
        return
    await db.delete(mail)
    await db.flush()


async def hand_over(db: Db, letter: Letter) -> bool:
    """The server gets the mail now. False, and it must not, where another worker took it over or it was replaced."""
    mail = await queries.lock_attempt(db, letter.id, letter.attempt)
    if mail is None:
        return False
    mail.handed_over_at = now()
    return True


async def settle(db: Db, authors: Authors, letter: Letter, failure: Failure | None = None) -> None:
    """The server took the mail, or it never will."""
    mail = await queries.lock_attempt(db, letter.id, letter.attempt)
    if mail is not None:
        await _settle(db, authors, mail, failure)


async def _settle(db: Db, authors: Authors, mail: Mail, failure: Failure | None) -> None:
    mail.settle(failure)
    await db.flush()
    await authors[mail.kind].settled(db, mail)


async def bounce(db: Db, actor: Actor, authors: Authors, mail_id: UUID) -> bool:
    """The server sent back what it had taken: that the mail failed is published after all. False where no such mail was
    sent, it is of another client than the actor's, or it is known already.
    """
    mail = await queries.lock_sent(db, actor, mail_id)
    if mail is None:
        return False
    mail.bounce()
    await db.flush()
    await authors[mail.kind].settled(db, mail)
    return True


async def put_off(db: Db, letter: Letter) -> None:
    """The server did not take the mail this time."""
    mail = await queries.lock_attempt(db, letter.id, letter.attempt)
    if mail is not None:
        mail.handed_over_at = None
        mail.wait()


async def wait(db: Db, letter: Letter) -> None:
    """The server took the mail, and what is to come of that failed: whoever finds it later knows that it was sent."""
    mail = await queries.lock_attempt(db, letter.id, letter.attempt)
    if mail is not None:
        mail.wait()


async def forget(db: Db) -> None:
    """Drop what nobody looks up any more: old mails, and tokens that ran out. Of invitations the last one stays."""
    await db.execute(delete(Mail).where(Mail.created_at < now() - KEPT, Mail.due_at.is_(None)))
    ran_out = (OneTimeToken.expires_at < now() - KEPT, OneTimeToken.purpose != "invitation")
    await db.execute(delete(OneTimeToken).where(*ran_out))


async def write_to_person(db: Db, mail: Mail) -> Draft | None:
    """To somebody who is still known here, whatever their client's portal is: what they must hear about their own
    account.
    """
    person = await db.get(Person, mail.person_id)
    if person is None or not person.is_known:
        return None
    draft = Draft(person.language, person.called, words=mail.facts)
    if mail.token_id is None:
        return draft
    token = await db.get(OneTimeToken, mail.token_id)
    if token is None or token.used_at or token.expires_at <= now():
        return None
    if KINDS[mail.kind].page:
        return msgspec.structs.replace(draft, token=await mint(db, token))
    return msgspec.structs.replace(draft, code=await mint_code(db, token))
