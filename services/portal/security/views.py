"""What the security page shows: how one gets in, and the browsers in which one is signed in."""

import asyncio
from uuid import UUID

import msgspec

from services.portal.answers import Me, Organisation, PasskeyList, Session, Sessions, TwoFactor
from services.portal.clients import Services, Slot, slot
from services.portal.page import Page
from shared.errors import NotFound

PATIENCE = 2.0
"""Seconds a part of the page may take: worth waiting for, and yet the page stands without it."""


class Security(msgspec.Struct, frozen=True):
    me: Me
    two_factor: Slot[TwoFactor]
    passkeys: Slot[PasskeyList]
    sessions: Slot[Sessions]
    organisations: list[Organisation] = []

    @property
    def is_elsewhere(self) -> bool:
        """Whether the person manages how they sign in at another of their organisations."""
        return any(each.current and not each.home for each in self.organisations)

    @property
    def home(self) -> Organisation | None:
        """Which one that is, where it is known."""
        return next((each for each in self.organisations if each.home), None)

    @property
    def others(self) -> int:
        """How many other browsers are signed in."""
        return sum(not session.current for session in self.sessions.value.items) if self.sessions.value else 0


async def load(page: Page) -> Security:
    """The person, and each part as far as it answers."""
    identity = page.services.identity
    me, two_factor, passkeys, sessions, organisations = await asyncio.gather(
        identity.get("auth/me", Me),
        slot(identity.get("two-factor", TwoFactor), deadline=PATIENCE),
        slot(identity.get("passkeys", PasskeyList), deadline=PATIENCE),
        slot(identity.get("sessions", Sessions), deadline=PATIENCE),
        page.load_organisations(PATIENCE),  # they decide which of the two lists is shown
    )
    return Security(me, two_factor, passkeys, sessions, organisations)


async def session(services: Services, session_id: UUID) -> Session:
    """One of the person's own sessions. Raises `NotFound` for every other, and for one that has ended."""
    found = await services.identity.get("sessions", Sessions)
    session = next((each for each in found.items if each.id == session_id), None)
    if session is None:
        raise NotFound
    return session
