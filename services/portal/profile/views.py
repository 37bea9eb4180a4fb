"""What the profile shows: the person, and the browsers in which they are signed in."""

import asyncio
from uuid import UUID

import msgspec

from services.portal.answers import Me, Session, Sessions
from services.portal.clients import Services, Slot, slot
from services.portal.forms import Form
from shared.errors import NotFound


class Profile(msgspec.Struct, frozen=True):
    me: Me
    sessions: Slot[Sessions]

    @property
    def others(self) -> int:
        """How many other browsers are signed in."""
        return sum(not session.current for session in self.sessions.value.items) if self.sessions.value else 0


async def load(services: Services) -> Profile:
    """The person, and their sessions: worth waiting for, and yet the page stands without them."""
    me, sessions = await asyncio.gather(
        services.identity.get("auth/me", Me), slot(services.identity.get("sessions", Sessions), deadline=None)
    )
    return Profile(me, sessions)


async def session(services: Services, session_id: UUID) -> Session:
    """One of the person's own sessions. Raises `NotFound` for every other, and for one that has ended."""
    found = await services.identity.get("sessions", Sessions)
    session = next((each for each in found.items if each.id == session_id), None)
    if session is None:
        raise NotFound
    return session


def inputs(me: Me) -> dict[str, object]:
    return {"first_name": me.first_name, "last_name": me.last_name}


def body(form: Form) -> dict[str, object]:
    """What the form asks for."""
    form.require(first_name="Enter your first name.", last_name="Enter your last name.")
    return {name: form.values[name] for name in ("first_name", "last_name")}
