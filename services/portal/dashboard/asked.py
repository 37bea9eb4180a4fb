"""Whom somebody can ask who sees no project."""

import asyncio

import msgspec

from services.portal.people.answers import Person
from services.portal.services import Services, slot
from shared.pagination import Page as Listing


class CompanyContact(msgspec.Struct, frozen=True):
    """Whom at the company somebody can write to."""

    name: str
    email: str


class Contacts(msgspec.Struct, frozen=True):
    """`GET auth/contacts`."""

    company: CompanyContact | None = None


class Asked(msgspec.Struct, frozen=True):
    """Their own primary contacts with access, and somebody of the company; true where there is anybody."""

    contacts: list[Person] = []
    company: CompanyContact | None = None

    def __bool__(self) -> bool:
        return bool(self.contacts or self.company)


async def whom_to_ask(services: Services) -> Asked:
    """Whom, as far as that can be said now."""
    found, known = await asyncio.gather(
        slot(services.identity.get("people", Listing[Person], primary="true", access="true")),
        slot(services.identity.get("auth/contacts", Contacts)),
    )
    return Asked(found.value.items if found.value else [], known.value.company if known.value else None)
