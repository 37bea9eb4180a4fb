"""One's own profile: the name others see, and where one is signed in."""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me, Revoked
from services.portal.clients import ServiceProblem
from services.portal.edits import Edit
from services.portal.forms import Typed
from services.portal.page import Page
from services.portal.profile import views
from services.portal.questions import Question, ask


@get("/profile")
async def profile(page: Page) -> Template:
    """The person and their sessions."""
    found = await views.load(page.services)
    return await _show(page, found, Edit(views.inputs(found.me)))


@post("/profile")
async def rename(page: Page, data: Typed) -> Template | Redirect:
    """Change one's own name."""
    form = Edit.sent(data)
    body = views.body(form)
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                await page.services.identity.patch("people/me", Me, changes)
            return page.go("/profile", "Your name is saved" if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, await views.load(page.services), form)


@get("/profile/sessions/{session_id:uuid}/end")
async def ask_to_end(page: Page, session_id: UUID) -> Template:
    """Sure?"""
    session = await views.session(page.services, session_id)
    question = Question(
        title=f"Sign out {session.name}?",
        text="That browser is signed out at once. To come back, it has to sign in again.",
        action=page.path,
        yes="Sign out",
        back="/profile",
        danger=True,
    )
    return await ask(page, question, section="profile")


@post("/profile/sessions/{session_id:uuid}/end")
async def end(page: Page, session_id: UUID) -> Redirect:
    """Sign out one browser. One that has ended in the meantime is signed out as well."""
    try:
        await page.services.identity.delete(f"sessions/{session_id}")
    except ServiceProblem as problem:
        if problem.status != 404:
            raise
        return page.go("/profile", "It was signed out already", tone="info")
    return page.go("/profile", "That browser is signed out")


@get("/profile/sessions/others/end")
async def ask_to_end_others(page: Page) -> Template:
    """Sure?"""
    question = Question(
        title="Sign out everywhere else?",
        text="Every browser but this one is signed out at once.",
        action=page.path,
        yes="Sign out the others",
        back="/profile",
        danger=True,
    )
    return await ask(page, question, section="profile")


@post("/profile/sessions/others/end")
async def end_others(page: Page) -> Redirect:
    """Sign out every browser but this one."""
    ended = (await page.services.identity.post("sessions/revoke-others", Revoked)).revoked
    words = {0: "There was no other browser to sign out", 1: "One other browser is signed out"}
    return page.go("/profile", words.get(ended, f"{ended} other browsers are signed out"))


async def _show(page: Page, found: views.Profile, form: Edit) -> Template:
    return await page.show("profile/page.html", section="profile", status=form.status, profile=found, form=form)


router = Router(path="/", route_handlers=[profile, rename, ask_to_end, end, ask_to_end_others, end_others])
