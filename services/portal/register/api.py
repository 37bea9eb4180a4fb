"""Asking for access with an address of an organisation that lets its people in."""

from litestar import Router, get, post
from litestar.response import Template

from services.portal import links
from services.portal.area import Area
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from services.portal.sign_in.arrival import address_of
from shared.language import gettext as _


@get("/register")
async def open_registration(page: Page) -> Template:
    """Who would like to have access?"""
    return await page.show("register/page.html", form=Form({"email": address_of(page)}), sent=False)


@post("/register")
async def register(page: Page, data: Typed) -> Template:
    """Have a link mailed, if the address is of an organisation that lets its people in."""
    form = Form({name: data.get(name) for name in ("email", "first_name", "last_name")})
    if form.require_name() & form.require(email=_("Enter your e-mail address.")):
        try:
            await page.services.identity.post("auth/register", type(None), dict(form.values))
            return await page.show("register/page.html", form=form, sent=True)
        except ServiceProblem as problem:
            links.refuse(form, problem)
    return await page.show("register/page.html", form=form, sent=False, status=form.status)


router = Router(path="/", route_handlers=[open_registration, register], opt={"public": True})
area = Area(pages=[router], chapters=("invitation",))
