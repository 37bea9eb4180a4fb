"""The portal's composition root: the web front end over identity, projects and activity."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

import aiohttp
from litestar import Litestar, Request
from litestar.config.compression import CompressionConfig
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.types import Message, Scope

from services.portal.areas import AREAS
from services.portal.assets import Assets, brand_file, static_file
from services.portal.clients import parts as client_parts
from services.portal.dashboard import parts as dashboard_parts
from services.portal.failures import EXCEPTION_HANDLERS, not_found
from services.portal.help.guide import Guide
from services.portal.kept_form.views import Forms
from services.portal.organisations.elsewhere import lead_elsewhere
from services.portal.page import Page
from services.portal.security.api import refuse_account_of_another
from services.portal.sent import read_form, refuse_form_of_another
from services.portal.services import UPSTREAMS, Services, Upstream
from services.portal.settings import PortalSettings
from services.portal.templating import template_config
from shared import language
from shared.actor import Actor
from shared.http import OwnRouter, create_service
from shared.sealing import Sealer

AnyRequest = Request[Any, Any, Any]

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: PortalSettings) -> Litestar:
    """The web pages. `img-src data:` is for Tabler's form controls, whose ticks and arrows are inline images."""
    upstreams = {name: Upstream(settings.upstream(name)) for name in UPSTREAMS}
    assets, guide = material()
    forms = Forms(Sealer(settings.secrets_key))
    areas = [OwnRouter(path="/", route_handlers=[*area.pages], opt={"chapters": area.chapters}) for area in AREAS]
    templates, branding = template_config(assets, settings)
    parts = [dashboard_parts.router(AREAS), client_parts.router(AREAS)]
    pages = OwnRouter(
        path="/",
        route_handlers=[static_file, brand_file, not_found, *areas, *parts],
        guards=[lead_elsewhere, refuse_account_of_another, refuse_form_of_another],
        include_in_schema=False,
    )
    return create_service(
        "portal",
        settings,
        routers=[pages],
        lifespan=[_connections],
        dependencies={
            "services": Provide(_services, sync_to_thread=False),
            "page": Provide(_page, sync_to_thread=False),
            "forms": Provide(lambda: forms, sync_to_thread=False),
            "refresh_brand": Provide(_refresh_brand, sync_to_thread=False),
        },
        guards=[read_form],
        exception_handlers=EXCEPTION_HANDLERS,
        template_config=templates,
        compression_config=CompressionConfig(backend="brotli", brotli_quality=4, exclude=["^/static/"]),
        before_send=[_add_headers],
        state=State(
            {
                "assets": assets,
                "areas": AREAS,
                "branding": branding,
                "forms": forms,
                "guide": guide,
                "settings": settings,
                "upstreams": upstreams,
            }
        ),
    )


@cache
def material() -> tuple[Assets, Guide]:
    """The files of the design, and the guide: made ready once in a process and those that are copies of it."""
    assets = Assets()
    return assets, Guide(assets.url)


@asynccontextmanager
async def _connections(app: Litestar) -> AsyncGenerator[None]:
    """One pool of connections to the services for the whole process; cookies are never kept between callers."""
    # By service: one that hangs holds its own connections and nobody else's.
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=100)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        app.state.http = http
        identity = app.state.upstreams["identity"].origin
        async with app.state.background.keep("brand", partial(app.state.branding.run, http, identity)):
            yield


def _refresh_brand(state: State) -> Callable[[], Awaitable[None]]:
    """Looks at once whether the company looks otherwise: whoever published it sees it on the next page."""
    return partial(state.branding.ask, state.http, state.upstreams["identity"].origin)


def _services(request: AnyRequest, state: State) -> Services:
    return Services(state.http, state.upstreams, request)


def _page(request: AnyRequest, actor: Actor, services: Services) -> Page:
    return Page(request, actor, services)


async def _add_headers(message: Message, _scope: Scope) -> None:
    """Security headers on everything; pages are nobody's to keep: they show one person's data, in one language."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    if headers.get("Content-Type", "").startswith(("text/html", "text/plain")):
        for name, value in language.headers().items():
            headers.extend_header_value(name, value)
