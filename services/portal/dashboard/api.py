"""The first page after signing in. What stands on it, the areas say."""

from litestar import Router, get
from litestar.response import Template

from services.portal.area import Area, Closable, Entry, Widget
from services.portal.dashboard import views
from services.portal.dashboard.asked import whom_to_ask
from services.portal.formats import greeting
from services.portal.page import Page
from shared.language import marked


@get("/")
async def dashboard(page: Page) -> Template:
    """The whole dashboard; a widget that is late comes as a skeleton that loads itself."""
    words = greeting(page.actor.reader.name, page.zone)
    if not page.sees_projects:
        ask = await whom_to_ask(page.services)
        return await page.show("dashboard/waiting.html", section="dashboard", greeting=words, ask=ask)
    board = await views.load(page)
    return await page.show("dashboard/page.html", section="dashboard", of_all=True, greeting=words, board=board)


area = Area(
    pages=[Router(path="/", route_handlers=[dashboard])],
    chapters=("dashboard",),
    entry=Entry(path="/", label=marked("Dashboard"), icon="layout-dashboard"),
    module=Closable(
        name="figures",
        label=marked("Key figures"),
        about=marked("The numbers at the top of the dashboard. The next deadline names its project."),
    ),
    widgets=[
        Widget(
            name="kpis",
            template="dashboard/kpis.html",
            load=views.kpis,
            where="dashboard",
            who=lambda page: page.has("figures"),
            place="top",
        ),
        Widget(
            name="clients",
            template="dashboard/clients.html",
            load=views.clients,
            where="dashboard",
            who=lambda page: page.client_id is None,
            place="top",
        ),
        Widget(
            name="coming",
            template="dashboard/coming.html",
            load=views.coming,
            where="dashboard",
            who=lambda page: page.client_id is not None and page.has("projects"),
            place="side",
        ),
    ],
)
