"""Passkeys over HTTP: one's own, and signing in with one."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post

from services.identity.fields import Name
from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.mails.mailer import Mailer
from services.identity.passkeys import commands, queries
from services.identity.passkeys.credentials import Assertion, NewCredential
from services.identity.passkeys.models import Passkey, PasskeyRefused, PasskeyUnusable
from services.identity.passkeys.queries import PasskeyList, PasskeyView
from services.identity.passkeys.relying_party import NotAccepted, RelyingParty
from services.identity.people.queries import Me
from services.identity.sessions.cookies import Cookies, Flow
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import CEREMONY, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.sign_in_methods.queries import find_own
from services.identity.step_up.api import IS_PROOF, ProofRefused
from services.identity.step_up.commands import step_up
from services.identity.step_up.queries import get_means
from shared.actor import SYSTEM, Actor
from shared.database import UnitOfWork
from shared.http import API


class Options(msgspec.Struct, frozen=True):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."""

    options: dict[str, Any]


class AddPasskey(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    credential: NewCredential


class RenamePasskey(msgspec.Struct, forbid_unknown_fields=True):
    name: Name


class ShowPasskey(msgspec.Struct, forbid_unknown_fields=True):
    credential: Assertion


class SignInWithPasskey(ShowPasskey, forbid_unknown_fields=True):
    """`organisation` as for a password."""

    organisation: UUID | None = None


@get("/passkeys")
async def list_passkeys(me: UUID, actor: Actor, uow: UnitOfWork) -> PasskeyList:
    """List one's own passkeys."""
    async with uow(SYSTEM) as db:
        own = (await find_own(db, actor, me)).require_managed()
        return PasskeyList([_view(each) for each in await queries.passkeys_of(db, own.person.id)])


@post("/passkeys/options", status_code=200)
async def offer_passkey_registration(me: UUID, actor: Actor, uow: UnitOfWork, party: RelyingParty) -> Options:
    """Begin adding a passkey: options for `navigator.credentials.create()`, valid for five minutes in this session."""
    async with uow(SYSTEM) as db:
        return Options(await commands.offer_registration(db, actor, me, party))


@post("/passkeys", opt={NEEDS_NO_PROOF: "The options it answers asked for one."})
async def add_passkey(
    *, data: AddPasskey, me: UUID, actor: Actor, uow: UnitOfWork, party: RelyingParty, mailer: Mailer
) -> PasskeyView:
    """Store the passkey that the browser created."""
    async with uow(actor) as db:
        challenge = await commands.take_registration(db, actor, data.credential)
    try:
        made = party.accept_new(data.credential, challenge)
    except NotAccepted as error:
        raise PasskeyUnusable from error
    async with uow(SYSTEM) as db:
        passkey = await commands.add_passkey(db, actor, me, data.name, made)
    mailer.wake()
    return _view(passkey)


@patch("/passkeys/{passkey_id:uuid}", opt={NEEDS_NO_PROOF: "A name opens nothing."})
async def rename_passkey(passkey_id: UUID, data: RenamePasskey, me: UUID, actor: Actor, uow: UnitOfWork) -> PasskeyView:
    """Rename one of one's own passkeys."""
    async with uow(SYSTEM) as db:
        return _view(await commands.rename_passkey(db, actor, me, passkey_id, data.name))


@delete("/passkeys/{passkey_id:uuid}", status_code=204)
async def remove_passkey(passkey_id: UUID, me: UUID, actor: Actor, uow: UnitOfWork, door: Door) -> Response[None]:
    """Remove one of one's own passkeys. All other sessions end, and this one gets a new id."""
    async with uow(SYSTEM) as db:
        entry = await commands.remove_passkey(db, actor, me, passkey_id)
    return await door.go_on(entry)


@post("/auth/passkey/options", status_code=200, opt={"public": True})
async def offer_passkey_sign_in(
    *, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, party: RelyingParty, jar: Cookies, flow: Flow
) -> Response[Options]:
    """Begin a sign-in with a passkey: options for `navigator.credentials.get()`, the same for every caller."""
    await limits.admit(CEREMONY, ip=attempt.ip)
    flow, cookie = jar.begin(flow)
    async with uow(SYSTEM) as db:
        options = await commands.offer_sign_in(db, flow, attempt.ip, party)
    return Response(Options(options), status_code=200, cookies=[cookie])


@post("/auth/passkey", status_code=200, opt={"public": True})
async def sign_in_with_passkey(
    *,
    data: SignInWithPasskey,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    door: Door,
    party: RelyingParty,
    flow: Flow,
) -> Response[SignedIn]:
    """Sign in with a passkey, in the browser that began.

    It counts as both factors: a device, and a fingerprint or PIN.
    """
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        heading = attempt.heading_for(data.organisation)
        entry, asker = await commands.sign_in(db, heading, flow, data.credential, party)
    if entry is None:
        raise PasskeyRefused
    await limits.give_back(CEREMONY, ip=asker)
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return await door.let_in(entry)


@post("/auth/step-up/passkey/options", status_code=200, opt=IS_PROOF)
async def offer_passkey_proof(me: UUID, actor: Actor, uow: UnitOfWork, party: RelyingParty) -> Options:
    """Begin to authenticate again with one of one's own passkeys."""
    async with uow(SYSTEM) as db:
        own = (await find_own(db, actor, me)).require_managed()
        return Options(await commands.offer_step_up(db, actor, own.person.id, party))


@post("/auth/step-up/passkey", status_code=200, opt=IS_PROOF)
async def prove_with_passkey(
    *,
    data: ShowPasskey,
    me: UUID,
    actor: Actor,
    uow: UnitOfWork,
    limits: AttemptLimits,
    door: Door,
    party: RelyingParty,
) -> Response[Me]:
    """Authenticate again with a passkey. The session gets a new id; the old id is invalid immediately."""
    await limits.admit(REDEMPTION, ip=actor.ip)
    async with uow(SYSTEM) as db:
        means = await get_means(db, actor, me)
        good = await commands.is_proof(db, actor, means.account_id, data.credential, party)
        entry = await step_up(db, actor, me, "passkey", proven=good and "passkey" in means.methods)
    if entry is None:
        raise ProofRefused("credential")
    await limits.give_back(REDEMPTION, ip=actor.ip)
    return await door.renew(entry)


def _view(passkey: Passkey) -> PasskeyView:
    return PasskeyView(passkey.id, passkey.name, passkey.created_at, passkey.last_used_at)


router = Router(
    API,
    route_handlers=[
        list_passkeys,
        offer_passkey_registration,
        add_passkey,
        rename_passkey,
        remove_passkey,
        offer_passkey_sign_in,
        sign_in_with_passkey,
        offer_passkey_proof,
        prove_with_passkey,
    ],
    tags=["passkeys"],
)
