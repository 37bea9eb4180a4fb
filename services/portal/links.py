"""Links that come by mail. Opening one changes nothing; its button works only in a browser that has opened the page.

A mail scanner that opens links, and one that also sends forms off without keeping cookies, gets nowhere.
"""

from hashlib import sha256
from typing import Any

import msgspec
from litestar.response import Template

from services.portal.cookies import cookie
from services.portal.forms import Form
from services.portal.page import Page
from services.portal.services import ServiceProblem
from services.portal.sign_in.refusals import too_many
from shared.language import gettext as _

OPENED_COOKIE = "portal_opened"
OPENED_SECONDS = 3600


class MailedLink(msgspec.Struct, frozen=True):
    """The address that a link is about (`POST auth/mailed-link`)."""

    email: str


async def show(page: Page, template: str, form: Form, **content: Any) -> Template:
    """The page of the link in `form`, remembered as opened here."""
    answer = await page.show(template, form=form, status=form.status, **content)
    answer.cookies.append(cookie(OPENED_COOKIE, _mark(form.values["token"]), OPENED_SECONDS))
    return answer


async def show_link(page: Page, template: str, form: Form, again: tuple[str, str]) -> Template:
    """Where a mailed link leads: its form, with the `email` it is about, while the link can be used; else at once the
    way to a new one (`again`: path and marked words), before anybody has filled anything in.
    """
    body = {"page": page.path.strip("/"), "token": form.values["token"]}
    try:
        if body["token"] and not page.viewing:
            found = await page.services.identity.post("auth/mailed-link", MailedLink, body)
            return await show(page, template, form, email=found.email)
    except ServiceProblem as problem:
        if problem.status == 429 and form.is_wrong:  # too many attempts: the form says for how long
            return await show(page, template, form, email="")
        if not is_void(problem) and problem.status != 422:
            raise
    return await void(page, *again)


def was_opened(page: Page, form: Form) -> bool:
    """Whether this browser has opened the page the form is from; if not, the form says so."""
    if page.cookie(OPENED_COOKIE) == _mark(form.values["token"]):
        return True
    form.error = _("Press the button once more: this browser did not keep the page's cookie.")
    return False


def is_void(problem: ServiceProblem) -> bool:
    """Whether the link is no good: too old, used, replaced, or never one."""
    return problem.status == 401 and not problem.signed_out


def refuse(form: Form, problem: ServiceProblem) -> None:
    """Show identity's errors on the form; after too many attempts, how long to wait."""
    if problem.status == 429:
        form.error = too_many(problem)
    else:
        form.refuse(problem)


async def void(page: Page, again: str, words: str) -> Template:
    """The one answer to every link that is no good, with the way to a new one; its `words` are a marked text."""
    return await page.show("void.html", status=410, again=again, words=_(words))


def _mark(token: str) -> str:
    return sha256(f"opened:{token}".encode()).hexdigest()
