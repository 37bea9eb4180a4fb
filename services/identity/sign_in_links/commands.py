"""Sign-in by mail: asking, mailing, redeeming."""

from datetime import timedelta

import msgspec
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from services.identity.sessions.admission import Pending, sign_in
from services.identity.sessions.commands import Entry
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account, lock_entitled
from services.identity.sign_in_links import queries
from services.identity.sign_in_links.models import CODE_TRIES, SignInLink, code_digest, new_code
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SignInLinkRequested
from shared.database import Db


class Letter(msgspec.Struct, frozen=True):
    """One attempt to send a mail. Holds the secrets themselves: never stored, never logged."""

    link_id: str
    attempt: int
    to: str
    name: str
    token: str
    code: str


async def request_link(db: Db, attempt: Attempt, email: str, flow: str) -> None:
    """Have a link mailed to `email`, if anybody has that address. It replaces an earlier one.

    Says nothing to the outbox yet: whose request it was shows when the mail is made.
    """
    link = SignInLink(email=email, flow_hash=digest(flow), ip=attempt.ip, user_agent=attempt.user_agent)
    values = {column.key: getattr(link, column.key) for column in SignInLink.__table__.columns}
    await db.execute(delete(SignInLink).where(SignInLink.expires_at < now() - timedelta(hours=1)))
    await db.execute(insert(SignInLink).values(values).on_conflict_do_update(index_elements=["email"], set_=values))


async def write_letter(db: Db) -> Letter | None:
    """Make the next due mail, with a fresh link and code in it; None where none is due.

    A link nobody may use is dropped without a word. The next try is due later by ever more, unless `letter_sent`.
    """
    while link := await queries.next_due(db):
        found = await queries.find_person(db, link.email)
        person = await lock_entitled(db, found.id, "magic_link") if found else None
        if person is None:
            await db.delete(link)
            await db.flush()
            continue
        token, code = new_token(), new_code()
        link.person_id, link.client_id = person.id, person.client_id
        link.token_hash, link.code_hash = digest(token), code_digest(link.flow_hash, code)
        link.mail_tries += 1
        link.mail_due_at = now() + timedelta(seconds=min(3 * 2**link.mail_tries, 60))
        await db.flush()
        if link.mail_tries == 1:
            event = SignInLinkRequested(ip=link.ip, user_agent=link.user_agent)
            asker = Actor(ip=link.ip)
            await outbox.append(db, asker, event, client_id=link.client_id, aggregate_id=link.id)
        return Letter(str(link.id), link.mail_tries, link.email, person.first_name, token, code)
    return None


async def letter_sent(db: Db, letter: Letter) -> None:
    """The mail is on its way; nothing is due any more, unless the link was asked for anew meanwhile."""
    sent = update(SignInLink).where(SignInLink.token_hash == digest(letter.token)).values(mail_due_at=None)
    await db.execute(sent)


async def take_code_try(db: Db, flow: str) -> str | None:
    """Use up one of the tries of this browser's code: the address it was sent to, or None where there are no more.

    Commit before looking at the code: a try that rolls back with the rest would be a free one (A4).
    """
    taken = (
        update(SignInLink)
        .where(
            SignInLink.flow_hash == digest(flow),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now(),
            SignInLink.code_tries < CODE_TRIES,
        )
        .values(code_tries=SignInLink.code_tries + 1)
        .returning(SignInLink.email)
    )
    return await db.scalar(taken)


async def redeem_link(
    db: Db, attempt: Attempt, flow: str, *, token: str = "", code: str = ""
) -> Entry | Pending | None:
    """Sign in whom the link was sent to; None, and on record, where token or code are not good in this browser.

    One statement looks and takes: of any number at once, one gets it (A2). `code` only after `take_code_try`.
    """
    flow_hash = digest(flow)
    by_token = SignInLink.token_hash == digest(token)
    proof = by_token if token else SignInLink.code_hash == code_digest(flow_hash, code)
    redeemed = (
        update(SignInLink)
        .where(SignInLink.flow_hash == flow_hash, proof, SignInLink.used_at.is_(None), SignInLink.expires_at > now())
        .values(used_at=now())
        .returning(SignInLink.person_id, SignInLink.client_id)
    )
    row = (await db.execute(redeemed)).one_or_none()
    account = Account(*row) if row else await queries.find_account(db, flow_hash)
    return await sign_in(db, attempt, account, "magic_link", proven=row is not None)
