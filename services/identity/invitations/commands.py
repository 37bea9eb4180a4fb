"""Inviting somebody, and what becomes of the mail."""

from typing import Any

import msgspec
from sqlalchemy import func, select, update

from services.identity.clients.models import Client
from services.identity.invitations.models import GIVEN_UP, INVITATION
from services.identity.invitations.queries import find_inviter
from services.identity.mails.commands import queue, replace
from services.identity.mails.models import KINDS, Draft, Mail
from services.identity.one_time_tokens.commands import issue, mint
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.models import Person
from services.identity.project_roles.offers import look_ahead
from services.identity.sessions.rules import refusal
from services.identity.single_use import live
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import InvitationFailed, InvitationSent
from shared.database import Db


async def invite(db: Db, actor: Actor, person: Person) -> Mail:
    """Have an invitation mailed. An earlier one becomes invalid, whether it was accepted or not.

    The caller checks that the person can be invited; somebody who may not sign in when the mail is written gets none
    (`closed`). The outcome, and who invited, is one event: `invitation_sent` or `invitation_failed`. Raises what
    `Person.require_let_in_by` does.
    """
    person.require_let_in_by(actor, within_team=True)
    await replace(db, person.id, INVITATION)
    facts = {"email": person.email, "by": str(actor.id) if actor.kind in ("staff", "client") else None}
    token = await issue(db, INVITATION, KINDS[INVITATION].lasts, person, facts)
    return await queue(db, INVITATION, person, token=token, facts={"by": _kept(actor)})


async def give_up_invitation(db: Db, actor: Actor, person: Person) -> None:
    """The address of somebody who was invited is its owner's no longer: whoever reads it now joins with nothing that
    was sent there. The client's staff see it, and invite another address, or this one again.
    """
    waits = (OneTimeToken.person_id == person.id, OneTimeToken.purpose == INVITATION, *live(OneTimeToken))
    known = func.jsonb_build_object("void", GIVEN_UP, "until", OneTimeToken.expires_at)
    void = {"expires_at": now(), "facts": OneTimeToken.facts.concat(known)}
    if await db.scalar(update(OneTimeToken).where(*waits).values(void).returning(OneTimeToken.id)) is None:
        return
    await replace(db, person.id, INVITATION)
    await outbox.append(
        db, actor, InvitationFailed(reason=GIVEN_UP), client_id=person.client_id, aggregate_id=person.id
    )


async def write_mail(db: Db, mail: Mail) -> Draft | None:
    """The invitation with a new link, if it is still valid and the person could sign in with it."""
    person, token = await db.get(Person, mail.person_id), await db.get(OneTimeToken, mail.token_id)
    if person is None or token is None or token.used_at or token.facts["email"] != person.email:
        return None
    client = await db.scalar(select(Client).where(Client.id == person.client_id))
    if refusal(person, client, "invitation", None):
        return None
    ahead = await look_ahead(db, person)
    words = {
        "client": client.name if client else "",
        "by": await find_inviter(db, token),
        "primary": "yes" if ahead.every_project else "",
    }
    projects = [(each.name, each.role) for each in ahead.projects]
    return Draft(
        person.language, person.called, token=await mint(db, token), words=words, projects=projects, more=ahead.more
    )


async def mail_settled(db: Db, mail: Mail) -> None:
    """Say what became of it, in the name of who invited."""
    inviter = msgspec.convert(mail.facts["by"], Actor)
    event = InvitationFailed(reason=mail.failure) if mail.failed_at else InvitationSent()
    await outbox.append(db, inviter, event, client_id=mail.client_id, aggregate_id=mail.person_id or mail.id)


def _kept(actor: Actor) -> dict[str, Any]:
    """As much of who invited as an event says."""
    known = Actor(id=actor.id, name=actor.name, kind=actor.kind, session_id=actor.session_id)
    return {name: value for name, value in msgspec.to_builtins(known).items() if value}
