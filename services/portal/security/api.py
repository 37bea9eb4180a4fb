"""How one gets in, and where one is signed in. What each of the ways needs has a page of its own."""

from uuid import UUID

from litestar import Router, get, post
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Redirect, Template

from services.portal.area import Area
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.security import views
from services.portal.security.answers import Revoked
from services.portal.security.email import router as email
from services.portal.security.passkeys.api import router as passkeys
from services.portal.security.password import router as password
from services.portal.security.two_factor.api import router as two_factor
from services.portal.services import ServiceProblem
from shared.actor import Actor
from shared.claims import Connection
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.language import ngettext
from shared.texts import isolated

HOME = "/security"


async def refuse_account_of_another(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of every page: what somebody signs in with is no part of their portal as staff see it, and a client as
    a whole is nobody who has a profile. The viewer's own would stand there for the client's.
    """
    actor: Actor = connection.scope["auth"]
    if not actor.read_only or connection.route_handler.opt.get("while_viewing"):
        return
    hidden = (HOME,) if actor.seen_as else (HOME, "/profile", "/settings")
    if f"/{connection.scope['path'].split('/')[1]}" in hidden:
        raise Forbidden(_("What somebody signs in with is theirs alone."))


@get(HOME)
async def overview(page: Page) -> Template:
    """Sign-in methods and sessions."""
    return await page.show("security/page.html", section="security", security=await views.load(page))


@get(f"{HOME}/sessions/{{session_id:uuid}}/end")
async def ask_to_end(page: Page, session_id: UUID) -> Template:
    """Sure?"""
    session = await views.session(page.services, session_id)
    question = Question(
        title=_("Sign out {name}?", name=isolated(session.name)),
        text=_("That browser is signed out at once. To come back, it has to sign in again."),
        action=page.path,
        yes=_("Sign out"),
        back=HOME,
        danger=True,
    )
    return await ask(page, question, section="security")


@post(f"{HOME}/sessions/{{session_id:uuid}}/end")
async def end(page: Page, session_id: UUID) -> Redirect:
    """Sign out one browser. One that has ended in the meantime is signed out as well."""
    try:
        await page.services.identity.delete(f"sessions/{session_id}")
    except ServiceProblem as problem:
        if problem.status != 404:
            raise
        return page.go(HOME, _("It was signed out already"), tone="info")
    return page.go(HOME, _("That browser is signed out"))


@get(f"{HOME}/sessions/others/end")
async def ask_to_end_others(page: Page) -> Template:
    """Sure?"""
    question = Question(
        title=_("Sign out everywhere else?"),
        text=_("Every browser but this one is signed out at once."),
        action=page.path,
        yes=_("Sign out the others"),
        back=HOME,
        danger=True,
    )
    return await ask(page, question, section="security")


@post(f"{HOME}/sessions/others/end")
async def end_others(page: Page) -> Redirect:
    """Sign out every browser but this one."""
    ended = (await page.services.identity.post("sessions/revoke-others", Revoked)).revoked
    if not ended:
        return page.go(HOME, _("There was no other browser to sign out"))
    return page.go(HOME, ngettext("One other browser is signed out", "{count} other browsers are signed out", ended))


router = Router(path="/", route_handlers=[overview, ask_to_end, end, ask_to_end_others, end_others])
area = Area(pages=[router, email, password, passkeys, two_factor], chapters=("security",))
