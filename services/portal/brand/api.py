"""How the company looks, for staff who manage it: a draft is changed, looked at, and published or discarded."""

from collections.abc import Awaitable, Callable

from litestar import Response, Router, get, post
from litestar.response import Redirect, Template

from services.portal.area import Area, Entry
from services.portal.brand import views
from services.portal.brand.answers import COLOURS, Draft
from services.portal.choices import is_search
from services.portal.edits import Collision, Edit
from services.portal.forms import Form, Typed, Uploaded, file_of
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked

HOME = "/brand"
THEMES = {"light": "accent", "dark": "accent_dark"}


@get(HOME)
async def brand(page: Page) -> Template:
    """The draft, and what it looks like."""
    draft = await _draft(page)
    return await _show(page, draft, Edit(views.inputs(draft)))


@post(HOME)
async def save(page: Page, data: Typed) -> Template | Redirect:
    """Change name, colours and words of the draft. If somebody else saved first, the form shows their changes."""
    return await _save(page, Edit.sent(data))


async def _save(page: Page, form: Edit) -> Template | Redirect:
    if is_search(form.values):
        return await _show(page, await _draft(page), form)
    body = views.body(form)
    if not form.is_wrong:
        try:
            if body:
                await page.services.identity.patch("brand/draft", Draft, body, etag=form.etag)
            return page.go(HOME, _("The draft is saved") if body else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    draft = await _draft(page)
    if form.is_stale:
        theirs = form.rebase(views.inputs(draft), views.words(draft))
        if not theirs:  # the logo alone is another
            return await _save(page, form)
        form.collision = Collision("", None, theirs)
    return await _show(page, draft, form)


@post(f"{HOME}/nearest")
async def take_nearest(page: Page, data: Typed) -> Redirect:
    """Take the colour that was offered for a theme."""
    draft = await _draft(page)
    offered = {THEMES[theme]: each.nearest for theme, each in draft.faint.items() if theme == data.get("theme")}
    if offered:
        await page.services.identity.patch("brand/draft", Draft, offered, etag=f'"{draft.edition}"')
    return page.go(HOME, _("The draft is saved") if offered else "")


@post(f"{HOME}/logo")
async def show_logo(page: Page, data: Uploaded) -> Template | Redirect:
    """Give the draft a logo."""
    form = Form({"image": ""})
    if image := await file_of(data, "image"):
        try:
            await page.services.identity.put("brand/draft/logo", Draft, {"image": image})
            return page.go(HOME, _("The draft has this logo"))
        except ServiceProblem as problem:
            form.refuse(problem)
    else:
        form.errors["image"] = _("Choose a file.")
    draft = await _draft(page)
    return await _show(page, draft, Edit(views.inputs(draft)), form)


@post(f"{HOME}/logo/remove")
async def remove_logo(page: Page) -> Redirect:
    """Take the logo from the draft."""
    await page.services.identity.delete("brand/draft/logo")
    return page.go(HOME, _("The draft has no logo"))


@get(f"{HOME}/discard")
async def ask_discard(page: Page) -> Template:
    """Really?"""
    question = Question(
        title=_("Discard the draft?"),
        text=_("What you have not published is deleted: colours, words and the logo. You cannot undo this."),
        action=f"{HOME}/discard",
        yes=_("Discard the draft"),
        back=HOME,
        danger=True,
    )
    return await ask(page, question, section="brand")


@post(f"{HOME}/discard")
async def discard(page: Page) -> Redirect:
    """Begin again with what everybody sees."""
    await page.services.identity.delete("brand/draft")
    return page.go(HOME, _("The draft is discarded"), tone="info")


@post(f"{HOME}/publish")
async def publish(page: Page, data: Typed, refresh_brand: Callable[[], Awaitable[None]]) -> Template | Redirect:
    """Show the draft to everybody."""
    form = Edit.sent(data)
    try:
        await page.services.identity.send("POST", "brand/publish", Draft, etag=form.etag)
    except ServiceProblem as problem:
        form.refuse(problem)
        draft = await _draft(page)
        shown = Edit(views.inputs(draft))
        shown.error, shown.refused_with = form.error or "; ".join(form.errors.values()), form.refused_with
        return await _show(page, draft, shown)
    await refresh_brand()
    return page.go(HOME, _("Everybody sees it from now on"))


@get(f"{HOME}/preview")
async def preview(page: Page) -> Template:
    """The page that people see before they sign in, with the draft."""
    draft = await _draft(page)
    return await page.show("brand/preview.html", brand=draft, company=draft.name)


@get(COLOURS)
async def colours(page: Page) -> Response[str]:
    """The colours of the draft: of the whole page of a preview, and of the parts of one."""
    draft = await _draft(page)
    sheet = draft.colours(":root.is-preview") + draft.colours(".brand-sample")
    return Response(sheet, media_type="text/css")


async def _draft(page: Page) -> Draft:
    return await page.services.identity.get("brand/draft", Draft)


async def _show(page: Page, draft: Draft, form: Edit, logo_form: Form | None = None) -> Template:
    return await page.show(
        "brand/page.html",
        section="brand",
        status=logo_form.status if logo_form else form.status,
        draft=draft,
        form=form,
        logo_form=logo_form or Form({"image": ""}),
        colleagues=await views.colleagues(page.services, form),
    )


def may_manage(page: Page) -> bool:
    """Whether the reader manages the brand."""
    return page.actor.can("manageBrand")


router = Router(
    path="/",
    route_handlers=[
        brand,
        save,
        take_nearest,
        show_logo,
        remove_logo,
        ask_discard,
        discard,
        publish,
        preview,
        colours,
    ],
    guards=[require_policy("manageBrand")],
)
area = Area(
    pages=[router],
    chapters=("brand",),
    entry=Entry(path=HOME, label=marked("Brand"), icon="palette", who=may_manage, office=True),
)
