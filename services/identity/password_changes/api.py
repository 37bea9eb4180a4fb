"""New passwords over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from msgspec import Meta

from services.identity.fields import Email, LookedUp, Password
from services.identity.mails.mailer import Mailer
from services.identity.one_time_tokens.models import TokenInvalid
from services.identity.password_changes import commands
from services.identity.password_changes.models import CurrentWrong, NoPasswords, ResetLink
from services.identity.password_changes.queries import find_owner
from services.identity.people.models import Person
from services.identity.people.passwords import Passwords
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.entry import Door
from services.identity.sessions.limits import FORGOT, PASSWORD, REDEMPTION, AttemptLimits
from services.identity.sessions.models import Attempt
from services.identity.settings import IdentitySettings
from services.identity.sign_in_methods.queries import find_own, lock_own
from shared.actor import SYSTEM, Actor
from shared.claims import require_policy
from shared.database import UnitOfWork
from shared.http import API
from shared.texts import TEXT


class Forgot(LookedUp, forbid_unknown_fields=True):
    email: Email


class Reset(msgspec.Struct, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT)]
    password: Password


class ChangePassword(msgspec.Struct, forbid_unknown_fields=True):
    """`current` is needed by who has a password."""

    password: Password
    current: Annotated[str, Meta(max_length=200, pattern=TEXT)] = ""


@post("/auth/forgot-password", status_code=202, opt={"public": True})
async def forgot_password(
    *, data: Forgot, attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, mailer: Mailer
) -> None:
    """Mail a link for a new password. The answer, and all work before it, is the same for every address."""
    email = data.email
    await limits.admit(FORGOT, ip=attempt.ip, account=email)
    async with uow(SYSTEM) as db:
        await commands.forget(db, attempt, email)
    mailer.wake()


@post("/auth/reset-password", status_code=204, opt={"public": True})
async def reset_password(
    *,
    data: Reset,
    attempt: Attempt,
    uow: UnitOfWork,
    limits: AttemptLimits,
    passwords: Passwords,
    session_cache: SessionCache,
    settings: IdentitySettings,
) -> None:
    """Choose a new password with the link of a mail, or one that staff handed over. Every session ends."""
    await limits.admit(REDEMPTION, ip=attempt.ip)
    async with uow(SYSTEM) as db:
        owner = await find_owner(db, data.token)
    about = _about(owner, settings) if owner else ()
    password_hash = await passwords.hash(data.password, *about, good=owner is not None)
    async with uow(SYSTEM) as db:
        ended = await commands.reset(db, attempt, data.token, password_hash)
    if ended is None:
        raise TokenInvalid
    await limits.give_back(REDEMPTION, ip=attempt.ip)
    await session_cache.tell(ended=ended)


@post("/people/{person_id:uuid}/reset-link", guards=[require_policy("managePeople")])
async def make_reset_link(person_id: UUID, actor: Actor, uow: UnitOfWork, settings: IdentitySettings) -> ResetLink:
    """Create a link for a new password, for somebody whom no mail reaches. Shown once, to be handed over in person."""
    async with uow(actor) as db:
        token, secret = await commands.make_link(db, actor, person_id)
    return ResetLink(f"{settings.public_url.rstrip('/')}/reset-password?token={secret}", token.expires_at)


@post("/people/me/password", status_code=204)
async def change_password(
    *,
    data: ChangePassword,
    me: UUID,
    actor: Actor,
    uow: UnitOfWork,
    limits: AttemptLimits,
    passwords: Passwords,
    settings: IdentitySettings,
    door: Door,
) -> Response[None]:
    """Change one's own password. All other sessions end, and this one gets a new id."""
    async with uow(SYSTEM) as db:
        own = (await find_own(db, actor, me)).require_managed()
    if not own.admits("password"):
        raise NoPasswords
    person = own.person
    if person.password_hash:
        await limits.admit(PASSWORD, ip=actor.ip, account=person.email or "")
        if not await passwords.matches(person.password_hash, data.current):
            raise CurrentWrong
        await limits.give_back(PASSWORD, ip=actor.ip, account=person.email or "")
    password_hash = await passwords.hash(data.password, *_about(person, settings))
    async with uow(SYSTEM) as db:  # sessions end at other clients, too
        own = await lock_own(db, actor, me)
        entry = await commands.change(db, actor, own, password_hash)
    return await door.go_on(entry)


def _about(person: Person, settings: IdentitySettings) -> tuple[str, ...]:
    return (person.email or "", person.name, settings.company_name)


router = Router(
    API, route_handlers=[forgot_password, reset_password, make_reset_link, change_password], tags=["passwords"]
)
