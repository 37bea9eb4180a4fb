"""The identity service: clients, people, permissions, sign-in and sessions."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Litestar, Request
from litestar.di import Provide

from services.identity.api_clients.api import router as api_clients
from services.identity.assignments.api import router as assignments
from services.identity.brand.api import router as brand
from services.identity.brand.queries import Defaults
from services.identity.bulk_invitations.api import router as bulk_invitations
from services.identity.bulk_invitations.worker import Inviter
from services.identity.clients.api import router as clients
from services.identity.consumers import consumers
from services.identity.contacts.api import router as contacts
from services.identity.correspondence import AUTHORS
from services.identity.email_changes.api import router as email_changes
from services.identity.fresh_proof import require_proof
from services.identity.invitations.api import router as invitations
from services.identity.mails import orders
from services.identity.mails.api import router as mails
from services.identity.mails.commands import Authors
from services.identity.mails.mailer import Mailer
from services.identity.mails.server import MailServer
from services.identity.mails.writing import Writing
from services.identity.oauth.api import routers as oauth
from services.identity.oauth.keys import TokenKeys
from services.identity.oauth.queries import own_verifier
from services.identity.oauth.server import Issuer
from services.identity.one_time_tokens.api import router as mailed_links
from services.identity.organisations.api import router as organisations
from services.identity.passkeys.api import router as passkeys
from services.identity.passkeys.relying_party import RelyingParty
from services.identity.password_changes.api import router as password_changes
from services.identity.people.api import router as people
from services.identity.people.passwords import OWASP_MEMORY, Passwords
from services.identity.pictures.api import router as pictures
from services.identity.policies.api import router as policies
from services.identity.project_teams.api import router as project_teams
from services.identity.recording.api import record_visits
from services.identity.second_factors.api import router as second_factors
from services.identity.second_factors.totp import Totp
from services.identity.sessions.api import routers as sessions
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.commands import attempt_by
from services.identity.sessions.cookies import Cookies
from services.identity.sessions.entry import Door
from services.identity.sessions.limits import AttemptLimits
from services.identity.sessions.models import Attempt, Lifetime, Lifetimes
from services.identity.settings import IdentitySettings
from services.identity.sign_in_links.api import router as sign_in_links
from services.identity.sign_in_methods.api import router as sign_in_methods
from services.identity.single_sign_on.api import router as single_sign_on
from services.identity.single_sign_on.openid import OpenId
from services.identity.single_sign_on.outgoing import Outgoing
from services.identity.step_up.api import router as step_up
from services.identity.team.api import router as team
from services.identity.viewing.api import router as viewing
from shared.actor import Actor
from shared.cache import Cache
from shared.config import SettingsError
from shared.database import ReadOnly
from shared.errors import Unauthorized
from shared.http import create_service
from shared.language import gettext as _
from shared.sandbox import Sandbox
from shared.sealing import Sealer

EXAMPLES = Path(__file__).with_name("examples.toml")


def create_app(settings: IdentitySettings) -> Litestar:
    """The identity service."""
    cache = Cache(settings.redis_url)
    limits = AttemptLimits(cache, settings.people_per_address)
    session_cache, cookies = SessionCache(cache), Cookies(settings.public_url)
    lifetimes = _lifetimes(settings)
    sealer = Sealer(settings.secrets_key)
    passwords = _passwords(settings)
    authors = {**AUTHORS, orders.KIND: orders.author(Sealer(settings.orders_key, "PORTAL_ORDERS_KEY"))}
    mailer = _mailer(settings, authors)
    inviter = Inviter(mailer)
    party = RelyingParty(settings.public_url, settings.company_name)
    outgoing = Outgoing(private=settings.private_issuers)
    openid = OpenId(outgoing, settings.public_url)
    defaults = Defaults(settings.company_name, settings.brand_color.lower())
    picture_sandbox = Sandbox("services.identity.pictures.drawing")
    report_sandbox = Sandbox("services.identity.mails.returned")
    issuer = Issuer(settings.public_url, TokenKeys(settings.token_key))

    def door(read: ReadOnly) -> Door:
        return Door(session_cache, cookies, read)

    @asynccontextmanager
    async def background(app: Litestar) -> AsyncGenerator[None]:
        keep, database = app.state.background.keep, app.state.database
        async with (
            keep("mails", partial(mailer.run, database), finish=mailer.stop),
            keep("mail queue", partial(mailer.measure, database)),
            keep("bulk invitations", partial(inviter.run, database)),
        ):
            yield
        passwords.close()
        await outgoing.close()
        await cache.close()

    def asked_by(request: Request[Any, Any, Any]) -> Passwords:
        return passwords.asked_by(request.receive)  # the body is here, so what comes next is that the caller left

    async def attempts() -> AsyncGenerator[AttemptLimits]:
        counted = limits.of_one_request()
        try:
            yield counted
        except Exception as error:
            await counted.excuse(error)
            raise

    def attempt(request: Request[Any, Any, Any], actor: Actor) -> Attempt:
        return attempt_by(actor, request.headers.get("user-agent", ""), lifetimes)

    return create_service(
        "identity",
        settings,
        before_request=require_proof,
        routers=[
            clients,
            contacts,
            bulk_invitations,
            people,
            pictures,
            brand,
            policies,
            assignments,
            team,
            project_teams,
            *sessions,
            record_visits,
            sign_in_links,
            sign_in_methods,
            invitations,
            organisations,
            password_changes,
            email_changes,
            mailed_links,
            mails,
            viewing,
            second_factors,
            step_up,
            passkeys,
            single_sign_on,
            api_clients,
            *oauth,
        ],
        consumers=consumers(session_cache),
        lifespan=[background],
        partner_verifier=own_verifier(issuer.address, issuer.keys),
        stream_replicas=settings.stream_replicas,
        examples=EXAMPLES,
        dependencies={
            "attempt": Provide(attempt, sync_to_thread=False),
            "me": Provide(_me, sync_to_thread=False),
            "door": Provide(door, sync_to_thread=False),
            "session_cache": Provide(lambda: session_cache, sync_to_thread=False),
            "jar": Provide(lambda: cookies, sync_to_thread=False),
            "passwords": Provide(asked_by, sync_to_thread=False),
            "totp": Provide(lambda: Totp(sealer, settings.company_name), sync_to_thread=False),
            "issuer": Provide(lambda: issuer, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "limits": Provide(attempts),
            "brand_defaults": Provide(lambda: defaults, sync_to_thread=False),
            "picture_sandbox": Provide(lambda: picture_sandbox, sync_to_thread=False),
            "report_sandbox": Provide(lambda: report_sandbox, sync_to_thread=False),
            "authors": Provide(lambda: authors, sync_to_thread=False),
            "sealer": Provide(lambda: sealer, sync_to_thread=False),
            "party": Provide(lambda: party, sync_to_thread=False),
            "openid": Provide(lambda: openid, sync_to_thread=False),
            "mailer": Provide(lambda: mailer, sync_to_thread=False),
            "inviter": Provide(lambda: inviter, sync_to_thread=False),
        },
    )


def _me(actor: Actor) -> UUID:
    """The signed-in person's id."""
    if actor.id is None:
        raise Unauthorized(_("Sign in first."))
    return actor.id


def _passwords(settings: IdentitySettings) -> Passwords:
    if settings.env != "embedded" and settings.password_memory < OWASP_MEMORY:
        raise SettingsError(f"PORTAL_PASSWORD_MEMORY is at least {OWASP_MEMORY}, except in the embedded stack")
    return Passwords(settings.password_threads, settings.password_queue, settings.password_memory)


def _lifetimes(settings: IdentitySettings) -> Lifetimes:
    client = Lifetime(timedelta(days=settings.session_client_days), timedelta(days=settings.session_client_idle_days))
    staff = Lifetime(timedelta(hours=settings.session_staff_hours), timedelta(hours=settings.session_staff_idle_hours))
    return Lifetimes(client=client, staff=staff)


def _mailer(settings: IdentitySettings, authors: Authors) -> Mailer:
    writing = Writing(
        public_url=settings.public_url,
        sender=settings.mail_from,
        company=settings.company_name,
        brand_color=settings.brand_color,
    )
    return Mailer(authors, writing, MailServer(settings.smtp_url, settings.mail_from))
