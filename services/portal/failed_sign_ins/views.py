"""Who tried to sign in and could not, from the audit log; names come from identity, for the log holds none."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.portal.people.answers import Person
from services.portal.security.answers import named
from services.portal.services import WIDGET_DEADLINE, Services, slot
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing

PER_PAGE = 25
METHODS = {
    "password": marked("Password"),
    "magic_link": marked("Link or code by mail"),
    "passkey": marked("Passkey"),
    "sso": marked("Single sign-on"),
    "invitation": marked("Invitation"),
}
REASONS = {
    "unknown": marked("No such account"),
    "wrong": marked("Wrong password, link or code"),
    "second_factor": marked("Second factor missing or wrong"),
    "closed": marked("Account or portal closed"),
    "method": marked("Sign-in method not allowed for the client"),
    "network": marked("Outside the client's networks"),
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """From where it was tried, as far as that is kept."""

    ip: str | None = None
    device_type: str | None = None
    browser: str | None = None
    platform: str | None = None

    @property
    def device(self) -> str:
        return named(self.browser, self.platform)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt (`GET audit?type=failed_login`); `subject` is the person where the address was known."""

    id: UUID
    subject: UUID
    at: datetime
    client_id: UUID | None = None
    session: Place | None = None
    detail: dict[str, Any] = {}

    @property
    def reason(self) -> str:
        said = str(self.detail.get("reason", ""))
        return _(REASONS[said]) if said in REASONS else said.replace("_", " ").capitalize()

    @property
    def method(self) -> str:
        return _(METHODS.get(str(self.detail.get("method", "")), ""))

    @property
    def known(self) -> bool:
        """Whether the address belongs to somebody."""
        return self.detail.get("reason") != "unknown"


class Attempts(msgspec.Struct, frozen=True):
    """A page of attempts, newest first, and the people they stand for."""

    items: list[Attempt]
    people: dict[UUID, Person]
    next_cursor: str | None


async def listed(services: Services, client_id: UUID | None, cursor: str) -> Attempts:
    """A page of attempts. A name that identity does not tell in time is left out."""
    found = await services.activity.get(
        "audit", Listing[Attempt], type="failed_login", client_id=client_id, cursor=cursor, limit=PER_PAGE
    )
    wanted = {attempt.subject for attempt in found.items if attempt.known}
    answers = await asyncio.gather(
        *(slot(services.identity.get(f"people/{each}", Person), deadline=2 * WIDGET_DEADLINE) for each in wanted)
    )
    people = {answer.value.id: answer.value for answer in answers if answer.value}
    return Attempts(found.items, people, found.next_cursor)
