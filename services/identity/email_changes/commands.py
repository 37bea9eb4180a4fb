"""Verifying an address, and changing it: a change takes effect when both addresses have confirmed it."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import delete

from services.identity.clients.models import Client
from services.identity.email_changes.models import NEW, OLD, VERIFICATION
from services.identity.email_changes.queries import is_confirmed, is_listed, lock_owner
from services.identity.invitations.commands import give_up_invitation
from services.identity.invitations.models import INVITATION
from services.identity.mails.commands import queue, replace, write_to_person
from services.identity.mails.models import KINDS, Draft, Mail
from services.identity.one_time_tokens.commands import issue, redeem, refuse, withdraw
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.one_time_tokens.queries import find_live
from services.identity.ownership import forget_owner
from services.identity.password_changes.models import PASSWORD_RESET
from services.identity.people.addresses import ListedAlready, note_verified, store_address
from services.identity.people.models import EmailTaken, Person
from services.identity.people.queries import find_by_email, load_person
from services.identity.sessions.commands import take_back
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Visitor, doors_of, lock_namesakes
from services.identity.sessions.rules import refusal
from services.identity.sign_in_links.models import SignInLink
from services.identity.sign_in_methods.queries import lock_own
from shared import outbox
from shared.actor import Actor
from shared.clock import uuid7
from shared.contracts.accounts import EmailChanged, EmailChangeRequested
from shared.contracts.contacts import PortalAccessRevoked
from shared.database import Db


class Confirmation(NamedTuple):
    """Which address has still to confirm; None once the address changed. `ended` are the hashes of ended sessions."""

    waiting_for: Literal["old", "new"] | None
    ended: Sequence[str] = ()


async def request_verification(db: Db, person_id: UUID) -> None:
    """Have a link mailed to one's own address, unless it is verified already."""
    person = await load_person(db, person_id)
    if person.email_verified_at:
        return
    await replace(db, person.id, VERIFICATION)
    token = await issue(db, VERIFICATION, KINDS[VERIFICATION].lasts, person, {"email": person.email})
    await queue(db, VERIFICATION, person, token=token)


async def verify(db: Db, attempt: Attempt, token: str) -> bool:
    """Use the link up: the address is the person's. False, and on record, where it is not good."""
    found = await find_live(db, token, VERIFICATION)
    person = await lock_owner(db, found) if found else None
    if (
        found is None
        or person is None
        or person.email != found.facts["email"]
        or not await redeem(db, VERIFICATION, token)
    ):
        await refuse(db, attempt, VERIFICATION)
        return False
    await note_verified(db, person.signed_in(attempt.id, attempt.ip), person)
    return True


async def request_change(db: Db, actor: Actor, me: UUID, email: str) -> None:
    """Mail a link to both addresses. An earlier request becomes invalid; the current address changes nothing.

    Raises `AccountElsewhere`.
    """
    own = await lock_own(db, actor, me)
    person = own.person
    if email == person.email:
        return
    await replace(db, person.id, NEW, OLD)
    facts = {"change": str(uuid7()), "old": person.email, "new": email}
    facts |= {"here": str(own.here.id), "session": str(actor.session_id or "")}
    for purpose, address in ((NEW, email), (OLD, person.email or "")):
        token = await issue(db, purpose, KINDS[purpose].lasts, person, facts)
        mail = await queue(db, purpose, person, token=token, facts={"new": email})
        mail.address = address
    await outbox.append(db, actor, EmailChangeRequested(), client_id=own.client_id, aggregate_id=me)


async def write_to_new(db: Db, mail: Mail) -> Draft | None:
    """To the new address, unless somebody signs in with it: whose it is, is nothing the person should learn."""
    taken = await find_by_email(db, mail.address)
    return await write_to_person(db, mail) if taken is None else None


async def confirm(db: Db, attempt: Attempt, token: str) -> Confirmation | None:
    """Use one of the two links up; None, and on record, where the link is not good.

    With the second one the address changes. Whoever reads the old mailbox keeps nothing: sessions end but the one in
    which the change was asked for, and an invitation that waits there for another client is void.

    Raises `TokenInvalid` where the new address became somebody else's meanwhile, and `ListedAlready` where it stands in
    a book without which the change would lead nowhere.
    """
    found = await find_live(db, token, NEW, OLD)
    namesakes = await lock_namesakes(db, found.facts["old"]) if found else []
    person = await lock_owner(db, found) if found else None
    current = found is not None and person is not None and person.email == found.facts["old"]
    if found is None or person is None or not current or not await redeem(db, found.purpose, token):
        await refuse(db, attempt, NEW)
        return None
    other = OLD if found.purpose == NEW else NEW
    if not await is_confirmed(db, person, other, found.facts["change"]):
        return Confirmation("old" if other == OLD else "new")
    email, doors = found.facts["new"], doors_of(person.id, namesakes)
    others = [door for door in doors if door[0].id != person.id]
    lost = {other.id for other, _ in others if await is_listed(db, other.client_id, email)}
    _require_way_in(doors, lost, UUID(found.facts.get("here", str(person.id))))
    await _apply(db, attempt, person, email)
    ended: list[str] = []
    for other, client in others:
        if other.id in lost:
            ended += await _leave(db, attempt, other, client, email)
        else:
            await _apply(db, attempt, other, email)
    known = {door[0].id for door in doors}
    for invited in (each for each, _ in namesakes if each.id not in known):
        await give_up_invitation(db, invited.signed_in(attempt.id, attempt.ip), invited)
    author = person.signed_in(attempt.id, attempt.ip)
    asked_in = found.facts.get("session")
    ended += await take_back(db, author, "email_changed", person.id, but=UUID(asked_in) if asked_in else None)
    return Confirmation(None, ended)


def _require_way_in(doors: Sequence[Visitor], lost: Collection[UUID], here: UUID) -> None:
    """The change costs its owner neither the organisation in which they asked for it, nor the last one they have
    access to.

    Raises `ListedAlready`.
    """
    kept = [door for door in doors if door[0].id not in lost and refusal(*door, "magic_link", None) != "closed"]
    if lost and (here in lost or not kept):
        raise ListedAlready


async def _apply(db: Db, attempt: Attempt, person: Person, email: str) -> None:
    """The person signs in with the new address; what was mailed to the old one no longer works."""
    person.confirm_address(email)
    try:
        await store_address(db)
    except EmailTaken as error:
        raise TokenInvalid from error
    author = person.signed_in(attempt.id, attempt.ip)
    await outbox.append(db, author, EmailChanged(), client_id=person.client_id, aggregate_id=person.id)
    await db.execute(delete(SignInLink).where(SignInLink.person_id == person.id))
    await withdraw(db, person.id, PASSWORD_RESET, INVITATION, VERIFICATION)


async def _leave(db: Db, attempt: Attempt, person: Person, client: Client | None, email: str) -> list[str]:
    """Another client's book lists the new address as somebody else: there the old one opens nothing any more, and who
    gave it up hears of it at the new one (decision 0048). The hashes of the sessions this ended.
    """
    author = person.signed_in(attempt.id, attempt.ip)
    person.leave()
    await store_address(db)
    revoked = PortalAccessRevoked(standing=person.standing)
    await outbox.append(db, author, revoked, client_id=person.client_id, aggregate_id=person.id)
    ended = await forget_owner(db, author, person, "email_changed")
    mail = await queue(db, "access_ended", person, facts={"client": client.name if client else ""})
    mail.address = email
    return ended
