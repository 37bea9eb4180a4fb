"""A client's contacts, for staff: its address book."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.clients.answers import Contact
from services.portal.contacts import views
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from services.portal.sorting import Sorting
from shared.claims import require_policy, require_staff
from shared.language import gettext as _
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
manage_clients = require_policy("manageClients")


@get("/clients/{client_id:uuid}/contacts")
async def contacts(page: Page, client_id: UUID, q: Short = "", sort: Short = "", cursor: Short = "") -> Template:
    """A client's contacts, searched as one types; HTMX gets the rows alone."""
    q = q.strip()
    sorting = Sorting(page.path, {"q": q}, views.COLUMNS, sort, "contact-list")
    found = await views.listed(page.services, client_id, q, sorting.by, cursor)
    shown: dict[str, Any] = {"found": found, "q": q, "sorting": sorting, "cursor": cursor, "client_id": client_id}
    if page.is_fragment:
        return page.fragment("clients/contact_rows.html", **shown)
    client = await views.client(page.services, client_id)
    return await page.show("clients/contacts.html", section="clients", client=client, **shown)


@get("/clients/{client_id:uuid}/contacts/export", media_type="text/csv")
async def export(page: Page, client_id: UUID) -> Response[bytes]:
    """All of a client's contacts as a file, in the language of the page."""
    file = await page.services.identity.get(f"clients/{client_id}/contacts.csv", bytes)
    return Response(file, headers={"Content-Disposition": 'attachment; filename="contacts.csv"'})


@get("/clients/{client_id:uuid}/contacts/new", guards=[manage_clients])
async def new(page: Page, client_id: UUID) -> Template:
    """The form for a new contact."""
    client = await views.client(page.services, client_id)
    form = Form({"language": client.language})
    return await page.show("clients/new_contact.html", section="clients", form=form, client=client)


@post("/clients/{client_id:uuid}/contacts/new", guards=[manage_clients])
async def create(page: Page, client_id: UUID, data: Typed) -> Template | Redirect:
    """Add a contact."""
    form = Form({name: data.get(name) for name in (*views.TEXTS, "is_primary_contact")})
    body = views.body(form)
    if not form.is_wrong:
        try:
            made = await page.services.identity.post(f"clients/{client_id}/contacts", Contact, body)
            return page.go(f"/contacts/{made.id}", _("{name} is a contact now.", name=isolated(made.name)))
        except ServiceProblem as problem:
            form.refuse(problem)
    client = await views.client(page.services, client_id)
    return await page.show("clients/new_contact.html", section="clients", status=form.status, form=form, client=client)


router = Router(
    path="/", route_handlers=[contacts, export, new, create], guards=[require_staff], opt={"chapters": ("contacts",)}
)
