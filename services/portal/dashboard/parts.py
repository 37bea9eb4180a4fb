"""The parts of the dashboard alone, as they are now."""

from litestar import Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from services.portal.area import Areas, Widget
from services.portal.page import Page


def router(areas: Areas) -> Router:
    """A route for each part that an area brings. The service that has its content says who may read it."""
    return Router(path="/widgets/dashboard", route_handlers=[_route(each) for each in areas.widgets("dashboard")])


def _route(widget: Widget) -> HTTPRouteHandler:
    @get(f"/{widget.name}")
    async def show(page: Page) -> Template:
        slot = await widget.load(page, page.client_id, None)
        return page.part(widget.template, slot, widget=widget)

    return show
