"""Asking for access, and becoming a contact with it: nobody is anybody before the mailed link was used."""

from uuid import UUID

from services.identity.invitations.models import REGISTRATION
from services.identity.invitations.queries import lock_host
from services.identity.mails.commands import queue
from services.identity.mails.models import KINDS, Draft, Mail
from services.identity.one_time_tokens.commands import mint
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import require_named
from services.identity.sessions.models import Attempt
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import RegistrationRequested
from shared.database import Db


async def request(db: Db, attempt: Attempt, email: str, first_name: str, last_name: str) -> None:
    """Have a link mailed, if the address is of a domain a client allows. For every address the same row."""
    require_named(first_name, last_name)
    asked = {"first_name": first_name, "last_name": last_name, "ip": attempt.ip, "user_agent": attempt.user_agent}
    await queue(db, REGISTRATION, email, facts=asked)


async def write_mail(db: Db, mail: Mail) -> Draft | None:
    """The link to the page where the registration ends; None, and nothing is kept, for any other address."""
    client = await lock_host(db, mail.address)
    if client is None:
        return None
    token = await db.get(OneTimeToken, mail.token_id) if mail.token_id else None
    token = token or await _begin(db, mail, client.id)
    words = {"client": client.name}
    called = mail.facts["first_name"] or mail.facts["last_name"]
    return Draft(client.language, called, token=await mint(db, token), words=words)


async def _begin(db: Db, mail: Mail, client_id: UUID) -> OneTimeToken:
    """The token, and its event: now it shows whose client it is about."""
    names = {name: mail.facts[name] for name in ("first_name", "last_name")}
    token = OneTimeToken(
        purpose=REGISTRATION,
        client_id=client_id,
        facts={"email": mail.address, **names},
        expires_at=now() + KINDS[REGISTRATION].lasts,
    )
    db.add(token)
    await db.flush()
    mail.client_id, mail.token_id = client_id, token.id
    event = RegistrationRequested(ip=mail.facts["ip"], user_agent=mail.facts["user_agent"])
    asker = Actor(ip=event.ip, session_id=mail.id)
    await outbox.append(db, asker, event, client_id=client_id, aggregate_id=token.id)
    return token
