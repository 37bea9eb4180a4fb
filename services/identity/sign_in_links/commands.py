"""Sign-in by mail: asking, mailing, redeeming."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from services.identity.mails.commands import queue
from services.identity.mails.models import KINDS, Draft, Mail
from services.identity.one_time_tokens.models import new_code
from services.identity.people.addresses import note_verified
from services.identity.people.models import Person
from services.identity.people.queries import find_by_email
from services.identity.sessions.admission import Pending, sign_in
from services.identity.sessions.commands import Entry
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account, lock_entitled
from services.identity.sign_in_links import queries
from services.identity.sign_in_links.models import CODE_TRIES, SignInLink, code_digest
from services.identity.single_use import take
from services.identity.tokens import digest, new_token
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import SignInLinkRequested
from shared.database import Db


async def request_link(db: Db, attempt: Attempt, email: str, flow: str) -> None:
    """Have a link mailed to `email`, if anybody has that address. It replaces an earlier one.

    Says nothing to the outbox yet: whose request it was shows when the mail is written.
    """
    link = SignInLink(
        email=email,
        flow_hash=digest(flow),
        ip=attempt.ip,
        user_agent=attempt.user_agent,
        expires_at=now() + KINDS["sign_in_link"].lasts,
    )
    values = {column.key: getattr(link, column.key) for column in SignInLink.__table__.columns}
    await db.execute(delete(SignInLink).where(SignInLink.expires_at < now() - timedelta(hours=1)))
    await db.execute(insert(SignInLink).values(values).on_conflict_do_update(index_elements=["email"], set_=values))
    await queue(db, "sign_in_link", email, facts={"link": str(link.id)})


async def write_mail(db: Db, mail: Mail) -> Draft | None:
    """The mail with a fresh link and code in it; None, and nothing of it is kept, where nobody may use a link."""
    link = await queries.lock_live(db, UUID(mail.facts["link"]))
    if link is None:
        return None
    found = await find_by_email(db, link.email)
    person = await lock_entitled(db, found.id, "magic_link") if found else None
    if person is None:
        await db.delete(link)
        return None
    token, code = new_token(), new_code()
    if link.person_id is None:
        event = SignInLinkRequested(ip=link.ip, user_agent=link.user_agent)
        asker = Actor(ip=link.ip, session_id=link.id)
        await outbox.append(db, asker, event, client_id=person.client_id, aggregate_id=link.id)
    link.person_id, link.client_id = person.id, person.client_id
    link.token_hash, link.code_hash = digest(token), code_digest(link.flow_hash, code)
    return Draft(person.language, person.called, token=token, code=code)


async def take_code_try(db: Db, flow: str) -> list[str]:
    """Use up one of the tries of each code this browser asked for: the addresses they were sent to; none where there
    are no more. What is typed is tried on all of them, so it is a guess at each.

    Commit before looking at the code: a try that rolls back with the rest would be a free one.
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
    return list(await db.scalars(taken))


async def redeem_link(
    db: Db, attempt: Attempt, flow: str, *, token: str = "", code: str = ""
) -> tuple[Entry | Pending | None, str]:
    """Sign in whom the link was sent to; None, and on record, where token or code are not good in this browser. Beside
    it, the network address that asked for the link.

    One statement looks and takes: of any number at once, one gets it. `code` only after `take_code_try`.
    """
    flow_hash = digest(flow)
    by_token = SignInLink.token_hash == digest(token)
    proof = by_token if token else SignInLink.code_hash == code_digest(flow_hash, code)
    link = await take(db, SignInLink, SignInLink.flow_hash == flow_hash, proof)
    account = Account(link.person_id, link.client_id) if link else await queries.find_account(db, flow_hash)
    entry = await sign_in(db, attempt, account, "magic_link", proven=link is not None)
    person = await db.get(Person, link.person_id) if link and entry else None
    if link and person and person.email == link.email:
        await note_verified(db, person.signed_in(attempt.id, attempt.ip), person)
    return entry, link.ip if link else ""
