"""The page of a client's person, the only one they have: details, access, project roles and sign-in."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar.response import Template

from services.portal.contacts import views
from services.portal.edits import Edit
from services.portal.page import Page
from services.portal.people import views as people
from services.portal.people.answers import ResetLink


class Tried(msgspec.Struct, frozen=True):
    """What was just tried on the page and refused: the form with what was typed, or why not. Or a link, shown once."""

    status: int = 200
    refused: str = ""
    contact: Edit | None = None
    details: Edit | None = None
    roles: Edit | None = None
    missing: Sequence[str] = ()
    reset: ResetLink | None = None


async def show(page: Page, contact_id: UUID, tried: Tried | None = None) -> Template:
    """Everything about them; what the reader may not change they may read."""
    tried = tried or Tried()
    contact, client = await views.contact(page.services, contact_id)
    found = await people.detail(page.services, page.actor, contact_id, tried.roles)
    return await page.show(
        "contacts/page.html",
        section="clients",
        status=tried.status,
        contact=contact,
        client=client,
        found=found,
        tried=tried,
        form=tried.contact or Edit(views.inputs(contact)),
        details=tried.details or people.details(found.person),
        project_roles=tried.roles or Edit(people.roles_of(found).inputs),
        roles=people.ROLES,
    )
