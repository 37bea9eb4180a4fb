"""Making, using and dropping passkeys."""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.identity.challenges import answered, challenge
from services.identity.mails.commands import queue
from services.identity.passkeys import queries
from services.identity.passkeys.credentials import Assertion, NewCredential, challenge_of
from services.identity.passkeys.models import CHALLENGE, MOST, Passkey, PasskeyKnown, PasskeyUnusable, TooManyPasskeys
from services.identity.passkeys.relying_party import Made, NotAccepted, RelyingParty
from services.identity.sessions import admission
from services.identity.sessions.admission import Pending
from services.identity.sessions.commands import Entry, go_on_alone
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account
from services.identity.sign_in_methods.queries import lock_own
from services.identity.single_use import single_use
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.addresses import shown_address
from shared.contracts.identity import PasskeyAdded, PasskeyCloneSuspected, PasskeyRemoved
from shared.database import Db

REGISTRATION = single_use("passkey_registration")
SIGN_IN = single_use("passkey_sign_in")
STEP_UP = single_use("passkey_step_up")


async def offer_registration(db: Db, actor: Actor, me: UUID, party: RelyingParty) -> dict[str, Any]:
    """What the browser needs to make a passkey for who is signed in.

    Raises `TooManyPasskeys`, `PasskeysNotAccepted` and `AccountElsewhere`.
    """
    own = await lock_own(db, actor, me)
    own.require_passkeys()
    person = own.person
    known = await queries.passkeys_of(db, person.id)
    if len(known) >= MOST:
        raise TooManyPasskeys
    value = await challenge(db, REGISTRATION, str(actor.session_id), CHALLENGE, client_id=own.client_id)
    return party.ask_for_new(value, person.id, shown_address(person.email or ""), person.name, known)


async def take_registration(db: Db, actor: Actor, credential: NewCredential) -> str:
    """Use up the challenge that a new passkey answers. Commit before looking at the rest. Raises `PasskeyUnusable`."""
    value = challenge_of(credential)
    if await answered(db, REGISTRATION, value, str(actor.session_id)) is None:
        raise PasskeyUnusable
    return value


async def add_passkey(db: Db, actor: Actor, me: UUID, name: str, made: Made) -> Passkey:
    """Keep a new passkey. Raises `PasskeyKnown`, and what `offer_registration` does."""
    own = await lock_own(db, actor, me)  # two at once cannot both be the last one allowed
    own.require_passkeys()
    person = own.person
    if len(await queries.passkeys_of(db, person.id)) >= MOST:
        raise TooManyPasskeys
    passkey = Passkey(
        person_id=person.id,
        client_id=person.client_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=made.transports,
        name=name,
    )
    db.add(passkey)
    try:
        await db.flush()
    except IntegrityError as error:
        if "passkeys_credential_id_key" not in str(error.orig):
            raise
        raise PasskeyKnown from error
    await queue(db, "passkey_added", person, facts={"passkey": name, "at": passkey.created_at.isoformat()})
    event = PasskeyAdded(passkey_id=passkey.id)
    await outbox.append(db, actor, event, client_id=own.client_id, aggregate_id=me)
    return passkey


async def rename_passkey(db: Db, actor: Actor, me: UUID, passkey_id: UUID, name: str) -> Passkey:
    """Its owner's word for it, of no interest to anybody else: no event."""
    own = await lock_own(db, actor, me)
    passkey = await queries.load_passkey(db, own.person.id, passkey_id)
    passkey.name = name
    return passkey


async def remove_passkey(db: Db, actor: Actor, me: UUID, passkey_id: UUID) -> Entry:
    """From now on this passkey opens nothing, and no session that it may have opened is left."""
    own = await lock_own(db, actor, me)
    passkey = await queries.load_passkey(db, own.person.id, passkey_id)
    await db.delete(passkey)
    event = PasskeyRemoved(passkey_id=passkey.id)
    await outbox.append(db, actor, event, client_id=own.client_id, aggregate_id=me)
    return await go_on_alone(db, actor, "passkey_removed", own.person.id)


async def offer_sign_in(db: Db, flow: str, ip: str, party: RelyingParty) -> dict[str, Any]:
    """What a browser at this network address needs to sign in somebody with whatever passkey they choose."""
    return party.ask_for_proof(await challenge(db, SIGN_IN, flow, CHALLENGE, facts={"ip": ip}), [])


async def sign_in(
    db: Db, attempt: Attempt, flow: str, assertion: Assertion, party: RelyingParty
) -> tuple[Entry | Pending | None, str]:
    """Sign in whose passkey it is; None, and on record, where it proves nothing. Beside it, the network address that
    began.
    """
    value = challenge_of(assertion)
    fresh = await answered(db, SIGN_IN, value, flow)
    passkey = await queries.lock_credential(db, assertion.credential_id)
    account = Account(passkey.person_id, passkey.client_id) if passkey else Account()
    proven = fresh is not None and passkey is not None and await _accepts(db, party, assertion, value, passkey)
    entry = await admission.sign_in(
        db, attempt, account, "passkey", proven=proven, second_factor="user_verification" if proven else ""
    )
    return entry, fresh.facts.get("ip", "") if fresh else ""


async def offer_step_up(db: Db, actor: Actor, account_id: UUID, party: RelyingParty) -> dict[str, Any]:
    """What the browser needs to prove that who is signed in is still there, with one of their account's passkeys."""
    value = await challenge(db, STEP_UP, str(actor.session_id), CHALLENGE, client_id=actor.client_id)
    return party.ask_for_proof(value, await queries.passkeys_of(db, account_id))


async def is_proof(db: Db, actor: Actor, account_id: UUID, assertion: Assertion, party: RelyingParty) -> bool:
    """Whether who is signed in has shown one of their account's passkeys, just now and in this session."""
    value = challenge_of(assertion)
    fresh = await answered(db, STEP_UP, value, str(actor.session_id))
    passkey = await queries.lock_credential(db, assertion.credential_id)
    if fresh is None or passkey is None or passkey.person_id != account_id:
        return False
    return await _accepts(db, party, assertion, value, passkey)


async def _accepts(db: Db, party: RelyingParty, assertion: Assertion, value: str, passkey: Passkey) -> bool:
    try:
        count = party.accept_proof(assertion, value, passkey)
    except NotAccepted:
        return False
    if passkey.used(count):
        return True
    event = PasskeyCloneSuspected(passkey_id=passkey.id)
    await outbox.append(db, SYSTEM, event, client_id=passkey.client_id, aggregate_id=passkey.person_id)
    return False
