"""One's own profile: the name and details others see."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area, Closable, Entry
from services.portal.edits import Edit
from services.portal.forms import Form, Typed, Uploaded, file_of
from services.portal.page import Page
from services.portal.profile import views
from services.portal.profile.answers import Picture, Pictures
from services.portal.services import ServiceProblem, slot
from shared.language import gettext as _
from shared.language import marked


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
            return page.go("/profile", _("Your details are saved") if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, await page.services.identity.get("auth/me", Me), form)


@post("/profile/picture")
async def show_picture(page: Page, data: Uploaded) -> Template | Redirect:
    """Set one's own picture."""
    form = Form({"image": ""})
    if image := await file_of(data, "image"):
        try:
            await page.services.identity.put("people/me/picture", Picture, {"image": image})
            return page.go("/profile", _("Your picture is saved"))
        except ServiceProblem as problem:
            form.refuse(problem)
    else:
        form.errors["image"] = _("Choose a file.")
    me = await page.services.identity.get("auth/me", Me)
    return await _show(page, me, Edit(views.inputs(me)), form)


@post("/profile/picture/remove")
async def remove_picture(page: Page, data: Typed) -> Redirect:  # noqa: ARG001 - read for whom it was opened
    """Have none."""
    await page.services.identity.delete("people/me/picture")
    return page.go("/profile", _("Your picture is removed"))


async def _show(page: Page, me: Me, form: Edit, picture_form: Form | None = None) -> Template:
    pictures = await slot(page.services.identity.get("people/pictures", Pictures, id=[me.id]))
    return await page.show(
        "profile/page.html",
        section="profile",
        status=picture_form.status if picture_form else form.status,
        me=me,
        form=form,
        picture_form=picture_form or Form({"image": ""}),
        picture=next(iter(pictures.value.items), None) if pictures.value else None,
    )


router = Router(path="/", route_handlers=[profile, save, show_picture, remove_picture])
area = Area(
    pages=[router],
    chapters=("profile",),
    entry=Entry(path="/profile", label=marked("Profile"), icon="user-circle", who=lambda page: page.is_somebodys),
    actions=[
        Closable(
            name="edit_profile",
            label=marked("Change their own details"),
            about=marked("Name, job title and phone. Passwords and sessions are always theirs."),
        )
    ],
)
