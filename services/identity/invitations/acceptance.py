"""Accepting a mailed link, for somebody who was invited or who registered. Looking at the link changes nothing."""

import msgspec

from services.identity.clients.models import Client
from services.identity.invitations.models import INVITATION, REGISTRATION, STAFF_METHODS, InvitationView, SignInFirst
from services.identity.invitations.queries import find_inviter, lock_host
from services.identity.one_time_tokens.commands import redeem, refuse
from services.identity.one_time_tokens.models import OneTimeToken, TokenInvalid
from services.identity.one_time_tokens.queries import find_live, find_used
from services.identity.organisations.membership import stands, succeed
from services.identity.organisations.models import WrongNetwork
from services.identity.people.addresses import ListedAlready, note_verified
from services.identity.people.commands import CreatePerson, create_person
from services.identity.people.models import EmailTaken, Person
from services.identity.people.queries import find_by_email
from services.identity.project_roles.offers import look_ahead
from services.identity.sessions.admission import Pending, sign_in
from services.identity.sessions.commands import Entry
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account, lock_doors, lock_namesakes
from services.identity.sessions.rules import is_within, refusal
from shared import outbox
from shared.actor import SYSTEM
from shared.contracts.accounts import InvitationAccepted
from shared.database import Db


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody enters about themselves when they accept an invitation."""

    token: str
    first_name: str
    last_name: str
    password_hash: str | None = None


async def look(db: Db, token: str, company_name: str, ip: str | None = None) -> InvitationView | None:
    """What the link is for, while it can be used by the person it was sent to. Raises `WrongNetwork` where it can, but
    not from `ip`.
    """
    found = await find_live(db, token, INVITATION, REGISTRATION)
    if found is None:
        return None
    person = await db.get(Person, found.person_id) if found.person_id else None
    client = await db.get(Client, found.client_id) if found.client_id else None
    if person and (person.email != found.facts["email"] or refusal(person, client, "invitation", None)):
        return None
    if ip and client and not is_within(ip, client.allowed_networks):
        raise WrongNetwork
    methods = client.sign_in_methods if client else STAFF_METHODS
    joins = person is not None and await _standing(db, person) is not None
    ahead = await look_ahead(db, person) if person and person.client_id and not joins else None
    return InvitationView(
        email=found.facts["email"],
        first_name=person.first_name if person else found.facts["first_name"],
        last_name=person.last_name if person else found.facts["last_name"],
        client_name=client.name if client else None,
        company_name=company_name,
        sign_in_methods=methods,
        expires_at=found.expires_at,
        joins_account=joins,
        password_needed=not joins and set(methods) == {"password"} and not (person and person.password_hash),
        invited_by=await find_inviter(db, found),
        ahead=ahead,
    )


async def was_accepted(db: Db, token: str) -> bool:
    """Whether the link was accepted, and whoever did can still sign in with the address it was sent to."""
    found = await find_used(db, token, INVITATION, REGISTRATION)
    if found is None:
        return False
    email = found.facts["email"]
    person = await db.get(Person, found.person_id) if found.person_id else await find_by_email(db, email)
    client = await db.get(Client, person.client_id) if person and person.client_id else None
    return person is not None and person.email == email and refusal(person, client, "invitation", None) is None


async def accept(db: Db, attempt: Attempt, said: Acceptance) -> Entry | Pending | None:
    """Redeem the link and sign its person in; None, with an event, if the link is invalid or the person is refused.

    Raises `SignInFirst` where the address signs in already: there may be a second factor, which no link gets around.

    A link that only cannot be used from here, because of the networks a client allows, is still good elsewhere.
    """
    found = await find_live(db, said.token, INVITATION, REGISTRATION)
    if found is None:
        await refuse(db, attempt, INVITATION)
        return None
    registers = found.purpose == REGISTRATION
    person = await (_register if registers else _take_up)(db, attempt, found, said)
    if person is None:
        return None
    event = InvitationAccepted(registered=registers, ip=attempt.ip, user_agent=attempt.user_agent)
    author = person.signed_in(attempt.id, attempt.ip)
    await outbox.append(db, author, event, client_id=person.client_id, aggregate_id=person.id)
    await note_verified(db, author, person)
    return await sign_in(db, attempt, Account(person.id, person.client_id), "invitation", proven=True)


async def _register(db: Db, attempt: Attempt, found: OneTimeToken, said: Acceptance) -> Person | None:
    """A contact of the client who may sign in, in no project yet, if the client would still have them.

    Raises `TokenInvalid` where the address became somebody's at this very moment.
    """
    nobody = Account(None, found.client_id)
    client = await lock_host(db, found.facts["email"])
    welcome = client and client.id == found.client_id and is_within(attempt.ip, client.allowed_networks)
    if client is None or not welcome or await redeem(db, REGISTRATION, said.token) is None:
        await sign_in(db, attempt, nobody, "invitation", proven=False)
        return None
    data = CreatePerson(
        kind="client",
        client_id=client.id,
        email=found.facts["email"],
        first_name=said.first_name,
        last_name=said.last_name,
        language="de" if client.language == "de" else "en",
    )
    try:
        return await create_person(db, SYSTEM, data, said.password_hash)
    except (EmailTaken, ListedAlready) as error:
        raise TokenInvalid from error


async def _take_up(db: Db, attempt: Attempt, found: OneTimeToken, said: Acceptance) -> Person | None:
    """The person who was invited, if the address is still theirs and they may sign in."""
    account = Account(found.person_id, found.client_id)
    namesakes = await lock_namesakes(db, found.facts["email"])
    visitor = next((each for each in namesakes if each[0].id == found.person_id), None)
    if visitor and refusal(*visitor, "invitation", attempt.ip):
        await sign_in(db, attempt, account, "invitation", proven=True)
        return None
    theirs = visitor and visitor[0].email == found.facts["email"]
    before = await find_by_email(db, visitor[0].email or "") if visitor else None
    if visitor and theirs and await _standing(db, visitor[0]):
        raise SignInFirst
    if visitor is None or not theirs or await redeem(db, INVITATION, said.token) is None:
        await sign_in(db, attempt, account, "invitation", proven=False)
        return None
    person, _ = visitor
    if person.account_id or (before and before.id != person.id):
        await succeed(db, person, before)
    if said.password_hash:
        person.take_password(said.password_hash)
    author = person.signed_in(attempt.id, attempt.ip)
    changed = person.change(author, {"first_name": said.first_name, "last_name": said.last_name})
    if changed:
        await outbox.append(db, author, changed, client_id=person.client_id, aggregate_id=person.id)
    return person


async def _standing(db: Db, person: Person) -> Person | None:
    """The account, other than this row, that signs in with the person's address."""
    account = await find_by_email(db, person.email or "")
    if account is None or account.id == person.id:
        return None
    return account if stands(account, await lock_doors(db, account.id)) else None
