"""What the security page shows: how one gets in, and the browsers in which one is signed in."""

import asyncio
from uuid import UUID

import msgspec

from services.portal import formats
from services.portal.answers import Me, Organisation
from services.portal.page import Page
from services.portal.security.answers import Session, Sessions, SignInMethods
from services.portal.security.passkeys.answers import PasskeyList
from services.portal.security.two_factor.answers import TwoFactor
from services.portal.services import Services, Slot, slot
from shared.errors import NotFound
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

PATIENCE = 2.0
"""Seconds a part of the page may take: worth waiting for, and yet the page stands without it."""


METHODS = {
    "magic_link": marked("mailed links"),
    "password": marked("passwords"),
    "passkey": marked("passkeys"),
    "sso": marked("your organisation's own sign-in"),
}
"""What a client accepts, in a sentence."""


class Security(msgspec.Struct, frozen=True):
    me: Me
    methods: Slot[SignInMethods]
    two_factor: Slot[TwoFactor]
    passkeys: Slot[PasskeyList]
    sessions: Slot[Sessions]
    organisations: list[Organisation] = []

    @property
    def is_elsewhere(self) -> bool:
        """Whether the person manages how they sign in at another of their organisations."""
        return self.methods.value is not None and not self.methods.value.managed_here

    @property
    def home(self) -> Organisation | None:
        """Which one that is, where it is known."""
        return next((each for each in self.organisations if each.home), None)

    @property
    def why(self) -> str:
        """Why a method that is set up does not let the person in."""
        return why_not_accepted(self.me.client_name if len(self.organisations) < 2 else None, self.methods.value)

    @property
    def others(self) -> int:
        """How many other browsers are signed in."""
        return sum(not session.current for session in self.sessions.value.items) if self.sessions.value else 0


async def load(page: Page) -> Security:
    """The person, and each part as far as it answers."""
    identity = page.services.identity
    me, methods, two_factor, passkeys, sessions, organisations = await asyncio.gather(
        identity.get("auth/me", Me),
        slot(methods_of(page), deadline=PATIENCE),
        slot(identity.get("two-factor", TwoFactor), deadline=PATIENCE),
        slot(identity.get("passkeys", PasskeyList), deadline=PATIENCE),
        slot(identity.get("sessions", Sessions), deadline=PATIENCE),
        page.load_organisations(PATIENCE),  # where the rest is managed, and whose rules it follows
    )
    return Security(me, methods, two_factor, passkeys, sessions, organisations)


async def methods_of(page: Page) -> SignInMethods:
    """The person's sign-in methods: what may be offered to them, and what they have."""
    return await page.services.identity.get("auth/sign-in-methods", SignInMethods)


def why_not_accepted(client_name: str | None, methods: SignInMethods | None) -> str:
    """Who accepts what, as the reason why something else does not let the person in."""
    names = [_(METHODS[each.method]) for each in (methods.items if methods else []) if each.accepted]
    only = formats.listed(names)
    if client_name:
        return _("{client} accepts {methods} only.", client=isolated(client_name), methods=only)
    return _("Your organisations accept {methods} only.", methods=only)


async def session(services: Services, session_id: UUID) -> Session:
    """One of the person's own sessions. Raises `NotFound` for every other, and for one that has ended."""
    found = await services.identity.get("sessions", Sessions)
    session = next((each for each in found.items if each.id == session_id), None)
    if session is None:
        raise NotFound
    return session
