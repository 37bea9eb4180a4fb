"""A fresh proof of who somebody is, asked for before what an open screen must not be enough for (ASVS 7.5)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from msgspec import Meta

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.mails.mailer import Mailer
from services.identity.people.passwords import Passwords
from services.identity.people.queries import Me
from services.identity.second_factors.commands import Code, RecoveryText
from services.identity.second_factors.totp import Totp
from services.identity.sessions.entry import Door
from services.identity.sessions.limits import CODE, FACTOR, LINK, PASSWORD, RECOVERY, AttemptLimits, Limit
from services.identity.step_up import commands
from services.identity.step_up.queries import get_means
from shared.actor import FRESH, SYSTEM, Actor
from shared.database import UnitOfWork
from shared.errors import Conflict, Invalid
from shared.http import API
from shared.language import gettext as _
from shared.texts import TEXT

LIMITS: dict[str, tuple[Limit, ...]] = {
    "code": FACTOR,
    "recovery_code": RECOVERY,
    "password": PASSWORD,
    "mail_code": CODE,
}
IS_PROOF = {NEEDS_NO_PROOF: "It is the proof."}
METHODS = {"code": "totp"}
"""What the field of a proof is called, where it is not called as the method."""


class ShowProof(msgspec.Struct, forbid_unknown_fields=True):
    """One of the four."""

    code: Code | None = None
    recovery_code: RecoveryText | None = None
    password: Annotated[str, Meta(min_length=1, max_length=200, pattern=TEXT)] | None = None
    mail_code: Code | None = None

    def given(self) -> tuple[str, str]:
        """The field and what is in it. Raises `OneProof`."""
        given = [(field, value) for field, value in msgspec.structs.asdict(self).items() if value is not None]
        if len(given) != 1:
            raise OneProof
        return given[0]


class Freshness(msgspec.Struct, frozen=True):
    """Whether the proof is fresh, until when, and how to renew it."""

    fresh: bool
    fresh_until: datetime | None
    methods: list[str]


class OneProof(Invalid):
    code = "auth.one_proof"

    def __init__(self) -> None:
        super().__init__(_("Send one proof: a code, a recovery code, a password, or a code from a mail."), field="code")


class ProofRefused(Invalid):
    """Wrong, used, too old, or not among the ways open to this person: never told apart."""

    code = "auth.proof_invalid"

    def __init__(self, field: str) -> None:
        super().__init__(_("This does not prove that it is you. Try again."), field=field)


class NothingToMail(Conflict):
    code = "auth.no_mail_code"

    def __init__(self) -> None:
        super().__init__(_("Use your app, your passkey or your password to prove that it is you."))


@get("/auth/step-up")
async def get_freshness(me: UUID, actor: Actor, uow: UnitOfWork) -> Freshness:
    """Read whether the last authentication is recent enough, and how to authenticate again."""
    async with uow(SYSTEM) as db:
        means = await get_means(db, actor, me)
    until = actor.proven_at + FRESH if actor.proven_at else None
    return Freshness(actor.is_freshly_proven, until, means.methods)


@post("/auth/step-up", status_code=200, opt=IS_PROOF)
async def show_proof(
    *,
    data: ShowProof,
    me: UUID,
    actor: Actor,
    uow: UnitOfWork,
    limits: AttemptLimits,
    passwords: Passwords,
    totp: Totp,
    door: Door,
) -> Response[Me]:
    """Authenticate again. The session gets a new id; the old id is invalid immediately."""
    field, value = data.given()
    method = METHODS.get(field, field)
    async with uow(SYSTEM) as db:
        means = await get_means(db, actor, me)
    account = means.email or "" if field == "password" else str(means.account_id)
    await limits.admit(LIMITS[field], ip=actor.ip, account=account)
    good, token = method in means.methods, None
    if good and method == "password":
        good = await passwords.matches(means.password_hash, value)
    if good and method == "mail_code":
        async with uow(actor) as db:
            token = await commands.count_code_try(db, actor, me)
    async with uow(SYSTEM) as db:  # the factor is the account's, whose home may be another client
        proven = good and await commands.is_proof(db, means.account_id, method, value, token=token, totp=totp)
        entry = await commands.step_up(db, actor, me, method, proven=proven)
    if entry is None:
        raise ProofRefused(field)
    await limits.give_back(LIMITS[field], ip=actor.ip, account=account)
    if token:
        await limits.give_back(LINK[:1], ip=token.facts.get("ip", ""))  # whoever asked for the mail has used it
    return await door.renew(entry)


@post("/auth/step-up/mail", status_code=202, opt=IS_PROOF)
async def mail_proof_code(*, me: UUID, actor: Actor, uow: UnitOfWork, limits: AttemptLimits, mailer: Mailer) -> None:
    """Mail a code, for somebody who has neither app nor passkey nor password."""
    async with uow(SYSTEM) as db:
        means = await get_means(db, actor, me)
    if "mail_code" not in means.methods:
        raise NothingToMail
    await limits.admit(LINK, ip=actor.ip, account=means.email or "")
    async with uow(actor) as db:
        await commands.mail_code(db, actor, me)
    mailer.wake()


router = Router(API, route_handlers=[get_freshness, show_proof, mail_proof_code], tags=["step-up"])
