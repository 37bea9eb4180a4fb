"""What staff see and enter about a client's contacts."""

from uuid import UUID

from services.portal.clients.answers import ClientAccess, Contact
from services.portal.forms import Form
from services.portal.page import Page
from services.portal.services import ServiceProblem, Services
from shared.addresses import shown_address
from shared.pagination import Page as Listing

TEXTS = ("first_name", "last_name", "email", "phone", "title", "language")
DECIDES_ACCESS = ("email", "is_primary_contact", "active")
"""Fields of somebody with access that decide whether they can sign in: for staff who manage portal access."""
MOST = 50
COLUMNS = ("name", "portal_access", "-last_sign_in_at")
"""What the table is sorted by."""


async def listed(services: Services, client_id: UUID, q: str, sort: str, cursor: str) -> Listing[Contact]:
    """A client's contacts."""
    path = f"clients/{client_id}/contacts"
    return await services.identity.get(path, Listing[Contact], q=q, sort=sort, cursor=cursor, limit=MOST)


async def client(services: Services, client_id: UUID) -> ClientAccess:
    return await services.identity.get(f"clients/{client_id}", ClientAccess)


async def contact(services: Services, contact_id: UUID) -> tuple[Contact, ClientAccess]:
    """One contact, and whose."""
    found = await services.identity.get(f"contacts/{contact_id}", Contact)
    return found, await client(services, found.client_id)


def lost_invitation(contact: Contact) -> bool:
    """Whether they have access and no way to it: what was mailed to their address before cannot be used any more."""
    return contact.portal_access and not contact.has_account and contact.invitation.status == "none"


def inputs(contact: Contact) -> dict[str, object]:
    """A contact as the form shows them."""
    stored: dict[str, object] = {name: getattr(contact, name) or "" for name in TEXTS}
    stored["email"] = shown_address(contact.email or "")
    return stored | {name: "on" if getattr(contact, name) else "" for name in ("is_primary_contact", "active")}


def body(form: Form) -> dict[str, object]:
    """What the form asks for; what it leaves open is asked for here."""
    form.require_name()
    texts: dict[str, object] = {name: form.values[name] for name in TEXTS}
    return texts | {
        "email": form.values["email"] or None,
        "is_primary_contact": bool(form.values["is_primary_contact"]),
    }


async def within_rights(page: Page, contact_id: UUID, body: dict[str, object]) -> dict[str, object]:
    """`body` without the fields that decide who can sign in, for staff who may not change those."""
    if page.actor.can("managePortalAccess"):
        return body
    found = await page.services.identity.get(f"contacts/{contact_id}", Contact)
    return {name: value for name, value in body.items() if not found.portal_access or name not in DECIDES_ACCESS}


def lacking(problem: ServiceProblem) -> list[str]:
    """Why somebody cannot get access, sentence by sentence. Raises the problem again if it is another one."""
    if problem.status not in (409, 422):
        raise problem
    return list(problem.fields.values()) or [problem.detail]
