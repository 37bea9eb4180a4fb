"""Mails that another service orders for a person, whose address and language it does not know."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.identity.assignments.models import Assignment
from services.identity.clients.models import Client
from services.identity.mails.commands import queue
from services.identity.mails.models import Draft, Mail
from services.identity.mails.wording import name, title
from services.identity.people.known_projects import KnownProject
from services.identity.people.models import Person, ProjectRole
from shared import outbox
from shared.actor import SYSTEM
from shared.clock import now
from shared.contracts.accounts import MailFailed
from shared.contracts.notifications import MailOrdered
from shared.contracts.words import telling
from shared.database import Db
from shared.events import AnyEvent
from shared.language import gettext, speaking

KIND = "notification"
PATIENCE = timedelta(minutes=1)
"""So long a mail waits for its project: the event by which identity knows that it is shared may come later."""


class NotKnownYet(Exception):
    """Whether the client may see the project. The mail is tried again."""


async def take(db: Db, event: AnyEvent) -> None:
    """Queue what is ordered. Where there is nobody to write to, the order has failed."""
    order: MailOrdered = event.data
    person = await db.get(Person, order.person_id)
    if person and person.email:
        await queue(db, KIND, person, facts=msgspec.to_builtins(order), order_id=event.subject)
    else:
        failed = MailFailed(kind=KIND, reason="closed")
        await outbox.append(db, SYSTEM, failed, client_id=event.clientid, aggregate_id=event.subject)


async def write_mail(db: Db, mail: Mail) -> Draft | None:
    """What happened, to somebody who may still read it, at the address that is still theirs."""
    order = msgspec.convert(mail.facts, MailOrdered)
    person = await db.get(Person, mail.person_id)
    if person is None or person.email != mail.address or not await _may_read(db, person, order, mail.created_at):
        return None
    said = sentence(order, person.language, to_client=person.client_id is not None)
    words = {"sentence": said, "project": order.facts.project_name}
    return Draft(person.language, person.called, path=order.path, words=words)


def sentence(order: MailOrdered, language: str, *, to_client: bool) -> str:
    """Who did what, if all of it reads as names; else what kind of thing happened."""
    by, called = name(order.actor_name), title(order.facts.name)
    with speaking(language):
        if bool(by) != bool(order.actor_name) or bool(called) != bool(order.facts.name):
            return f"{gettext(telling.LINES[order.about].occasion)}."
        facts = msgspec.structs.replace(order.facts, name=called)
        words = telling.say(order.about, msgspec.json.encode(facts).decode(), (), language)
        return f"{telling.sentence(words, by, to_client=to_client)}."


async def _may_read(db: Db, person: Person, order: MailOrdered, since: datetime) -> bool:
    if not (person.active and person.portal_access):
        return False
    if person.client_id is None:
        return order.policy in person.policies and (not person.limited or await _is_assigned(db, person, order))
    client = await db.get(Client, person.client_id)
    if client is None or not client.is_open or order.module in client.closed_modules:
        return False
    return order.project_id is None or await _reads_project(db, person, order.project_id, since)


async def _is_assigned(db: Db, person: Person, order: MailOrdered) -> bool:
    return order.project_id is not None and await db.get(Assignment, (person.id, order.project_id)) is not None


async def _reads_project(db: Db, person: Person, project_id: UUID, since: datetime) -> bool:
    project = await db.get(KnownProject, project_id)
    if project is None or project.private:
        if now() - since < PATIENCE:
            raise NotKnownYet
        return False
    held = await db.get(ProjectRole, (person.id, project_id))
    reads = person.is_primary_contact or (held is not None and held.role != "feedback_only")
    return reads and project.client_id == person.client_id
