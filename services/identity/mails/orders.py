"""Mails that another service orders for a person, whose address and language it does not know."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec

from services.identity.assignments.models import Assignment
from services.identity.clients.models import Client
from services.identity.invitations.models import INVITATION
from services.identity.mails.commands import Author, queue, tell_outcome
from services.identity.mails.models import Draft, Mail, Unfit
from services.identity.mails.wording import name, title
from services.identity.one_time_tokens.models import OneTimeToken
from services.identity.people.known_projects import KnownProject
from services.identity.people.models import Person, ProjectRole
from services.identity.project_roles.offers import still_given
from services.identity.sessions.rules import refusal
from shared import outbox
from shared.actor import SYSTEM
from shared.clock import now
from shared.contracts.accounts import MailFailed
from shared.contracts.notifications import Attachment, MailOrdered
from shared.contracts.words import telling
from shared.contracts.words.lines import Facts
from shared.database import Db
from shared.events import AnyEvent
from shared.language import gettext, speaking
from shared.sealing import Sealer
from shared.texts import ISOLATES, is_path

KIND = "notification"
MOST_FILES, MOST_BYTES = 4, 160 * 1024
"""What is attached travels in the event, which has a bound; what is larger is a page that the mail leads to."""
ENDINGS = {"application/pdf": ".pdf", "text/calendar": ".ics", "text/csv": ".csv"}
"""The kinds of files that are attached, and how their names end: nothing that a program would run."""
FILE_NAME = re.compile(r"[\w-][\w .()-]{0,99}")
SECRET = re.compile(rb"[\w.~%-]*")
"""What can stand at the end of a link as it is (RFC 3986, 2.3)."""
LONGEST_PATH = 2000
PATIENCE = timedelta(minutes=1)
"""So long a mail waits for its project: the event by which identity knows that it is shared may come later."""
UPDATING = timedelta(hours=1)
"""So long a mail waits for its words: a service of a newer release may run before this one is updated, too."""


class NotKnownYet(Exception):
    """Whether the client may see the project, or what is said of such an event. The mail is tried again."""


async def take(db: Db, event: AnyEvent) -> None:
    """Queue what is ordered. Where there is nobody to write to, the order has failed."""
    order: MailOrdered = event.data
    person = await _addressee(db, order)
    if person and person.email:
        await queue(db, KIND, person, facts=msgspec.to_builtins(order), order_id=event.subject)
    else:
        failed = MailFailed(kind=KIND, reason="closed")
        await outbox.append(db, SYSTEM, failed, client_id=event.clientid, aggregate_id=event.subject)


def author(sealer: Sealer | None = None) -> Author:
    """Writes what is ordered, with the secrets that `sealer` opens."""
    return Author(partial(write_mail, sealer), _settled)


async def write_mail(sealer: Sealer | None, db: Db, mail: Mail) -> Draft | None:
    """What happened, to somebody who may still read it, at the address that is still theirs. Raises `Unfit` for
    what is not sealed for them, for more files or others than may be attached, for what there are no words for, and for
    what leads elsewhere than into the portal.
    """
    order = msgspec.convert(mail.facts, MailOrdered)
    if not _leads_into_the_portal(order.path):
        raise Unfit("its path is no page of the portal, or says whose portal that is")
    person = await db.get(Person, mail.person_id)
    if person is None or person.email != mail.address:
        return None
    asks = _is_invited if order.invitation_id else _may_read
    if not await asks(db, person, order, mail.created_at):
        return None
    secret, files = _opened(sealer, order)
    if order.about not in telling.LINES:
        if now() - mail.created_at < UPDATING:
            raise NotKnownYet
        raise Unfit("there are no words for such an event")
    with speaking(person.language):
        advice = telling.advise(order.about, order.facts)
    words = {
        "sentence": sentence(order, person.language, to_client=person.client_id is not None),
        "detail": description(order, person.language),
        "project": order.facts.project_name,
        "client": await _whose(db, person, order),
        "host": order.facts.host,
        "ip": order.facts.ip,
        "at": order.facts.at.isoformat() if order.facts.at else "",
        "fixed": "yes" if order.fixed else "",
    }
    return Draft(
        person.language,
        person.called,
        path=order.path + secret,
        organisation=person.client_id,
        thread=order.thread,
        advice=advice,
        words=words,
        attachments=files,
    )


def _leads_into_the_portal(path: str) -> bool:
    """In whose portal it is says the link itself, by the person who gets it (0048)."""
    if not is_path(path) or len(path) > LONGEST_PATH:
        return False
    return "organisation" not in parse_qs(urlsplit(path).query, keep_blank_values=True)


async def _whose(db: Db, person: Person, order: MailOrdered) -> str:
    """The name of the client that it is about; "" for what is about their own account, or the company alone."""
    client_id = None if order.own else person.client_id or order.client_id
    client = await db.get(Client, client_id) if client_id else None
    return client.name if client else ""


def _opened(sealer: Sealer | None, order: MailOrdered) -> tuple[str, list[Attachment]]:
    """The secret in an order, and what is attached to it."""
    recipient = order.invitation_id or order.person_id
    if not (sealer and recipient):
        return "", []
    try:
        secret = sealer.open(order.sealed, recipient.bytes) if order.sealed else b""
        opened = (sealer.open(each, recipient.bytes) for each in order.attachments)
        files = [msgspec.msgpack.decode(each, type=Attachment) for each in opened]
    except ValueError:
        raise Unfit("what is sealed does not open, or is no file") from None  # the error may show what it is
    if SECRET.fullmatch(secret) is None:
        raise Unfit("the secret is no part of a link")
    if len(files) > MOST_FILES or sum(len(each.content) for each in files) > MOST_BYTES:
        raise Unfit("more is attached than may be")
    if not all(map(_is_fit, files)):
        raise Unfit("a file of this kind, or with this name, is not attached")
    return secret.decode(), files


def _is_fit(file: Attachment) -> bool:
    ending = ENDINGS.get(file.media_type)
    return ending is not None and file.name.endswith(ending) and FILE_NAME.fullmatch(file.name) is not None


async def _settled(db: Db, mail: Mail) -> None:
    """What was sealed is kept no longer than the mail waits."""
    mail.facts = {name: value for name, value in mail.facts.items() if name not in ("sealed", "attachments")}
    await tell_outcome(db, mail)


async def _addressee(db: Db, order: MailOrdered) -> Person | None:
    if not order.invitation_id:
        return await db.get(Person, order.person_id) if order.person_id else None
    invitation = await db.get(OneTimeToken, order.invitation_id)
    return await db.get(Person, invitation.person_id) if invitation and invitation.purpose == INVITATION else None


def sentence(order: MailOrdered, language: str, *, to_client: bool) -> str:
    """What happened. Who did it is "somebody", and the thing "a project", where their names are none for a mail."""
    by, called = (each.translate(ISOLATES) for each in (name(order.actor_name), title(order.facts.name)))
    with speaking(language):
        by = by or (gettext("Somebody") if order.actor_name else "")
        thing = telling.thing(order.about) if order.facts.name and not called else ""
        facts = msgspec.structs.replace(order.facts, name=called or thing)
        said = telling.sentence(_words(order, facts, language), by, to_client=to_client, own=order.own)
        return f"{said[:1].upper()}{said[1:]}." if thing else f"{said}."


def description(order: MailOrdered, language: str) -> str:
    """What the bell says below the sentence, without the names: the project has a line of its own, and of a host a mail
    program makes a link.
    """
    said = _words(order, msgspec.structs.replace(order.facts, project_name="", host=""), language).description
    said = said.lstrip(" ,:").removesuffix(".")
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _words(order: MailOrdered, facts: Facts, language: str) -> telling.Words:
    return telling.say(order.about, msgspec.json.encode(facts).decode(), (), language)


async def _may_read(db: Db, person: Person, order: MailOrdered, since: datetime) -> bool:
    if not person.may_enter:
        return False
    if order.own:
        return True
    if person.client_id is None:
        return order.policy in person.policies and (not person.limited or await _is_assigned(db, person, order))
    client = await db.get(Client, person.client_id)
    if client is None or not client.is_open or order.module in client.closed_modules:
        return False
    if order.project_id is None:  # what concerns all of the client, or who was invited to it
        return person.is_primary_contact or order.invitation_id is not None
    return await _reads_project(db, person, order.project_id, {}, since)


async def _is_invited(db: Db, person: Person, order: MailOrdered, since: datetime) -> bool:
    """Whether they could accept the invitation now, and would read it then; whoever has accepted may read it."""
    invitation = await db.get(OneTimeToken, order.invitation_id)
    if invitation is None or invitation.person_id != person.id or invitation.facts["email"] != person.email:
        return False
    if invitation.used_at:
        return await _may_read(db, person, order, since)
    client = await db.get(Client, person.client_id) if person.client_id else None
    if invitation.expires_at <= now() or client is None or refusal(person, client, "invitation", None):
        return False
    offered = {project: role for _, roles in await still_given(db, person) for project, role in roles.items()}
    return order.module not in client.closed_modules and (
        order.project_id is None or await _reads_project(db, person, order.project_id, offered, since)
    )


async def _is_assigned(db: Db, person: Person, order: MailOrdered) -> bool:
    return order.project_id is not None and await db.get(Assignment, (person.id, order.project_id)) is not None


async def _reads_project(
    db: Db, person: Person, project_id: UUID, offered: Mapping[UUID, str], since: datetime
) -> bool:
    project = await db.get(KnownProject, project_id)
    if project is None or project.private:
        if now() - since < PATIENCE:
            raise NotKnownYet
        return False
    held = await db.get(ProjectRole, (person.id, project_id))
    role = held.role if held else offered.get(project_id, "feedback_only")
    reads = person.is_primary_contact or role != "feedback_only"
    return reads and project.client_id == person.client_id
