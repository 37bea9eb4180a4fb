"""One's own profile: the name and details others see."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area, Closable, Entry
from services.portal.edits import Edit
from services.portal.forms import Typed
from services.portal.page import Page
from services.portal.profile import views
from services.portal.services import ServiceProblem


@get("/profile")
async def profile(page: Page) -> Template:
    """The person."""
    me = await page.services.identity.get("auth/me", Me)
    return await _show(page, me, Edit(views.inputs(me)))


@post("/profile")
async def save(page: Page, data: Typed) -> Template | Redirect:
    """Change one's own details."""
    form = Edit.sent(data)
    body = views.body(form)
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                await page.services.identity.patch("people/me", Me, changes)
            return page.go("/profile", "Your details are saved" if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, await page.services.identity.get("auth/me", Me), form)


async def _show(page: Page, me: Me, form: Edit) -> Template:
    return await page.show("profile/page.html", section="profile", status=form.status, me=me, form=form)


router = Router(path="/", route_handlers=[profile, save])
area = Area(
    pages=[router],
    entry=Entry(path="/profile", label="Profile", icon="user-circle"),
    actions=[
        Closable(
            name="edit_profile",
            label="Change their own details",
            about="Name, job title and phone. Passwords and sessions are always theirs.",
        )
    ],
)
