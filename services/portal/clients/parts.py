"""The parts of a client's page alone, as they are now."""

from uuid import UUID

from litestar import Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from services.portal.area import Areas, Widget
from services.portal.page import Page
from shared.claims import require_staff


def router(areas: Areas) -> Router:
    """A route for each part that an area brings."""
    parts = [_route(each) for each in areas.widgets("client")]
    return Router(path="/widgets/clients/{client_id:uuid}", route_handlers=parts, guards=[require_staff])


def _route(widget: Widget) -> HTTPRouteHandler:
    @get(f"/{widget.name}")
    async def show(page: Page, client_id: UUID) -> Template:
        slot = await widget.load(page, client_id, None)
        return page.part(widget.template, slot, widget=widget, client_id=client_id)

    return show
