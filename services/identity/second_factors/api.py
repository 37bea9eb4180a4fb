"""The second step of signing in, and one's own second factor, over HTTP."""

from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.people.queries import Me
from services.identity.second_factors import commands, queries
from services.identity.second_factors.commands import Code, Handed, Proof, RecoveryText
from services.identity.second_factors.models import ENROL, SECOND_FACTOR, FactorRefused, NothingPending, SetupRefused
from services.identity.second_factors.queries import TwoFactor
from services.identity.second_factors.totp import Totp
from services.identity.sessions import pauses
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.cookies import PendingStep
from services.identity.sessions.entry import Door, SignedIn
from services.identity.sessions.limits import FACTOR, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.sign_in_methods.queries import find_own, lock_own
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy
from shared.database import UnitOfWork
from shared.errors import Invalid
from shared.http import API
from shared.language import gettext as _


class ShowFactor(msgspec.Struct, forbid_unknown_fields=True):
    """One of the two."""

    code: Code | None = None
    recovery_code: RecoveryText | None = None

    def proof(self) -> Proof:
        """Raises `OneFactor`."""
        if (self.code is None) == (self.recovery_code is None):
            raise OneFactor
        return Proof(self.code or "", self.recovery_code or "")


class ConfirmSetup(msgspec.Struct, forbid_unknown_fields=True):
    code: Code


class Setup(msgspec.Struct, frozen=True):
    """A new secret in base32, and the same as the `otpauth:` address of a QR code."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    recovery_codes: list[str]


class Enrolled(msgspec.Struct, frozen=True):
    person: Me | None
    recovery_codes: list[str]


class OneFactor(Invalid):
    code = "auth.one_factor"

    def __init__(self) -> None:
        super().__init__(_("Send a code or a recovery code, one of the two."), field="code")


@post("/auth/second-factor", status_code=200, opt={"public": True})
async def show_factor(
    *,
    data: ShowFactor,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    door: Door,
    pending: PendingStep,
    totp: Totp,
) -> Response[SignedIn]:
    """Finish signing in, in the browser that began it. An attempt is counted before it is evaluated."""
    proof = data.proof()
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        paused = await commands.count_try(db, SECOND_FACTOR, pending)
    shown: pauses.Proof = "recovery_code" if data.recovery_code else "totp"
    if paused.holder:
        await pauses.admit(limits, uow, attempt, shown, paused.holder)
    async with uow(SYSTEM) as db:
        entry = await commands.finish_sign_in(db, attempt, paused, proof, totp)
    if entry is None:
        raise FactorRefused if paused.holder else NothingPending
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    await limits.give_back(pauses.LIMITS[shown], ip=attempt.ip, account=str(paused.holder))
    return await door.finish(entry)


@post("/auth/second-factor/enrol", status_code=200, opt={"public": True})
async def begin_enrolment(
    *, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, pending: PendingStep, totp: Totp
) -> Setup:
    """Begin to set up the second factor that this sign-in requires."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        account = await queries.find_paused(db, ENROL, pending)
        if account is None or await queries.is_enrolled(db, account.person_id):
            raise NothingPending
        secret = await commands.begin_setup(db, account, totp)
        name = await queries.label_of(db, account)
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    return Setup(secret, totp.uri(secret, name))


@post("/auth/second-factor/enrol/confirm", status_code=200, opt={"public": True})
async def finish_enrolment(
    *,
    data: ConfirmSetup,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    door: Door,
    pending: PendingStep,
    totp: Totp,
) -> Response[Enrolled]:
    """Confirm the new second factor with its first code, and sign in."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        paused = await commands.count_try(db, ENROL, pending)
    async with uow(SYSTEM) as db:
        enrolled = await commands.enrol_at_sign_in(db, attempt, paused, data.code, totp)
    if enrolled is None:
        raise FactorRefused if paused.holder else NothingPending
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    answer = await door.finish(enrolled.entry)
    return Response(Enrolled(answer.content.person, enrolled.codes), status_code=200, cookies=answer.cookies)


@get("/two-factor")
async def get_two_factor(me: UUID, actor: Actor, uow: UnitOfWork) -> TwoFactor:
    """Read the state of one's own second factor."""
    async with uow(SYSTEM) as db:
        return await queries.get_two_factor(db, (await find_own(db, actor, me)).require_managed())


@post("/two-factor/enrol", status_code=200)
async def begin_setup(me: UUID, actor: Actor, uow: UnitOfWork, totp: Totp) -> Setup:
    """Begin to set up an authenticator app: the first one, or a replacement."""
    async with uow(SYSTEM) as db:
        account = (await lock_own(db, actor, me)).account
        secret = await commands.begin_setup(db, account, totp)
        name = await queries.label_of(db, account)
    return Setup(secret, totp.uri(secret, name))


@post("/two-factor/confirm", status_code=200, opt={NEEDS_NO_PROOF: "The set-up it ends asked for one."})
async def finish_setup(
    *, data: ConfirmSetup, me: UUID, actor: Actor, uow: UnitOfWork, limits: AttemptLimits, door: Door, totp: Totp
) -> Response[RecoveryCodes]:
    """Confirm the app with its first code. The answer contains the recovery codes, which are shown once. All other
    sessions end, and this one gets a new id; so it is with the next two.
    """
    await limits.admit(FACTOR, ip=actor.ip, account=str(me))
    async with uow(SYSTEM) as db:
        own = await lock_own(db, actor, me)
        handed = await commands.finish_setup(db, actor, own.account, data.code, totp)
    if handed is None:
        raise SetupRefused
    await limits.give_back(FACTOR, ip=actor.ip, account=str(me))
    return await _show(handed, door)


@post("/two-factor/recovery-codes", status_code=200)
async def replace_codes(me: UUID, actor: Actor, uow: UnitOfWork, door: Door) -> Response[RecoveryCodes]:
    """Create ten new recovery codes; the earlier ones become invalid."""
    async with uow(SYSTEM) as db:
        own = await lock_own(db, actor, me)
        handed = await commands.replace_codes(db, actor, own.account)
    return await _show(handed, door)


@delete("/two-factor", status_code=204)
async def remove_two_factor(me: UUID, actor: Actor, uow: UnitOfWork, door: Door) -> Response[None]:
    """Remove one's own second factor, if the client allows it."""
    async with uow(SYSTEM) as db:
        own = await lock_own(db, actor, me)
        entry = await commands.disable(db, actor, own.account)
    return await door.go_on(entry)


@delete("/people/{person_id:uuid}/two-factor", guards=[require_policy("managePeople")])
async def reset_two_factor(person_id: UUID, actor: Actor, uow: UnitOfWork, session_cache: SessionCache) -> None:
    """Remove the second factor of somebody who lost app and recovery codes. Ends all their sessions."""
    async with uow(actor) as db:
        ended = await commands.reset(db, actor, person_id)
    await session_cache.tell(ended=ended)


async def _show(handed: Handed, door: Door) -> Response[RecoveryCodes]:
    cookies = (await door.go_on(handed.entry)).cookies
    return Response(RecoveryCodes(handed.codes), status_code=200, cookies=cookies)


at_sign_in = [show_factor, begin_enrolment, finish_enrolment]
own = [get_two_factor, begin_setup, finish_setup, replace_codes, remove_two_factor]
router = Router(API, route_handlers=[*at_sign_in, *own, reset_two_factor], tags=["second factors"])
