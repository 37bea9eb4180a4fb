"""Pictures that people have set, where staff take them down."""

from uuid import UUID

from litestar import Router, post
from litestar.response import Redirect

from services.portal.page import Page
from services.portal.people import views
from shared.claims import require_policy
from shared.language import gettext as _
from shared.texts import isolated


@post("/people/{person_id:uuid}/picture/remove")
async def remove(page: Page, person_id: UUID) -> Redirect:
    """Have somebody shown by their initials."""
    await page.services.identity.delete(f"people/{person_id}/picture")
    found = await views.person(page.services, person_id)
    return page.go(found.path, _("The picture of {name} is removed", name=isolated(found.name)))


router = Router(path="/", route_handlers=[remove], guards=[require_policy("managePeople")])
