"""The portal's composition root: the web front end over identity, projects and activity."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from litestar import Litestar, Request, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.types import Message, Scope

from services.portal.activity.api import router as activity
from services.portal.api_clients.api import router as api_clients
from services.portal.assets import Assets, static_file
from services.portal.clients.access.api import router as client_access
from services.portal.clients.api import router as clients
from services.portal.clients.contacts import router as client_contacts
from services.portal.clients.recordings.api import router as recordings
from services.portal.clients.single_sign_on import router as client_single_sign_on
from services.portal.confirm_email.api import router as confirm_email
from services.portal.contacts.api import router as contacts
from services.portal.dashboard.api import router as dashboard
from services.portal.failed_sign_ins.api import router as failed_sign_ins
from services.portal.failures import EXCEPTION_HANDLERS, not_found, refuse_form_of_another
from services.portal.forgot_password.api import router as forgot_password
from services.portal.invitation.api import router as invitation
from services.portal.invitations.api import router as invitations
from services.portal.kept_form.api import router as kept_form
from services.portal.kept_form.views import Forms
from services.portal.mailbox.api import router as mailbox
from services.portal.milestones.api import router as milestones
from services.portal.milestones.sharing import router as milestone_sharing
from services.portal.organisations.api import router as organisations
from services.portal.page import Page
from services.portal.people.api import router as people
from services.portal.preferences.api import router as preferences
from services.portal.profile.api import router as profile
from services.portal.projects.api import router as projects
from services.portal.projects.forms import router as project_forms
from services.portal.projects.milestones import router as project_milestones
from services.portal.projects.sharing import router as project_sharing
from services.portal.prove_it.api import router as prove_it
from services.portal.prove_it.passkey import router as prove_it_by_passkey
from services.portal.register.api import router as register
from services.portal.reset_password.api import router as reset_password
from services.portal.security.api import refuse_account_of_another
from services.portal.security.api import router as security
from services.portal.security.email import router as email
from services.portal.security.passkeys.api import router as passkeys
from services.portal.security.password import router as password
from services.portal.security.two_factor.api import router as two_factor
from services.portal.services import Services, Upstream
from services.portal.session.api import router as session
from services.portal.settings import PortalSettings
from services.portal.sign_in.api import router as sign_in
from services.portal.sign_in.passkey import router as sign_in_by_passkey
from services.portal.sign_in.second_factor import router as second_factor
from services.portal.sign_in.single_sign_on import router as single_sign_on
from services.portal.sign_out.api import router as sign_out
from services.portal.switch_client.api import router as switch_client
from services.portal.team.api import router as team
from services.portal.templating import template_config
from services.portal.verify_email.api import router as verify_email
from services.portal.view_as.api import router as view_as
from services.portal.webhooks.api import router as webhooks
from shared.actor import Actor
from shared.http import create_service
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
    assets, forms = Assets(), Forms(Sealer(settings.secrets_key))
    ways_in = [sign_in, sign_in_by_passkey, single_sign_on, second_factor, sign_out, session]
    from_mails = [invitation, register, forgot_password, reset_password, verify_email, confirm_email]
    account = [security, email, password, passkeys, two_factor, prove_it, prove_it_by_passkey, kept_form, preferences]
    for_all = [dashboard, projects, activity, team, profile, mailbox, organisations]
    for_staff = [
        *(view_as, switch_client, clients, client_access, client_contacts, client_single_sign_on, recordings),
        *(contacts, invitations, people, failed_sign_ins, api_clients, webhooks),
        *(project_forms, project_milestones, project_sharing, milestones, milestone_sharing),
    ]
    areas = [static_file, not_found, *ways_in, *from_mails, *account, *for_all, *for_staff]
    pages = Router(
        path="/",
        route_handlers=areas,
        guards=[refuse_account_of_another, refuse_form_of_another],
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
        },
        exception_handlers=EXCEPTION_HANDLERS,
        template_config=template_config(assets, settings),
        compression_config=CompressionConfig(backend="brotli", brotli_quality=4, exclude=["^/static/"]),
        before_send=[_add_headers],
        state=State({"assets": assets, "settings": settings}),
    )


@asynccontextmanager
async def _connections(app: Litestar) -> AsyncGenerator[None]:
    """One pool of connections to the services for the whole process; cookies are never kept between callers."""
    settings: PortalSettings = app.state.settings
    app.state.upstreams = {
        "identity": Upstream(settings.upstream_identity),
        "projects": Upstream(settings.upstream_projects),
        "activity": Upstream(settings.upstream_activity),
    }
    # By service: one that hangs holds its own connections and nobody else's.
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=100)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        app.state.http = http
        yield


def _services(request: AnyRequest, state: State) -> Services:
    return Services(state.http, state.upstreams, request)


def _page(request: AnyRequest, actor: Actor, services: Services) -> Page:
    return Page(request, actor, services)


async def _add_headers(message: Message, _scope: Scope) -> None:
    """Security headers on everything; pages are nobody's to keep: they show one person's data."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
