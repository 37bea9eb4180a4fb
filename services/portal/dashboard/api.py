"""The first page after signing in, and its widgets one by one."""

from typing import Any

from litestar import Router, get
from litestar.response import Template

from services.portal.answers import ProjectCard
from services.portal.dashboard import views
from services.portal.formats import greeting
from services.portal.page import Page
from services.portal.services import Slot


@get("/")
async def dashboard(page: Page) -> Template:
    """The whole dashboard; a widget that is late comes as a skeleton that loads itself."""
    words = greeting(page.actor.reader.name, page.zone)
    if not page.sees_projects:
        contacts, company_contact = await views.whom_to_ask(page.services)
        return await page.show(
            "dashboard/waiting.html",
            section="dashboard",
            greeting=words,
            contacts=contacts,
            company_contact=company_contact,
        )
    board = await views.load(page.services, page.actor, page.client_id)
    asked = await _asked(page, board.projects)
    return await page.show("dashboard/page.html", section="dashboard", greeting=words, board=board, **asked)


async def _asked(page: Page, projects: Slot[list[ProjectCard]] | None) -> dict[str, Any]:
    """Whom one of a client's people can ask, who may see projects and has none."""
    if page.actor.is_staff or projects is None or projects.value != []:
        return {"contacts": [], "company_contact": None}
    contacts, company_contact = await views.whom_to_ask(page.services)
    others = [each for each in contacts if each.id != page.actor.reader.id]
    return {"contacts": others, "company_contact": company_contact}


@get("/widgets/dashboard/kpis")
async def kpis(page: Page) -> Template:
    """The key figures alone."""
    found = await views.kpis(page.services, page.client_id, deadline=None)
    return page.fragment("dashboard/kpis.html", kpis=found)


@get("/widgets/dashboard/projects")
async def projects(page: Page) -> Template:
    """The project cards alone."""
    found = await views.projects(page.services, page.client_id, deadline=None)
    return page.fragment("dashboard/projects.html", projects=found, **await _asked(page, found))


@get("/widgets/dashboard/activity")
async def activity(page: Page) -> Template:
    """The newest activity alone."""
    found = await views.activity(page.services, page.client_id, deadline=None)
    return page.fragment("dashboard/activity.html", activity=found)


router = Router(path="/", route_handlers=[dashboard, kpis, projects, activity])
