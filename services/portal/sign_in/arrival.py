"""The end of every way in: on to where the person was heading, or first to their second factor."""

from litestar.response import Redirect

from services.portal.answers import SignedIn
from services.portal.clients import Answer
from services.portal.cookies import cookie
from services.portal.page import Page
from services.portal.paths import local_path

NEXT_COOKIE = "portal_next"
"""Where a sign-in of several steps leads in the end; a mailed link does not say."""
FLOW_SECONDS = 600
STEPS = {"second_factor": "/sign-in/second-factor", "enrol": "/sign-in/enrol"}


def heading_for(page: Page) -> str:
    """Where the sign-in under way in this browser leads."""
    return local_path(page.cookie(NEXT_COOKIE))


def arrive(page: Page, answer: Answer[SignedIn], target: str, toast: str = "") -> Redirect:
    """Answer a way in: its cookies, and on to `target` or, remembering it, to the next step."""
    if answer.body.next:
        redirect = page.go(STEPS[answer.body.next])
        redirect.cookies.append(cookie(NEXT_COOKIE, local_path(target), FLOW_SECONDS))
    else:
        redirect = page.go(local_path(target), toast)
        redirect.cookies.append(cookie(NEXT_COOKIE, "", 0))
    redirect.cookies.extend(answer.cookies)
    return redirect
