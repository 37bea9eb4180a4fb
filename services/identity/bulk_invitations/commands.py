"""Inviting many at once: picking them, inviting one after the other, and hearing from the mails what became of it."""

import time
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from services.identity.bulk_invitations import queries
from services.identity.bulk_invitations.models import BulkInvitation, BulkInvitationItem
from services.identity.clients.models import Client
from services.identity.contacts.access import grant
from services.identity.contacts.models import HasAccount, client_of
from services.identity.contacts.queries import lock_contact
from services.identity.invitations.commands import invite
from services.identity.letting_in import require_may_let_in
from services.identity.mails.models import Mail
from services.identity.project_roles.commands import change_project_roles
from services.identity.project_roles.models import Roles, require_staff_may_give
from services.identity.project_roles.queries import acting, count_known_projects, load_offered, load_roles
from shared import outbox
from shared.actor import Actor
from shared.clock import now
from shared.contracts.contacts import BulkInvitationFinished, BulkInvitationStarted
from shared.database import Db, driver, out_of_reach
from shared.errors import Conflict, DomainError, NotFound
from shared.inbox import PATIENCE_SECONDS
from shared.language import gettext as _

# A mail that was overtaken by a newer one, or by the end of the person's access, is no failure: nobody waits for it.
_HEAR = text("""
    update bulk_invitation_items i
    set status = case when m.sent_at is not null then 'sent' when m.failure in ('closed', 'replaced') then 'skipped'
                      else 'failed' end,
        reason = m.failure, updated_at = :now
    from mails m where m.id = i.mail_id and i.status = 'waiting' and m.due_at is null
    returning i.person_id
""")

log = structlog.get_logger("identity.bulk_invitations")


class StartBulkInvitation(msgspec.Struct, forbid_unknown_fields=True):
    """`confirm` is the tick box: many mails cannot be called back. Only those of one client can get `project_roles`.
    `expected` is how many mails somebody was shown before they ticked it.
    """

    confirm: Literal[True]
    client_id: UUID | None = None
    project_roles: Roles = {}
    expected: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None


class InvitedMeanwhile(Conflict):
    code = "contact.invited_meanwhile"

    def __init__(self) -> None:
        super().__init__(_("Somebody else invited this contact in the meantime."))


class RecipientsChanged(Conflict):
    code = "bulk_invitation.recipients_changed"

    def __init__(self) -> None:
        super().__init__(_("Other people can be invited now than a moment ago. Look at the list, and confirm again."))


async def start(db: Db, actor: Actor, data: StartBulkInvitation) -> UUID:
    """Pick everybody who can be invited now, of one client or of all; the id. Pressed twice, it is the same one.

    Raises `NotFound`, `RecipientsChanged`, and what `require_may_let_in` and `require_staff_may_give` do: here it is
    decided, whoever carries it out.
    """
    require_may_let_in(actor)
    client_id, roles = data.client_id, data.project_roles
    if client_id and await db.get(Client, client_id) is None:
        raise NotFound
    if roles:
        require_staff_may_give(actor)
        if await count_known_projects(db, actor, client_id, set(roles)) < len(roles):
            raise NotFound
    kept = {str(project): role for project, role in roles.items()}
    bulk = BulkInvitation(created_by=_id_of(actor), client_id=client_id, project_roles=kept)
    values = {column.key: getattr(bulk, column.key) for column in BulkInvitation.__table__.columns}
    first = await db.execute(
        insert(BulkInvitation).values(values).on_conflict_do_nothing().returning(BulkInvitation.id)
    )
    if first.scalar() is None:
        running = await queries.find_running(db, client_id)
        return running or await start(db, actor, data)
    connection = await driver(db)
    picked = await connection.execute(queries.PICK, client_id, now(), bulk.id)
    started = BulkInvitationStarted(total=int(picked.split()[-1]))
    if data.expected not in (None, started.total):
        raise RecipientsChanged
    await outbox.append(db, actor, started, client_id=client_id, aggregate_id=bulk.id)
    return bulk.id


def _id_of(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotFound
    return actor.id


async def invite_next(db: Db, held_up: dict[UUID, float]) -> bool:
    """Queue the mail of the next one; False where nobody is left who can be invited now. Whom a rule keeps out is
    skipped, and says why.

    What may pass, such as a lock, has a minute, and puts the person behind all others (decision 0085). `held_up` says
    since when, by person. A database that is away does not let that be stored, and then its error is raised.
    """
    item = await queries.lock_next(db)
    if item is None:
        return False
    person_id = item.person_id
    try:
        async with db.begin_nested():
            item.mail_id = (await _invite(db, await _inviter(db, item.bulk_invitation_id), item)).id
    except DomainError as error:
        item.skip(error.code)
    except Exception as error:
        since = held_up.setdefault(person_id, time.monotonic())
        if out_of_reach(error) and time.monotonic() - since < PATIENCE_SECONDS:
            item.updated_at = now()
            return False
        log.exception("bulk_invitation.failed", person=str(person_id), error=repr(error))
        item.status, item.reason = "failed", "internal"
    held_up.pop(person_id, None)
    return True


async def _inviter(db: Db, bulk_id: UUID) -> Actor:
    """The person who started it, as the author of its events, with their current permissions."""
    return await acting(db, (await db.get_one(BulkInvitation, bulk_id)).created_by)


async def _invite(db: Db, inviter: Actor, item: BulkInvitationItem) -> Mail:
    """Give somebody access and invite them, if the rules still allow it: they were selected a while ago. Roles that
    were chosen for them alone stay.
    """
    person, clients = await lock_contact(db, inviter, item.person_id)
    if person.client_id != item.client_id:
        raise NotFound
    if person.has_account:
        raise HasAccount
    if await queries.holds_invitation(db, person.id):
        raise InvitedMeanwhile
    await grant(db, inviter, client_of(person, clients), person)
    mail = await invite(db, inviter, person)
    known = await load_roles(db, person, inviter) | await load_offered(db, person, inviter)
    chosen = msgspec.convert((await db.get_one(BulkInvitation, item.bulk_invitation_id)).project_roles, Roles)
    if new := {project: role for project, role in chosen.items() if project not in known}:
        await change_project_roles(db, inviter, person.id, new)
    return mail


async def hear_of_mails(db: Db) -> bool:
    """Take over what became of the mails; False where nothing was new."""
    return (await db.scalars(_HEAR, {"now": now()})).first() is not None


async def finish_next(db: Db) -> bool:
    """Say that one has come to its end; False where none has."""
    bulk = await queries.lock_finished(db)
    if bulk is None:
        return False
    inviter = await _inviter(db, bulk.id)
    counts = await (await driver(db)).fetchrow(queries.COUNT_ITEMS, bulk.id)
    assert counts
    bulk.done_at = now()
    finished = BulkInvitationFinished(sent=counts["sent"], failed=counts["failed"], skipped=counts["skipped"])
    await outbox.append(db, inviter, finished, client_id=bulk.client_id, aggregate_id=bulk.id)
    return True
