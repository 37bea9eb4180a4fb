"""Failed sign-ins, for staff who may read the audit log."""

from typing import Annotated

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Template

from services.portal.area import Area, Entry
from services.portal.failed_sign_ins import views
from services.portal.page import Page
from shared.claims import require_policy
from shared.language import marked

Cursor = Annotated[str, Parameter(max_length=400)]


@get("/failed-sign-ins")
async def failed_sign_ins(page: Page, cursor: Cursor = "") -> Template:
    """Who tried and could not, of the chosen client or of all; HTMX gets the next rows alone."""
    found = await views.listed(page.services, page.chosen_client, cursor)
    if page.is_fragment:
        return page.fragment("failed_sign_ins/rows.html", found=found)
    return await page.show("failed_sign_ins/page.html", section="failed-sign-ins", found=found)


router = Router(path="/", route_handlers=[failed_sign_ins], guards=[require_policy("viewAudit")])
area = Area(
    pages=[router],
    chapters=("failed-sign-ins",),
    entry=Entry(
        path="/failed-sign-ins",
        label=marked("Failed sign-ins"),
        icon="shield-lock",
        office=True,
        who=lambda page: page.actor.can("viewAudit"),
    ),
)
